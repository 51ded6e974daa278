/** A piece as timed messages on a section's channels. Knows nothing of audio: seconds count from where playing begins. */
import type { PieceView } from '../protocol';
import { CONTROL, NOTE_OFF, NOTE_ON, PROGRAM, SUSTAIN } from './messages';
import type { Timed } from './queue';
import { isDrumChannel, type Section } from './sections';
import { TempoMap } from './tempo';

const DRUMS = 128;
const GAP = 0.001; // seconds by which a key is up before it is struck again

type Music = Pick<PieceView, 'notes' | 'tempos'>;
type Note = PieceView['notes'][number];
interface Stroke {
  channel: number;
  pitch: number;
  velocity: number;
  on: number;
  off: number;
}

/** All messages of `piece` from `tick` on. What sounds over `tick` is struck there: a switch of takes leaves no hole. */
export function arrange(piece: Music, tick: number, section: Section): Timed[] {
  const tempo = new TempoMap(piece.tempos);
  const begins = tempo.seconds(tick);
  const left = piece.notes.filter(([onset, duration]) => onset + duration > tick);
  const channels = allot(left, section);
  const strokes = left.map((note): Stroke => {
    const [onset, duration, pitch, velocity] = note;
    const on = tempo.seconds(Math.max(onset, tick)) - begins;
    return { channel: channels.get(voice(note))!, pitch, velocity, on, off: tempo.seconds(onset + duration) - begins };
  });
  return [...programs(left, channels), ...messages(apart(strokes))];
}

/** Each part's channel; each has its own as long as there are enough. */
export function allot(notes: readonly Note[], section: Section): Map<string, number> {
  const all = Array.from({ length: section.count }, (_, i) => section.first + i);
  const drums = all.find(isDrumChannel)!;
  const melodic = all.filter((channel) => !isDrumChannel(channel));
  const channels = new Map<string, number>();
  let used = 0;
  for (const note of notes) {
    const key = voice(note);
    if (channels.has(key)) continue;
    channels.set(key, note[4] === DRUMS ? drums : melodic[Math.min(used++, melodic.length - 1)]!);
  }
  return channels;
}

function voice([, , , , program, part]: Note): string {
  return program === DRUMS ? 'drums' : `${part} ${program}`;
}

function programs(notes: readonly Note[], channels: Map<string, number>): Timed[] {
  const sounds = new Map(notes.map((note) => [channels.get(voice(note))!, note[4] === DRUMS ? 0 : note[4]]));
  return [...sounds].flatMap(([channel, program]): Timed[] => [
    [0, channel, CONTROL, SUSTAIN, 0],
    [0, channel, PROGRAM, program, 0],
  ]);
}

/** Where one key is struck again before it is up, it goes up first: the first stroke's end must not end the second. */
function apart(strokes: Stroke[]): Stroke[] {
  const latest = new Map<number, Stroke>();
  for (const stroke of strokes.sort((a, b) => a.on - b.on)) {
    const key = stroke.channel * 128 + stroke.pitch;
    const before = latest.get(key);
    if (before && before.off > stroke.on - GAP) before.off = Math.max(before.on, stroke.on - GAP);
    latest.set(key, stroke);
  }
  return strokes;
}

function messages(strokes: readonly Stroke[]): Timed[] {
  return strokes
    .flatMap(({ channel, pitch, velocity, on, off }): Timed[] => [
      [on, channel, NOTE_ON, pitch, velocity],
      [off, channel, NOTE_OFF, pitch, 0],
    ])
    .sort((a, b) => a[0] - b[0] || a[2] - b[2]);
}
