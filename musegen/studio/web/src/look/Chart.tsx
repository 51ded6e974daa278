/** Curves in one picture: SVG, so that they are sharp everywhere and take their colours from the page. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { amount, type Curve, smooth, ticks, worthSeeing } from './figures';

const HEIGHT = 300;
const LEFT = 48;
const RIGHT = 14;
const TOP = 12;
const BOTTOM = 30;

export function Chart({ curves, what }: { curves: { name: string; curve: Curve }[]; what: string }) {
  const [box, width] = useWidth();
  const all = curves.map(({ curve }) => curve);
  const [low, high] = worthSeeing(all);
  const most = Math.max(1, ...all.map((curve) => curve.at(-1)?.[0] ?? 0));
  const x = (step: number): number => LEFT + (step / most) * (width - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  return (
    <div ref={box} class="chart">
      <svg width={width} height={HEIGHT} role="img" aria-label={`${what}: ${curves.map(said).join('; ')}`}>
        {ticks(low, high).map((value) => (
          <g key={value} class="grid">
            <line x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} />
            <text x={LEFT - 8} y={y(value) + 4} text-anchor="end">
              {value}
            </text>
          </g>
        ))}
        {ticks(0, most, Math.max(2, width / 120)).map((step) => (
          <text key={step} class="axis" x={x(step)} y={HEIGHT - 10} text-anchor="middle">
            {step === 0 ? 'step 0' : amount(step)}
          </text>
        ))}
        <clipPath id="chart-inside">
          <rect x={LEFT} y={TOP} width={Math.max(0, width - LEFT - RIGHT)} height={HEIGHT - TOP - BOTTOM} />
        </clipPath>
        <g clip-path="url(#chart-inside)">
          {curves.map(({ name, curve }, i) => (
            <Line key={name} curve={curve} tone={i % 6} x={x} y={y} />
          ))}
        </g>
      </svg>
    </div>
  );
}

function Line({
  curve,
  tone,
  x,
  y,
}: {
  curve: Curve;
  tone: number;
  x(step: number): number;
  y(value: number): number;
}) {
  const path = (points: Curve): string =>
    points.map(([step, value], i) => `${i ? 'L' : 'M'}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  const clean = smooth(curve);
  return (
    <g class={`curve tone-${tone}`}>
      {clean !== curve && <path class="rough" d={path(curve)} />}
      <path d={path(clean)} />
      {curve.length <= 40 && curve.map(([step, value]) => <circle key={step} cx={x(step)} cy={y(value)} r="2.5" />)}
    </g>
  );
}

function said({ name, curve }: { name: string; curve: Curve }): string {
  const last = curve.at(-1);
  return last ? `${name} is ${last[1].toFixed(3)} at step ${last[0]}` : `${name}: nothing yet`;
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(700);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.max(240, Math.floor(entry!.contentRect.width))));
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, []);
  return [box, width] as const;
}
