import { expect, test } from 'vitest';
import { Delay } from './delay';

test('what comes in time is played when it is due', () => {
  const delay = new Delay();
  expect([1, 1, 1.5, 9].map((due) => delay.place(due, due - 0.1))).toEqual([1, 1, 1.5, 9]);
});

test('a steady rhythm that comes late, and in batches, is still steady', () => {
  const delay = new Delay();
  const played = Array.from({ length: 200 }, (_, i) => {
    const due = i / 10;
    return delay.place(due, due + 0.05 + (i % 3) * 0.02);
  });
  const steps = played.slice(20).map((time, i) => time - played[i + 19]!);
  expect(Math.max(...steps)).toBeLessThan(0.104);
  expect(Math.min(...steps)).toBeGreaterThan(0.098);
  played.forEach((time, i) => expect(time).toBeGreaterThanOrEqual(i / 10 + 0.05));
});

test('order is kept, whatever happens: a key is never struck before it is up', () => {
  const delay = new Delay();
  let before = -Infinity;
  for (let i = 0; i < 500; i++) {
    const due = Math.floor(i / 2) / 20; // twos at one time
    const time = delay.place(due, due + (i % 7 === 0 ? 0.1 : -0.1));
    expect(time).toBeGreaterThanOrEqual(before);
    before = time;
  }
});

test('a hiccup is forgotten after a while, and a page that slept delays nothing', () => {
  const delay = new Delay();
  expect(delay.place(0, 20)).toBe(0);
  expect(delay.place(20, 20.3)).toBeCloseTo(20.3);
  expect(delay.place(21, 20.9)).toBeCloseTo(21.29);
  expect(delay.place(60, 59)).toBeCloseTo(60);
});
