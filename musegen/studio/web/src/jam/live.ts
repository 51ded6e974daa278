/**
 * What the page knows of the jam, put together from frames that say only what changed.
 *
 * Plain and mutable: it changes thirty times a second, and what draws it looks when it draws. Knows no socket.
 */
import type { Frame, JamNote } from '../protocol';
import type { RollBar, RollNote } from '../roll/roll';

/** Notes kept, so that an evening's jam does not fill the memory; the oldest are forgotten. */
const MOST = 6000;
const QUARTER = 24;

export class Live {
  /** The last of each thing that a frame says; null: no jam has said anything yet. */
  frame: Frame | null = null;
  /** Committed notes by number. */
  notes = new Map<number, JamNote>();
  planned: readonly JamNote[] = [];
  bars: RollBar[] = [];
  /** Grows whenever notes do. */
  version = 0;
  readonly #rolled = new Map<number, RollNote>();
  #drawn: RollNote[] = [];
  #drawnVersion = -1;

  /** Take in a frame. */
  apply(frame: Frame): void {
    if (frame.full) this.clear();
    const { notes, gone, planned, bars, ...said } = frame;
    this.frame = { ...this.frame, ...said };
    if (notes || gone || planned) this.version++;
    for (const note of notes ?? []) this.#keep(note);
    for (const number of gone ?? []) this.#drop(number);
    if (planned) this.planned = planned;
    if (bars) this.#know(bars);
    this.#forget();
  }

  /** Forget everything. */
  clear(): void {
    this.frame = null;
    this.notes.clear();
    this.#rolled.clear();
    this.planned = [];
    this.bars = [];
    this.version++;
  }

  /** The tick that sounds at `now`, in the jam's seconds. */
  tickAt(now: number): number {
    const frame = this.frame;
    if (!frame) return 0;
    const since = Math.min(Math.max(now - frame.now, -0.5), 1); // a jam that says nothing for a second stands still
    return frame.rolling ? frame.tick + (since * frame.qpm * QUARTER) / 60 : frame.tick;
  }

  /** All notes as the roll draws them, by onset; the same array while nothing has changed. */
  drawn(): readonly RollNote[] {
    if (this.#drawnVersion === this.version) return this.#drawn;
    this.#drawn = [...this.#rolled.values(), ...this.planned.map((note) => rollNote(note, true))];
    this.#drawn.sort((a, b) => a.onset - b.onset);
    this.#drawnVersion = this.version;
    return this.#drawn;
  }

  #keep(note: JamNote): void {
    this.notes.set(note[0], note);
    this.#rolled.set(note[0], rollNote(note, false));
  }

  #drop(number: number): void {
    this.notes.delete(number);
    this.#rolled.delete(number);
  }

  /** Bars stay known when the frame has left them behind; a bar that moved takes the later ones with it. */
  #know(bars: NonNullable<Frame['bars']>): void {
    const first = bars[0]?.[0] ?? Infinity;
    const known = this.bars.filter((bar) => bar.tick < first).slice(-400);
    this.bars = known.concat(bars.map(([tick, number, beat, beats]) => ({ tick, number, beat, beats })));
  }

  #forget(): void {
    let over = this.notes.size - MOST;
    if (over <= 0) return;
    for (const number of this.notes.keys()) {
      if (over-- <= 0) break;
      this.#drop(number);
    }
  }
}

function rollNote([, onset, duration, pitch, velocity, program, who]: JamNote, planned: boolean): RollNote {
  return { onset, duration, pitch, velocity, program, who: who === 0 ? 'player' : 'model', planned };
}
