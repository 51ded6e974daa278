import { describe, expect, it } from 'vitest';
import { barOf, barWords, beatAt, between, moved, rollBars, span } from './bars';
import { rollNotes, takeNotes } from './notes';
import { colours, noteWords, odds, step, STEPS } from './surprise';

const BARS = [0, 72, 168, 264]; // a bar of 3/4, two of 4/4
const METERS: [number, number, number][] = [
  [0, 3, 4],
  [72, 4, 4],
];

describe('bars', () => {
  it('finds the bar of a tick, and stays inside', () => {
    expect([0, 71, 72, 167.9, 168, 1000, -5].map((tick) => barOf(BARS, tick))).toEqual([1, 1, 2, 2, 3, 3, 1]);
    expect(barOf([0], 40)).toBe(1);
  });
  it('spans from tick to tick, whichever way it was dragged', () => {
    expect(between(3, 2)).toEqual([2, 3]);
    expect(span(BARS, between(3, 2))).toEqual([72, 264]);
    expect(span(BARS, [1, 1])).toEqual([0, 72]);
  });
  it('moves and grows by keys, within the file', () => {
    expect(moved(null, 1, false, BARS)).toEqual([1, 1]);
    expect(moved(null, -1, false, BARS)).toEqual([3, 3]);
    expect(moved([1, 2], 1, false, BARS)).toEqual([3, 3]);
    expect(moved([1, 2], 1, true, BARS)).toEqual([1, 3]);
    expect(moved([1, 3], 1, true, BARS)).toEqual([1, 3]);
    expect(moved([2, 3], -1, true, BARS)).toEqual([2, 2]);
    expect(moved([1, 1], -1, false, BARS)).toEqual([1, 1]);
  });
  it('tells the roll its beats', () => {
    expect(rollBars({ bars: BARS, meters: METERS })).toEqual([
      { tick: 0, number: 1, beat: 24, beats: 3 },
      { tick: 72, number: 2, beat: 24, beats: 4 },
      { tick: 168, number: 3, beat: 24, beats: 4 },
    ]);
    expect(beatAt([[0, 6, 8]], 500)).toBe(12);
  });
  it('says them', () => {
    expect([barWords([3, 3]), barWords([3, 4])]).toEqual(['bar 3', 'bars 3 to 4']);
  });
});

describe('surprise', () => {
  it('has a colour for every step, warmer with more nats', () => {
    expect([0, 0.99, 1, 5.9, 6, 40].map(step)).toEqual([0, 0, 1, 4, 5, 5]);
    for (const dark of [true, false]) expect(new Set(colours(dark)).size).toBe(STEPS.length + 1);
  });
  it('says odds as people do', () => {
    expect([0.1, 3, 12].map(odds)).toEqual(['90 in 100', '1 in 20', '1 in 160,000']);
  });
  it('says where a note is and what it is', () => {
    expect(noteWords([84, 12, 63, 80, 0, 0], BARS, 24, 5.12)).toBe('E♭4, bar 2, beat 1.5: 5.1 nats, 1 in 167');
    expect(noteWords([0, 12, 36, 80, 128, 0], BARS, 24)).toBe('drum 36, bar 1, beat 1');
  });
});

describe('notes for the roll', () => {
  const file = { notes: [[24, 12, 62, 80, 0, 0], [0, 24, 60, 80, 0, 0]] as [number, number, number, number, number, number][] }; // prettier-ignore

  it('come by onset, each with the colour of its own surprise', () => {
    const notes = rollNotes(file, [0.2, 9], ['calm', '', '', '', '', 'wild']);
    expect(notes.map(({ onset, colour, index }) => [onset, colour, index])).toEqual([
      [0, 'wild', 1],
      [24, 'calm', 0],
    ]);
    expect(rollNotes(file, undefined, []).map(({ colour }) => colour)).toEqual([undefined, undefined]);
  });

  it('tell what of a take was in the file, however it is played now', () => {
    const take = { notes: [[0, 20, 60, 99, 0, 0], [24, 12, 63, 80, 0, 0]] as typeof file.notes }; // prettier-ignore
    expect(takeNotes(take, file).map(({ who }) => who)).toEqual(['player', 'model']);
    expect(takeNotes(take, null).map(({ who }) => who)).toEqual(['model', 'model']);
  });
});
