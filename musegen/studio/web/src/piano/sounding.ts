/** Which keys sound at a tick, and whose they are. Knows nothing of the page. */
import type { RollNote } from '../roll/roll';

const LOOK_BACK = 300; // notes: more never sound at once, whatever began earlier

export interface Sounding {
  player: Set<number>;
  model: Set<number>;
}

/** `notes` are in order of their onsets; drums have no keys. */
export function soundingAt(notes: readonly RollNote[], tick: number): Sounding {
  const found: Sounding = { player: new Set(), model: new Set() };
  const next = firstAfter(notes, tick);
  for (const note of notes.slice(Math.max(0, next - LOOK_BACK), next)) {
    const over = note.duration !== null && note.onset + note.duration <= tick;
    if (note.who && !over && !note.planned && note.program < 128) found[note.who].add(note.pitch);
  }
  return found;
}

function firstAfter(notes: readonly RollNote[], tick: number): number {
  let [low, high] = [0, notes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (notes[middle]!.onset > tick) high = middle;
    else low = middle + 1;
  }
  return low;
}
