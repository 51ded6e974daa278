/** How surprising a note is, as colours and in words. Knows nothing of where the figures come from. */
import { pitchName } from '../roll/geometry';
import { barOf } from './bars';

/** Nats at which the next colour begins: a note in 2.7, 7, 20, 55 and 400. */
export const STEPS = [1, 2, 3, 4, 6] as const;

/** From expected to surprising; told apart by lightness too. */
const DARK = ['#47788f', '#6fbad8', '#a3cf9c', '#e6c15c', '#f2955a', '#ff6a61'] as const;
const LIGHT = ['#86acba', '#176f91', '#47743a', '#94700a', '#b8500f', '#b0201c'] as const;

/** Which of the colours, from 0. */
export function step(nats: number): number {
  return STEPS.filter((least) => nats >= least).length;
}

export function colours(dark: boolean): readonly string[] {
  return dark ? DARK : LIGHT;
}

/** Such as "1 in 20". */
export function odds(nats: number): string {
  const times = Math.exp(nats);
  if (times < 1.95) return `${Math.round(100 / times)} in 100`;
  return `1 in ${times < 1000 ? Math.round(times) : Number(times.toPrecision(2)).toLocaleString('en')}`;
}

const DRUMS = 128;

/** A note in words: what, where, and how surprising, if that is known. */
export function noteWords(
  [onset, , pitch, , program]: readonly number[],
  bars: readonly number[],
  beat: number,
  nats?: number,
): string {
  const bar = barOf(bars, onset!);
  const place = 1 + (onset! - bars[bar - 1]!) / beat;
  const what = program === DRUMS ? `drum ${pitch}` : pitchName(pitch!);
  const where = `bar ${bar}, beat ${Number(place.toFixed(2))}`;
  return nats === undefined ? `${what}, ${where}` : `${what}, ${where}: ${nats.toFixed(1)} nats, ${odds(nats)}`;
}
