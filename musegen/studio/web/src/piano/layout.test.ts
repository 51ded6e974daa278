import { expect, test } from 'vitest';
import { keysOf, lowest, nameOf, whitesIn, touched } from './layout';

const keys = keysOf(60, 7);
const seventh = 1 / 7;

test('the white keys fill the width; the black ones lie between them', () => {
  const whites = keys.filter((k) => !k.black);
  expect(whites.map((k) => k.pitch)).toEqual([60, 62, 64, 65, 67, 69, 71]);
  whites.forEach((key, i) => expect(key.left).toBeCloseTo(i * seventh));
  const black = keys.find((k) => k.pitch === 66)!;
  expect(black.left + black.width / 2).toBeCloseTo(4 * seventh);
});

test('a finger meets the key that is seen there', () => {
  expect(touched(keys, seventh, 0.3)?.pitch).toBe(61);
  expect(touched(keys, seventh + 0.001, 0.9)?.pitch).toBe(62);
  expect(touched(keys, 3 * seventh, 0.3)?.pitch).toBe(65); // no black key between E and F
  expect(touched(keys, 0.999, 0.9)?.pitch).toBe(71);
  expect(touched(keys, 1.01, 0.5)).toBeNull();
  expect(touched(keys, 0.5, 1.2)).toBeNull();
});

test('the front of a key is loud, its back soft, on black keys too', () => {
  expect(touched(keys, 0.01, 0.95)!.velocity).toBeGreaterThan(touched(keys, 0.01, 0.1)!.velocity + 40);
  expect(touched(keys, seventh, 0.6)!.velocity).toBeGreaterThan(touched(keys, seventh, 0.05)!.velocity + 40);
});

test('a phone has more than an octave, a wide window six, and the chosen one is among them', () => {
  expect([whitesIn(100), whitesIn(360), whitesIn(3000)]).toEqual([7, 9, 42]);
  for (const whites of [7, 9, 20, 42])
    for (const base of [24, 60, 96]) {
      const keys = keysOf(lowest(base, whites), whites);
      expect(keys.filter((k) => !k.black).length).toBe(whites);
      expect(Math.max(...keys.map((k) => k.left + k.width))).toBeCloseTo(1);
      const pitches = keys.map((k) => k.pitch);
      expect(pitches).toContain(base);
      expect(Math.min(...pitches)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...pitches)).toBeLessThanOrEqual(127);
    }
});

test('every black key is a finger wide', () => {
  for (const width of [320, 360, 800, 1280, 1600])
    for (const key of keysOf(48, whitesIn(width))) expect(key.width * width).toBeGreaterThanOrEqual(24);
});

test('middle C is C4', () => {
  expect([nameOf(60), nameOf(61), nameOf(21)]).toEqual(['C4', 'C♯4', 'A0']);
});
