import { expect, test } from 'vitest';
import type { RollNote } from '../roll/roll';
import { soundingAt } from './sounding';

const note = (onset: number, duration: number | null, pitch: number, more: Partial<RollNote> = {}): RollNote => ({
  onset,
  duration,
  pitch,
  velocity: 80,
  program: 0,
  who: 'model',
  ...more,
});

test('what sounds at a tick, by whom; planned notes and drums light no key', () => {
  const notes = [
    note(0, 24, 60),
    note(0, 48, 64, { who: 'player' }),
    note(20, null, 67, { who: 'player' }),
    note(24, 24, 72),
    note(24, 24, 36, { program: 128 }),
    note(24, 24, 74, { planned: true }),
    note(48, 24, 76),
  ];
  expect(soundingAt(notes, 23)).toEqual({ player: new Set([64, 67]), model: new Set([60]) });
  expect(soundingAt(notes, 24)).toEqual({ player: new Set([64, 67]), model: new Set([72]) });
  expect(soundingAt(notes, 60)).toEqual({ player: new Set([67]), model: new Set([76]) });
  expect(soundingAt([], 3)).toEqual({ player: new Set(), model: new Set() });
});
