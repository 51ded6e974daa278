/** The person at the page: what they do sounds here at once, and the jam hears it as if from a keyboard. */
import { effect, signal } from '@preact/signals';
import { jam, playing, send } from '../jam/store';
import { PROGRAM } from '../sound/messages';
import { HANDS } from '../sound/sections';
import { kept } from '../sound/settings';
import { sound } from '../sound/synth';
import { Hands } from './hands';
import { OCTAVE } from './layout';

const LOWEST = 24;
const HIGHEST = 96;

/** The C that the key A plays. */
export const base = kept('musegen octave', 60);
/** How hard typed keys strike. */
export const touch = kept('musegen touch', 96);
/** The General MIDI program of your own sound. */
export const program = kept('musegen sound', 0);
/** Whether the pedal is held for you. */
export const pedalled = signal(false);

/** The on-screen and the computer's keys. */
export const hands = new Hands(perform);

effect(() => sound.message([PROGRAM, program.value], undefined, HANDS));
effect(() => hands.pedal(pedalled.value));

/** One message of the person's; `heard`: the jam hears this keyboard itself. */
export function perform(message: number[], heard = false): void {
  const returns = heard && playing.value && jam.value.settings.thru; // then it comes back as the jam's own sound
  if (!returns) sound.message(message, undefined, HANDS);
  if (playing.value && !heard) send({ midi: message.map((byte) => byte.toString(16).padStart(2, '0')).join('') });
}

/** Let everything go: the page lost the keyboard, or a panic. */
export function release(): void {
  hands.release();
  pedalled.value = false;
}

/** Up or down by octaves; what is held stays as it is. */
export function shift(octaves: number): void {
  base.value = Math.min(HIGHEST, Math.max(LOWEST, base.value + OCTAVE * octaves));
}
