/** Where music is on a roll, and back: ticks and pitches to CSS pixels. No canvas, no notes kept. */

export interface RollNote {
  /** Ticks, 24 a quarter. */
  onset: number;
  /** null: still held, up to the playhead. */
  duration: number | null;
  pitch: number;
  velocity: number;
  /** 0–127; 128: drums. */
  program: number;
  who?: 'player' | 'model';
  /** It may still change. */
  planned?: boolean;
  /** Instead of the colour of `who`. */
  colour?: string;
}

export interface RollBar {
  tick: number;
  number: number;
  /** Ticks a beat. */
  beat: number;
  beats: number;
}

/** What part of the music is where on the canvas (CSS pixels). */
export interface RollView {
  width: number;
  height: number;
  /** Ticks at the left and the right edge. */
  from: number;
  to: number;
  /** The lowest and the highest pitch seen. */
  low: number;
  high: number;
  /** Whether there is a strip for drums at the bottom. */
  drums: boolean;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const DRUMS = 128;
/** Where the bars' numbers are. */
export const HEAD = 20;
const DRUM_GAP = 8;
const LEAST_WIDTH = 2; // a note that is shorter is still seen

/** General MIDI's drums as rows of a roll, from the bottom. */
export const DRUM_ROWS = ['kick', 'snare', 'toms', 'hats', 'cymbals', 'others'] as const;
const KIT: readonly (readonly number[])[] = [
  [35, 36],
  [37, 38, 39, 40],
  [41, 43, 45, 47, 48, 50],
  [42, 44, 46],
  [49, 51, 52, 53, 55, 57, 59],
];

export function drumRow(pitch: number): number {
  const row = KIT.findIndex((pitches) => pitches.includes(pitch));
  return row < 0 ? KIT.length : row;
}

export function drumRowHeight(view: RollView): number {
  return view.drums ? Math.min(11, Math.max(5, view.height / 40)) : 0;
}

/** Where the pitched part ends. */
export function pitchedBottom(view: RollView): number {
  return view.drums ? view.height - DRUM_ROWS.length * drumRowHeight(view) - DRUM_GAP : view.height;
}

export function rowHeight(view: RollView): number {
  return (pitchedBottom(view) - HEAD) / (view.high - view.low + 1);
}

export function xOf(view: RollView, tick: number): number {
  return ((tick - view.from) / (view.to - view.from)) * view.width;
}

export function tickAt(view: RollView, x: number): number {
  return view.from + (x / view.width) * (view.to - view.from);
}

/** The top of a pitch's row. */
export function yOf(view: RollView, pitch: number): number {
  return HEAD + (view.high - pitch) * rowHeight(view);
}

export function pitchAt(view: RollView, y: number): number {
  return Math.ceil(view.high - (y - HEAD) / rowHeight(view));
}

/** The tick at which `note` ends, as far as is known at tick `now`. */
export function endOf(note: RollNote, now: number): number {
  return note.duration === null ? Math.max(note.onset, now) : note.onset + note.duration;
}

/** Where a note is; in `box`, so that thousands need not be made. */
export function boxOf(view: RollView, note: RollNote, now: number, box = { x: 0, y: 0, width: 0, height: 0 }): Box {
  box.x = xOf(view, note.onset);
  if (note.program === DRUMS) {
    const row = drumRowHeight(view);
    box.y = view.height - (drumRow(note.pitch) + 1) * row + 1;
    box.height = row - 2;
    box.width = Math.max(3, box.height); // a stroke has no length
    return box;
  }
  // On whole pixels from top to bottom: sharper, and quicker to paint.
  const row = rowHeight(view);
  box.y = Math.round(yOf(view, note.pitch));
  box.height = Math.max(2, Math.round(row) - (row > 5 ? 1 : 0));
  box.width = Math.max(LEAST_WIDTH, xOf(view, endOf(note, now)) - box.x - 1); // a hair between repeated notes
  return box;
}

const longest = new WeakMap<readonly RollNote[], number>();

/** The place in `notes` (by onset) of the first that can reach `tick`; held notes reach everything. */
export function firstReaching(notes: readonly RollNote[], tick: number): number {
  let reach = longest.get(notes);
  if (reach === undefined) {
    reach = notes.reduce((most, note) => Math.max(most, note.duration ?? Infinity), 0);
    longest.set(notes, reach);
  }
  let [low, high] = [0, notes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (notes[middle]!.onset + reach < tick) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The note under a point, the last drawn first; a little beside it counts too, for fingers. */
export function noteAt(
  view: RollView,
  notes: readonly RollNote[],
  x: number,
  y: number,
  now = view.to,
): RollNote | undefined {
  const near = 3;
  let found: RollNote | undefined;
  for (let i = firstReaching(notes, tickAt(view, x - near)); i < notes.length; i++) {
    const note = notes[i]!;
    if (xOf(view, note.onset) > x + near) break;
    const box = boxOf(view, note, now);
    if (x <= box.x + box.width + near && y >= box.y - 1 && y <= box.y + box.height + 1) found = note;
  }
  return found;
}

/** The lowest and highest pitch of what begins in `from` … `to`, with some air; never less than `least` semitones. */
export function rangeOf(notes: readonly RollNote[], from: number, to: number, least = 30): [number, number] {
  let [low, high] = [128, -1];
  for (let i = firstReaching(notes, from); i < notes.length && notes[i]!.onset < to; i++) {
    const { pitch, program } = notes[i]!;
    if (program === DRUMS) continue;
    low = Math.min(low, pitch);
    high = Math.max(high, pitch);
  }
  if (high < 0) low = high = 60; // nothing there: around middle C
  const missing = Math.max(2, (least - (high - low + 1)) / 2);
  return [Math.max(0, Math.floor(low - missing)), Math.min(127, Math.ceil(high + missing))];
}

const NAMES = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'];

/** Such as "C4" (middle C). */
export function pitchName(pitch: number): string {
  return `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
}
