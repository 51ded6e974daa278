import { beforeEach, expect, test } from 'vitest';
import { Hands } from './hands';

let out: number[][];
let hands: Hands;
beforeEach(() => {
  out = [];
  hands = new Hands((message) => out.push(message));
});

test('a key goes down with the first finger and up with the last', () => {
  hands.press('mouse', 60, 80);
  hands.press('KeyA', 60, 96);
  hands.lift('mouse');
  expect(out).toEqual([[0x90, 60, 80]]);
  hands.lift('KeyA');
  hands.lift('KeyA');
  expect(out.slice(1)).toEqual([[0x80, 60, 0]]);
});

test('a sliding finger leaves each key for the next, and trembling on one plays nothing', () => {
  hands.press('touch 1', 60, 80);
  hands.press('touch 1', 60, 90);
  hands.press('touch 1', 62, 90);
  expect(out).toEqual([[0x90, 60, 80], [0x80, 60, 0], [0x90, 62, 90]]); // prettier-ignore
  expect([...hands.down]).toEqual([62]);
});

test('letting go ends every note and the pedal, once', () => {
  hands.pedal(true);
  hands.pedal(true);
  hands.press('a', 60, 80);
  hands.press('b', 64, 80);
  out.length = 0;
  hands.release();
  hands.release();
  expect(out).toEqual([[0x80, 60, 0], [0x80, 64, 0], [0xb0, 64, 0]]); // prettier-ignore
});

test('keys and strokes stay within what MIDI has', () => {
  hands.press('a', 128, 80);
  hands.press('b', -1, 80);
  hands.press('c', 60, 0);
  hands.press('d', 61, 300);
  expect(out).toEqual([[0x90, 60, 1], [0x90, 61, 127]]); // prettier-ignore
});
