/** Keyboards that the browser sees (Web MIDI): asked for on a button only, then followed as they come and go. */
import { signal } from '@preact/signals';
import { facts, playing } from '../jam/store';
import { NOTE_OFF, NOTE_ON } from '../sound/messages';
import { Hands } from './hands';
import { perform } from './player';

export type WebMidi = 'absent' | 'off' | 'asking' | 'on' | 'refused';

const present = typeof navigator !== 'undefined' && 'requestMIDIAccess' in navigator;
export const webMidi = signal<WebMidi>(present ? 'off' : 'absent');
/** The names of the keyboards that are listened to. */
export const keyboards = signal<string[]>([]);

const OURS = /musegen|midi through/i; // what the model plays is not the person's
const wired = new Map<string, { hands: Hands; port: MIDIInput }>();

export async function ask(): Promise<void> {
  webMidi.value = 'asking';
  try {
    const access = await navigator.requestMIDIAccess();
    access.onstatechange = () => follow(access);
    follow(access);
    webMidi.value = 'on';
  } catch {
    webMidi.value = 'refused';
  }
}

function follow(access: MIDIAccess): void {
  const here = [...access.inputs.values()].filter((port) => port.state === 'connected' && !OURS.test(port.name ?? ''));
  for (const [id, { hands, port }] of wired) {
    if (here.some((found) => found.id === id)) continue;
    port.onmidimessage = null;
    hands.release();
    wired.delete(id);
  }
  for (const port of here) if (!wired.has(port.id)) wire(port);
  keyboards.value = here.map((port) => port.name ?? 'a keyboard without a name');
}

function wire(port: MIDIInput): void {
  const hands = new Hands((message) => perform(message, heardByJam(port.name)));
  port.onmidimessage = ({ data }) => data && hear(hands, [...data], heardByJam(port.name));
  wired.set(port.id, { hands, port });
}

/** Notes go through `hands`, so that none is left when the keyboard is unplugged; clock and system messages nowhere. */
function hear(hands: Hands, message: number[], heard: boolean): void {
  const [status = 0, first = 0, second = 0] = message;
  const [kind, finger] = [status & 0xf0, `${status & 0x0f} ${first}`];
  if (kind === NOTE_ON && second > 0) hands.press(finger, first, second);
  else if (kind === NOTE_ON || kind === NOTE_OFF) hands.lift(finger);
  else if (kind >= 0xa0 && kind < 0xf0) perform([kind, ...message.slice(1)], heard);
}

/** Whether musegen itself listens to this keyboard, on the same machine: its notes must not be played twice. */
function heardByJam(name: string | null): boolean {
  return Boolean(name && playing.value && facts.value?.input_up && facts.value.input.includes(name));
}
