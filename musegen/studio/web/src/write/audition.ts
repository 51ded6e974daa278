/** What of the Write page is heard: the file or a take, and switching between the two at the same place. */
import { computed, signal } from '@preact/signals';
import type { PieceView } from '../protocol';
import { type Playing, sound } from '../sound/synth';
import { piece, view } from './store';

/** What sounds; null: nothing. */
export const sounding = signal<PieceView | null>(null);
/** Its id; empty: nothing sounds. */
export const heard = computed(() => sounding.value?.id ?? '');
/** The take that was heard last: what the file is compared with. */
export const rival = signal('');

let playing: Playing | null = null;

/** Where it is; null: nothing sounds. */
export function tick(): number | null {
  return heard.value && playing ? playing.tick() : null;
}

/** Play `what` from `from` on, or stop it if it plays. */
export function toggle(what: PieceView, from = 0): void {
  if (heard.value === what.id) playing?.stop();
  else play(what, from);
}

/** From the file to the take that was heard last, or back, without leaving the place. */
export async function compare(): Promise<void> {
  const file = piece.value;
  if (!file || !rival.value) return;
  const next = heard.value === rival.value ? file : await view(rival.value);
  play(next, Math.min(tick() ?? 0, next.end));
}

export function stopAll(): void {
  playing?.stop();
}

function play(what: PieceView, from: number): void {
  const started: Playing = sound.play(what, from, () => {
    if (playing !== started) return;
    sounding.value = null;
    playing = null;
  });
  playing = started;
  sounding.value = what;
  if (what.id !== piece.value?.id) rival.value = what.id;
}
