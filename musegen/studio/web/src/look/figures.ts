/** Figures as people read them, and what of a log is drawn. Pure. */

/** "4.8 million", "284,080" */
export function amount(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)} billion`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)} million`;
  return n.toLocaleString('en');
}

/** "35 min", "2 h 05 min" */
export function minutes(n: number): string {
  const whole = Math.round(n);
  if (whole < 60) return `${whole} min`;
  return `${Math.floor(whole / 60)} h ${String(whole % 60).padStart(2, '0')} min`;
}

type Point = Record<string, number | string>;

const COUNTERS = new Set(['step', 'of', 'epoch', 'seconds', 'rate', 'rows']);
const USUAL = ['valid', 'train', 'valid with holes'];

/** What of a log can be drawn, the most telling first. */
export function seriesOf(points: readonly Point[]): string[] {
  const names = new Set<string>();
  for (const point of points) {
    for (const [name, value] of Object.entries(point)) {
      if (typeof value === 'number' && !COUNTERS.has(name)) names.add(name);
    }
  }
  return [...USUAL.filter((name) => names.has(name)), ...[...names].filter((name) => !USUAL.includes(name)).sort()];
}

/** What is drawn until somebody chooses: the usual figures, or the first one that there is. */
export function firstSeries(names: readonly string[]): string[] {
  const usual = names.filter((name) => name === 'valid' || name === 'train');
  return usual.length ? usual : names.slice(0, 1);
}

export type Curve = readonly (readonly [step: number, value: number])[];

export function curveOf(points: readonly Point[], name: string): Curve {
  const found: [number, number][] = [];
  for (const { step, [name]: value } of points) {
    if (typeof step === 'number' && typeof value === 'number') found.push([step, value]);
  }
  return found;
}

const MOST_JAGS = 40; // a curve with more points than this gets a smooth one on top

/** The same curve without its jags: a running mean over a fiftieth of it. Short curves stay as they are. */
export function smooth(curve: Curve): Curve {
  if (curve.length <= MOST_JAGS) return curve;
  const half = Math.ceil(curve.length / 100);
  return curve.map(([step], i) => {
    const near = curve.slice(Math.max(0, i - half), i + half + 1);
    return [step, near.reduce((sum, [, value]) => sum + value, 0) / near.length];
  });
}

/** The lowest and highest value that is worth the room: the steep beginning of a run is cut off. */
export function worthSeeing(curves: readonly Curve[]): [number, number] {
  const values = curves.flatMap((curve) => curve.map(([, value]) => value)).sort((a, b) => a - b);
  if (!values.length) return [0, 1];
  const low = values[0]!;
  const high = values[Math.min(values.length - 1, Math.floor(values.length * 0.97))]!;
  const air = Math.max((high - low) * 0.06, 1e-6);
  return [low - air, high + air];
}

/** About `many` round numbers between two. */
export function ticks(low: number, high: number, many = 5): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / many;
  const power = 10 ** Math.floor(Math.log10(rough));
  const each = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough)!;
  const first = Math.ceil(low / each);
  const count = Math.floor(high / each) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * each).toPrecision(6)));
}
