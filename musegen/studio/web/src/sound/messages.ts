/** What the page's own thread and the synthesiser's thread say to each other. */
import type { Section } from './sections';
import type { Timed } from './queue';

export type ToSynth =
  | { font: ArrayBuffer }
  | { play: Timed[] }
  /** What waits for the section never sounds; what sounds ends. */
  | { cancel: Section };

export type FromSynth =
  | { ready: true }
  | { failed: string }
  /** The first block that was not silence, and its time in seconds. */
  | { sounded: number };

export const NOTE_OFF = 0x80;
export const NOTE_ON = 0x90;
export const CONTROL = 0xb0;
export const PROGRAM = 0xc0;
export const SUSTAIN = 64;
