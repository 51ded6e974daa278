/**
 * The jam as the page knows it, over one socket.
 *
 * Signals for what changes slowly (they draw the page anew); `live` for what changes thirty times a second (the roll
 * looks there when it draws).
 */
import { batch, computed, signal } from '@preact/signals';
import type { Frame, FromJam, FromServer, Hello, JamSettings, KnobState, Ports, ToJam } from '../protocol';
import { JamClock } from './clock';
import { Live } from './live';
import { type Connection, Socket } from './socket';

export interface Message {
  id: number;
  text: string;
  /** Something is wrong. */
  error: boolean;
}

/** Everything in a frame that a person reads, and that seldom changes. */
export type Facts = Pick<
  Frame,
  'rolling' | 'source' | 'mode' | 'state' | 'checkpoint' | 'output' | 'output_up' | 'input' | 'input_up' | 'recording'
> & { learning: string };

export const connection = signal<Connection>('connecting');
/** What is wrong with the connection; empty: nothing. */
export const trouble = signal('');
export const hello = signal<Hello | null>(null);
export const knobs = signal<KnobState[]>([]);
export const jam = signal<{ state: 'none' | 'starting' | 'playing' | 'ended'; settings: JamSettings; error: string }>({
  state: 'none',
  settings: {},
  error: '',
});
export const ports = signal<Ports | null>(null);
export const facts = signal<Facts | null>(null);
/** What was said lately, the newest last. */
export const messages = signal<Message[]>([]);
/** Whether anybody has played a note yet. */
export const begun = signal(false);
/** Grows when there may be a new recording. */
export const recordings = signal(0);
/** Grows with every panic: whoever makes sound or holds keys lets go. */
export const panics = signal(0);
export const playing = computed(() => jam.value.state === 'playing' || jam.value.state === 'starting');

export const live = new Live();
const clock = new JamClock();

const KEPT = 50; // messages
const PING = 1500; // milliseconds
const FACTS = [
  'rolling',
  'source',
  'mode',
  'state',
  'checkpoint',
  'output',
  'output_up',
  'input',
  'input_up',
  'recording',
  'learning',
] as const;

type MidiListener = (message: Uint8Array, atPageMs: number) => void;
const midiListeners = new Set<MidiListener>();
const cancelListeners = new Set<() => void>();

/** Hear every message that the jam sends, ahead of its time on the page's clock. Returns how to stop. */
export function onMidi(listener: MidiListener): () => void {
  midiListeners.add(listener);
  return () => midiListeners.delete(listener);
}

/** Hear when what has not sounded yet never will, and what sounds must end. Returns how to stop. */
export function onCancel(listener: () => void): () => void {
  cancelListeners.add(listener);
  return () => cancelListeners.delete(listener);
}

/** The page's time (`performance.now()`, milliseconds) at `seconds` of the jam's clock. */
export function toPageTime(seconds: number): number {
  return clock.toPage(seconds);
}

/** The tick that sounds now, also between frames. */
export function tickNow(): number {
  return live.tickAt(clock.toJam(performance.now()));
}

/** Tell the person something. */
export function say(text: string, error = false): void {
  messages.value = [...messages.value, { id: ++said, text, error }].slice(-KEPT);
}

/** Steer the jam. Whether it went out. */
export function send(command: ToJam): boolean {
  return socket.send(JSON.stringify(command));
}

/** Silence at once, here too, even if the jam does not hear it. */
export function panic(): void {
  send({ do: 'panic' });
  cancel();
  panics.value++;
}

let said = 0;
const socket = new Socket({
  connection(state, why) {
    batch(() => {
      connection.value = state;
      trouble.value = why;
    });
    if (state === 'lost') cancel(); // whatever would have ended the notes will not come
  },
  line: (text) => heard(JSON.parse(text) as FromJam | FromServer),
});

/** Connect; once, when the page begins. */
export function connect(): void {
  socket.begin();
  setInterval(ping, PING);
  window.musegenLive = live; // for whoever measures or scripts the page
}

declare global {
  interface Window {
    musegenLive: Live;
  }
}

function ping(): void {
  if (playing.value) send({ ping: performance.now() });
}

function heard(line: FromJam | FromServer): void {
  if ('frame' in line) framed(line.frame);
  else if ('midi' in line) for (const [at, hex] of line.midi) sounded(at, hex);
  else if ('cancel' in line) cancel();
  else if ('pong' in line) clock.pong(line.pong, performance.now(), line.now);
  else if ('say' in line) told(line.say);
  else if ('hello' in line) began(line.hello);
  else if ('ended' in line) ended(line.ended);
  else if ('jam' in line) jam.value = line.jam;
  else if ('ports' in line) ports.value = line.ports;
}

function framed(frame: Frame): void {
  clock.frame(performance.now(), frame.now);
  live.apply(frame);
  const known = facts.value;
  const now = { ...known, ...frame } as Facts;
  batch(() => {
    if (frame.knobs) knobs.value = frame.knobs;
    if (live.notes.size > 0) begun.value = true;
    if (!known || FACTS.some((name) => known[name] !== now[name])) {
      facts.value = Object.fromEntries(FACTS.map((name) => [name, now[name]])) as unknown as Facts;
    }
  });
}

function sounded(at: number, hex: string): void {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  for (const listener of midiListeners) listener(bytes, clock.toPage(at));
}

function began(news: Hello): void {
  live.clear();
  clock.clear();
  batch(() => {
    hello.value = news;
    facts.value = null;
    begun.value = false;
  });
  ping();
}

function cancel(): void {
  for (const listener of cancelListeners) listener();
}

function told(text: string): void {
  say(text);
  recordings.value++; // it may have said that it kept some bars
}

function ended({ error, recording }: { error: string; recording: string }): void {
  cancel();
  if (!error && recording) say(`Recorded in ${recording.split(/[/\\]/).at(-1)}.`);
  recordings.value++;
}
