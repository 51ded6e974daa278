import { expect, test } from 'vitest';
import { CONTROL, NOTE_ON, PROGRAM } from './messages';
import { Memory } from './memory';

test('a synthesiser that starts late is told the latest of each, and no notes', () => {
  const memory = new Memory();
  memory.remember([1, 0, PROGRAM, 5, 0]);
  memory.remember([2, 0, PROGRAM, 40, 0]);
  memory.remember([2, 1, PROGRAM, 33, 0]);
  memory.remember([3, 0, CONTROL, 7, 90]);
  memory.remember([3, 0, CONTROL, 10, 20]);
  memory.remember([4, 0, NOTE_ON, 60, 90]);
  expect(memory.recall()).toEqual([
    [0, 0, PROGRAM, 40, 0],
    [0, 1, PROGRAM, 33, 0],
    [0, 0, CONTROL, 7, 90],
    [0, 0, CONTROL, 10, 20],
  ]);
});
