/** What of the Write page is heard: the file or a take, and switching between the two at the same place. */
import { computed, signal } from '@preact/signals';
import type { PieceView } from '../protocol';
import { type Playing, sound } from '../sound/synth';
import { attempt, piece, view } from './store';

/** What sounds; null: nothing. */
export const heard = signal<PieceView | null>(null);
/** The take that was heard last: what the file is compared with. */
export const rival = signal('');

/** What the big roll shows: what sounds, else the file. */
export const shown = computed(() => heard.value ?? piece.value);

let playing: Playing | null = null;

/** Where it is; undefined: nothing sounds. */
export function tick(): number | undefined {
  return heard.value ? playing?.tick() : undefined;
}

/** Play `what` from `from` on, or stop it if it plays. */
export function toggle(what: PieceView, from = 0): void {
  if (heard.value?.id === what.id) stopAll();
  else play(what, from);
}

/** From the file to the take that was heard last, or back, without leaving the place. */
export function compare(): Promise<void> {
  return attempt(async () => {
    const file = piece.value;
    if (!file || !rival.value) return;
    const next = heard.value?.id === rival.value ? file : await view(rival.value);
    play(next, Math.min(tick() ?? 0, next.end));
  });
}

export function stopAll(): void {
  playing?.stop();
}

function play(what: PieceView, from: number): void {
  const started: Playing = sound.play(what, from, () => {
    if (playing !== started) return;
    heard.value = null;
    playing = null;
  });
  playing = started;
  heard.value = what;
  if (what.id !== piece.value?.id) rival.value = what.id;
}
