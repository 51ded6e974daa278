/** What a dial's keys, wheel and drag do to a knob's value. Knows no element. */
import type { KnobSpec } from '../protocol';

/** Pixels of drag for the whole way. */
export const WAY = 180;
const PAGE = 5; // steps

/** In range, and on a step. */
export function settle({ low, high, step }: KnobSpec, value: number): number {
  const stepped = low + Math.round((value - low) / step) * step;
  return Number(Math.min(high, Math.max(low, stepped)).toFixed(6));
}

/** Where a key turns the knob from `value` to; null: not a key of dials. */
export function turned(spec: KnobSpec, value: number, key: string): number | null {
  const steps: Record<string, number> = {
    ArrowUp: 1,
    ArrowRight: 1,
    ArrowDown: -1,
    ArrowLeft: -1,
    PageUp: PAGE,
    PageDown: -PAGE,
  };
  if (key === 'Home') return spec.low;
  if (key === 'End') return spec.high;
  const by = steps[key];
  return by === undefined ? null : settle(spec, value + by * spec.step);
}

/** Where a drag of `up` pixels turns the knob from `value` to; finely: a fifth as far. */
export function dragged(spec: KnobSpec, value: number, up: number, finely: boolean): number {
  return settle(spec, value + (up / WAY) * (spec.high - spec.low) * (finely ? 0.2 : 1));
}

/** The number as the jam writes it. */
export function written({ low, step }: KnobSpec, value: number): string {
  const sign = low < 0 && value >= 0 ? '+' : '';
  return sign + value.toFixed(step >= 1 ? 0 : 2);
}

const SWEEP = 270; // degrees from one end to the other

/** An arc of a dial with its centre at 0, 0, from place to place (0 … 1), as an SVG path. */
export function arc(radius: number, from: number, to: number): string {
  const [a, b] = from < to ? [from, to] : [to, from];
  const [x1, y1] = point(radius, a);
  const [x2, y2] = point(radius, b);
  return `M${x1} ${y1}A${radius} ${radius} 0 ${(b - a) * SWEEP > 180 ? 1 : 0} 1 ${x2} ${y2}`;
}

/** Where a place is on a circle. */
export function point(radius: number, place: number): [number, number] {
  const angle = ((place - 0.5) * SWEEP * Math.PI) / 180;
  return [Number((radius * Math.sin(angle)).toFixed(2)), Number((-radius * Math.cos(angle)).toFixed(2))];
}
