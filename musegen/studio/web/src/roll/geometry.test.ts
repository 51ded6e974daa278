import { describe, expect, it } from 'vitest';
import {
  boxOf,
  drumRow,
  firstReaching,
  noteAt,
  pitchAt,
  pitchName,
  rangeOf,
  type RollNote,
  type RollView,
  rowHeight,
  tickAt,
  xOf,
  yOf,
} from './geometry';

const view: RollView = { width: 960, height: 420, from: 96, to: 192, low: 48, high: 72, drums: true };
const note = (onset: number, duration: number | null, pitch = 60, program = 0): RollNote => ({
  onset,
  duration,
  pitch,
  velocity: 80,
  program,
});

describe('places on a roll', () => {
  it('goes from ticks and pitches to pixels and back', () => {
    expect(xOf(view, 144)).toBe(480);
    expect(tickAt(view, xOf(view, 101.5))).toBeCloseTo(101.5);
    for (const pitch of [48, 60, 61, 72]) {
      expect(pitchAt(view, yOf(view, pitch) + rowHeight(view) / 2)).toBe(pitch);
    }
    expect(yOf(view, 61)).toBeLessThan(yOf(view, 60));
  });

  it('keeps drums apart from pitches', () => {
    const lowest = boxOf(view, note(100, 12, 48), 0);
    const kick = boxOf(view, note(100, 1, 36, 128), 0);
    const hat = boxOf(view, note(100, 1, 42, 128), 0);
    expect(hat.y).toBeGreaterThan(lowest.y + lowest.height);
    expect(kick.y).toBeGreaterThan(hat.y);
    expect([36, 38, 42, 49, 70].map(drumRow)).toEqual([0, 1, 3, 4, 5]);
  });

  it('draws a held note up to now', () => {
    expect(boxOf(view, note(96, null), 144).width).toBeCloseTo(479);
    expect(boxOf(view, note(96, 0.01), 144).width).toBe(2);
  });
});

describe('what is seen', () => {
  it('begins with the first note that reaches in, however long ago it began', () => {
    const notes = [note(0, 200), note(10, 5), ...Array.from({ length: 50 }, (_, i) => note(20 + i, 5))];
    expect(firstReaching(notes, 150)).toBe(0);
    const short = notes.slice(1);
    expect(firstReaching(short, 60)).toBe(short.findIndex(({ onset }) => onset >= 55));
    expect(firstReaching([note(0, null), note(5, 1)], 1e6)).toBe(0);
  });

  it('is found under the pointer', () => {
    const notes = [note(100, 24, 60), note(100, 24, 64), note(150, 6, 60)];
    expect(noteAt(view, notes, xOf(view, 110), yOf(view, 64) + 3)).toBe(notes[1]);
    expect(noteAt(view, notes, xOf(view, 140), yOf(view, 60) + 3)).toBeUndefined();
    expect(noteAt(view, notes, xOf(view, 152), yOf(view, 60) + 3)).toBe(notes[2]);
  });

  it('ranges over what begins there, drums apart, never too narrow', () => {
    const notes = [note(0, 10, 20), note(100, 10, 50), note(110, 10, 100), note(120, 5, 5, 128)];
    expect(rangeOf(notes, 90, 200)).toEqual([48, 102]);
    const [low, high] = rangeOf([note(100, 10, 60)], 90, 200);
    expect(high - low).toBeGreaterThanOrEqual(29);
    expect(rangeOf([], 0, 10)).toEqual([45, 75]);
  });

  it('names pitches as the rest of musegen does', () => {
    expect([60, 61, 21].map(pitchName)).toEqual(['C4', 'C♯4', 'A0']);
  });
});
