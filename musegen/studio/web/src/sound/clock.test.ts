import { expect, test } from 'vitest';
import { AudioClock } from './clock';

test('the loudspeaker’s time decides, not what is being computed', () => {
  const clock = new AudioClock();
  clock.observe({ contextTime: 1, performanceTime: 5000 }, 1.05, 5000);
  expect(clock.toContext(5000)).toBeCloseTo(1);
  expect(clock.toPage(2)).toBeCloseTo(6000);
});

test('a browser that does not know it yet is taken at its current time', () => {
  const clock = new AudioClock();
  clock.observe({ contextTime: 0, performanceTime: 0 }, 0.5, 3000);
  expect(clock.toContext(3100)).toBeCloseTo(0.6);
});

test('wobble of ten milliseconds is not heard, a leap is followed at once', () => {
  const clock = new AudioClock();
  for (let i = 0; i < 200; i++) {
    const wobble = i % 2 ? 0.01 : -0.01;
    clock.observe({ contextTime: 1 + i / 100 + wobble, performanceTime: 1000 + 10 * i }, 0, 0);
  }
  expect(Math.abs(clock.toContext(1000) - 1)).toBeLessThan(0.002);
  clock.observe({ contextTime: 8, performanceTime: 1000 }, 0, 0);
  expect(clock.toContext(1000)).toBeCloseTo(8);
});
