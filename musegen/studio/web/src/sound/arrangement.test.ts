import { expect, test } from 'vitest';
import type { PieceView } from '../protocol';
import { allot, arrange } from './arrangement';
import { NOTE_OFF, NOTE_ON, PROGRAM } from './messages';
import { isDrumChannel } from './sections';

type Note = PieceView['notes'][number];
const SECTION = { first: 32, count: 32 };
const piece = (...notes: Note[]) => ({ notes, tempos: [[0, 120]] as [number, number][] });
const only = (kind: number, ...notes: Note[]) => arrange(piece(...notes), 0, SECTION).filter((m) => m[2] === kind);

test('parts sound with their own programs on their own channels, drums on a drum channel', () => {
  const notes: Note[] = [
    [0, 24, 60, 80, 40, 0],
    [0, 24, 48, 80, 40, 1],
    [0, 24, 38, 80, 128, 2],
  ];
  const channels = only(NOTE_ON, ...notes).map((m) => m[1]);
  expect(new Set(channels).size).toBe(3);
  expect(channels.map(isDrumChannel)).toEqual([false, false, true]);
  expect(only(PROGRAM, ...notes).map((m) => [m[1], m[3]])).toEqual([
    [channels[0], 40],
    [channels[1], 40],
    [channels[2], 0],
  ]);
});

test('more parts than channels share the last, none on the drums’, none outside the section', () => {
  const notes = Array.from({ length: 50 }, (_, part): Note => [0, 24, 60, 80, 0, part]);
  const channels = [...allot(notes, SECTION).values()];
  expect(channels.every((c) => c >= 32 && c < 64 && !isDrumChannel(c))).toBe(true);
  expect(new Set(channels).size).toBe(30);
});

test('times follow the tempo from where playing begins; a note that sounds there is struck there', () => {
  const music = piece([0, 48, 60, 80, 0, 0], [24, 24, 64, 80, 0, 0], [0, 12, 67, 80, 0, 0]);
  const heard = arrange(music, 24, SECTION).filter((m) => m[2] === NOTE_ON || m[2] === NOTE_OFF);
  expect(heard.map(([time, , kind, pitch]) => [time, kind, pitch])).toEqual([
    [0, NOTE_ON, 60],
    [0, NOTE_ON, 64],
    [0.5, NOTE_OFF, 60],
    [0.5, NOTE_OFF, 64],
  ]);
});

test('a key that is struck again while it is down goes up first, and the first stroke does not end the second', () => {
  const music = piece([0, 48, 60, 80, 0, 0], [24, 48, 60, 70, 0, 0]);
  const heard = arrange(music, 0, SECTION).filter((m) => m[3] === 60 && m[2] !== PROGRAM);
  expect(heard.map((m) => m[2])).toEqual([NOTE_ON, NOTE_OFF, NOTE_ON, NOTE_OFF]);
  expect(heard[1]![0]).toBeLessThan(heard[2]![0]);
  expect(heard[3]![0]).toBeCloseTo(1.5);
});
