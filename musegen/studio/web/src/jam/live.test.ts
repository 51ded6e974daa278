import { describe, expect, it } from 'vitest';
import type { Frame, JamNote } from '../protocol';
import { Live } from './live';

const first: Frame = {
  full: true,
  now: 10,
  tick: 96,
  qpm: 120,
  bar: 2,
  beat: 1,
  rolling: true,
  source: 'own tempo',
  mode: 'answer',
  state: 'listening',
  checkpoint: 'default',
  output: '',
  output_up: true,
  input: '',
  input_up: true,
  speed: 0,
  lookahead: 100,
  lateness: { p50: 0, p99: 0, max: 0, dropped: 0 },
  count: 0,
  recording: '',
  learning: '',
  bars: [
    [0, 1, 24, 4],
    [96, 2, 24, 4],
  ],
  notes: [],
  planned: [],
};
const next = (more: Partial<Frame>): Frame => ({ ...withoutLists(), ...more });
const note = (number: number, onset: number, duration: number | null = 12): JamNote => [
  number,
  onset,
  duration,
  60,
  80,
  0,
  1,
];

function withoutLists(): Frame {
  const { full: _full, notes: _notes, planned: _planned, bars: _bars, ...rest } = first;
  return rest;
}

function begun(): Live {
  const live = new Live();
  live.apply(first);
  return live;
}

describe('what is known of the jam', () => {
  it('keeps what a frame leaves out', () => {
    const live = begun();
    live.apply(next({ notes: [note(1, 96)], planned: [note(-1, 120)] }));
    live.apply(next({ tick: 97 }));
    expect(live.drawn().map(({ onset, planned }) => [onset, planned])).toEqual([
      [96, false],
      [120, true],
    ]);
    expect(live.bars).toHaveLength(2);
  });

  it('takes a note anew when it ends, and out when it is taken back', () => {
    const live = begun();
    live.apply(next({ notes: [note(1, 96, null), note(2, 98)] }));
    live.apply(next({ notes: [note(1, 96, 30)], gone: [2] }));
    expect(live.drawn()).toMatchObject([{ onset: 96, duration: 30, who: 'model' }]);
  });

  it('forgets everything with a full frame', () => {
    const live = begun();
    live.apply(next({ notes: [note(1, 96)] }));
    live.apply({ ...first, notes: [note(7, 100)] });
    expect([...live.notes.keys()]).toEqual([7]);
  });

  it('gives the same array while nothing changes, so that a picture costs no sorting', () => {
    const live = begun();
    live.apply(next({ notes: [note(2, 110), note(1, 96)] }));
    const drawn = live.drawn();
    live.apply(next({ tick: 98 }));
    expect(live.drawn()).toBe(drawn);
    live.apply(next({ gone: [1] }));
    expect(live.drawn()).not.toBe(drawn);
  });

  it('remembers bars that a frame has left behind, and lets a moved bar take the later ones with it', () => {
    const live = begun();
    live.apply(
      next({
        bars: [
          [96, 2, 24, 4],
          [192, 3, 24, 4],
        ],
      }),
    );
    expect(live.bars.map((bar) => bar.tick)).toEqual([0, 96, 192]);
    live.apply(next({ bars: [[100, 2, 24, 4]] }));
    expect(live.bars.map((bar) => bar.tick)).toEqual([0, 96, 100]);
  });

  it('forgets the oldest notes of an endless jam', () => {
    const live = begun();
    live.apply(next({ notes: Array.from({ length: 7000 }, (_, i) => note(i, i)) }));
    expect(live.notes.size).toBe(6000);
    expect(live.notes.has(999)).toBe(false);
    expect(live.notes.has(6999)).toBe(true);
  });

  it('goes on between frames, but not for long, and not while time stands', () => {
    const live = begun();
    expect(live.tickAt(10.5)).toBe(96 + 24);
    expect(live.tickAt(99)).toBe(96 + 48);
    live.apply(next({ rolling: false }));
    expect(live.tickAt(10.5)).toBe(96);
  });
});
