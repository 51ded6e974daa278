import { expect, test } from 'vitest';
import { type Timed, TimedQueue } from './queue';

const at = (time: number, channel = 0, data = 0): Timed => [time, channel, 0x90, data, 1];

test('messages come out at their time, in order, whenever they came in', () => {
  const queue = new TimedQueue();
  queue.add([at(2), at(1)]);
  queue.add([at(0.5)]);
  expect(queue.next()).toBe(0.5);
  expect(queue.due(1).map((m) => m[0])).toEqual([0.5, 1]);
  expect(queue.due(1)).toEqual([]);
  expect(queue.due(9)).toEqual([at(2)]);
  expect(queue.next()).toBe(Infinity);
});

test('messages of one time keep their order: a key is up before it goes down again', () => {
  const queue = new TimedQueue();
  queue.add([at(1, 0, 1), at(1, 0, 2)]);
  queue.add([at(1, 0, 3)]);
  expect(queue.due(1).map((m) => m[3])).toEqual([1, 2, 3]);
});

test('what waits for one section is dropped, and nothing else', () => {
  const queue = new TimedQueue();
  queue.add([at(1, 15), at(1, 16), at(1, 31), at(1, 32)]);
  queue.drop(16, 16);
  expect(queue.due(1).map((m) => m[1])).toEqual([15, 32]);
  expect(queue.length).toBe(0);
});
