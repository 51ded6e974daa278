/** A file's notes as a roll wants them: coloured by surprise, or by what is new in a take. Pure. */
import { DRUMS, type RollNote } from '../roll/geometry';
import type { PieceView } from '../protocol';
import { step } from './surprise';

/** In the order of the file's notes, by onset. `palette`: a colour for each step of surprise. */
export function rollNotes(piece: PieceView, nats: readonly number[] | undefined, palette: readonly string[]): RollNote[] {
  return piece.notes.map(([onset, duration, pitch, velocity, program], i) => {
    const known = nats?.[i];
    const note: RollNote = { onset, duration, pitch, velocity, program, who: 'model' };
    return known === undefined ? note : { ...note, colour: palette[step(known)]! };
  });
}

/** A take's notes: what was in the file is the person's, the rest the model's. */
export function takeNotes(take: PieceView, file: PieceView | null): RollNote[] {
  const known = new Set(file?.notes.map(sameness));
  return take.notes.map((note) => {
    const [onset, duration, pitch, velocity, program] = note;
    return { onset, duration, pitch, velocity, program, who: known.has(sameness(note)) ? 'player' : 'model' };
  });
}

function sameness([onset, , pitch, , program]: readonly number[]): string {
  return `${onset} ${pitch} ${program}`;
}

/** The lowest and highest pitch, drums apart, with air. */
export function pitchRange(notes: readonly RollNote[], least = 24): [number, number] {
  const pitches = notes.filter(({ program }) => program !== DRUMS).map(({ pitch }) => pitch);
  const low = pitches.reduce((a, b) => Math.min(a, b), 127);
  const high = pitches.reduce((a, b) => Math.max(a, b), 0);
  if (low > high) return [54, 78];
  const air = Math.max(2, (least - (high - low)) / 2);
  return [Math.max(0, Math.floor(low - air)), Math.min(127, Math.ceil(high + air))];
}

export function hasDrums(notes: readonly RollNote[]): boolean {
  return notes.some(({ program }) => program === DRUMS);
}

/** Such as "1:05". */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
