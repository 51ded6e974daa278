import { expect, test } from 'vitest';
import { TempoMap } from './tempo';

test('without a tempo it is 120: 24 ticks are half a second', () => {
  expect(new TempoMap([]).seconds(24)).toBeCloseTo(0.5);
});

test('each tempo holds from its tick on, and ticks and seconds are each other’s inverse', () => {
  const map = new TempoMap([
    [0, 60],
    [48, 120],
    [96, 30],
  ]);
  expect(map.seconds(48)).toBeCloseTo(2);
  expect(map.seconds(96)).toBeCloseTo(3);
  expect(map.seconds(108)).toBeCloseTo(4);
  for (const tick of [0, 7, 48, 60, 96, 200]) expect(map.tick(map.seconds(tick))).toBeCloseTo(tick);
});

test('before the first tempo of a piece that names one later, it is 120', () => {
  expect(new TempoMap([[24, 60]]).seconds(48)).toBeCloseTo(1.5);
});
