/** Bars of a file: which one a tick is in, what a drag or keys select, and how far one can look. Counted from 1. */
import type { RollBar } from '../roll/geometry';
import type { PieceView } from '../protocol';

/** First and last bar, both included. */
export type Bars = readonly [first: number, last: number];

/** The number of the bar that `tick` is in; the first or the last for what lies outside. `bars` as in PieceView. */
export function barOf(bars: readonly number[], tick: number): number {
  let [low, high] = [0, Math.max(0, bars.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bars[middle]! <= tick) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** How many bars there are. */
export function count(bars: readonly number[]): number {
  return Math.max(1, bars.length - 1);
}

/** From tick to tick. */
export function span(bars: readonly number[], [first, last]: Bars): [number, number] {
  return [bars[first - 1] ?? 0, bars[Math.min(last, bars.length - 1)] ?? 0];
}

/** All bars from one to another, whichever comes first. */
export function between(one: number, other: number): Bars {
  return one < other ? [one, other] : [other, one];
}

/** What an arrow key makes of a selection: the next bar, or with `more` one more bar on that side. */
export function moved(selected: Bars | null, by: -1 | 1, more: boolean, bars: readonly number[]): Bars {
  const most = count(bars);
  if (!selected) return by > 0 ? [1, 1] : [most, most];
  const within = (bar: number): number => Math.min(most, Math.max(1, bar));
  const [first, last] = selected;
  if (more) return by > 0 ? [first, within(last + 1)] : [first, Math.max(first, last - 1)];
  const next = within((by > 0 ? last : first) + by);
  return [next, next];
}

/** As the roll wants them. */
export function rollBars({ bars, meters }: Pick<PieceView, 'bars' | 'meters'>): RollBar[] {
  return bars.slice(0, -1).map((tick, i) => {
    const beat = beatAt(meters, tick);
    return { tick, number: i + 1, beat, beats: Math.max(1, Math.round((bars[i + 1]! - tick) / beat)) };
  });
}

/** Ticks a beat, as the meter that is in force at `tick` writes it. */
export function beatAt(meters: readonly (readonly number[])[], tick: number): number {
  const meter = meters.filter(([start]) => start! <= tick).at(-1);
  return 96 / (meter?.[2] ?? 4);
}

/** In words, such as "bars 3 to 4". */
export function barWords([first, last]: Bars): string {
  return first === last ? `bar ${first}` : `bars ${first} to ${last}`;
}
