/** A file's notes as a roll wants them, by onset: coloured by surprise, or by what of a take is new. Pure. */
import type { PieceView } from '../protocol';
import type { RollNote } from '../roll/geometry';
import { step } from './surprise';

type Music = Pick<PieceView, 'notes'>;

export interface Indexed extends RollNote {
  /** Its place in the file's notes. */
  index: number;
}

/** `nats`: of each note; `palette`: a colour for each step of surprise. */
export function rollNotes(music: Music, nats: readonly number[] | undefined, palette: readonly string[]): Indexed[] {
  return indexed(music, (_, index) => {
    const figure = nats?.[index];
    return figure === undefined ? { who: 'model' } : { colour: palette[step(figure)]! };
  });
}

/** What was in the file is the person's; the rest is the model's. */
export function takeNotes(take: Music, file: Music | null): Indexed[] {
  const known = new Set(file?.notes.map(sameness));
  return indexed(take, (note) => ({ who: known.has(sameness(note)) ? 'player' : 'model' }));
}

function indexed(
  { notes }: Music,
  looks: (note: readonly number[], index: number) => Pick<RollNote, 'who' | 'colour'>,
): Indexed[] {
  return notes
    .map((note, index): Indexed => {
      const [onset, duration, pitch, velocity, program] = note;
      return { onset, duration, pitch, velocity, program, index, ...looks(note, index) };
    })
    .sort((a, b) => a.onset - b.onset);
}

/** Two notes with the same are the same note to a musician, played as it may be. */
function sameness([onset, , pitch, , program]: readonly number[]): string {
  return `${onset} ${pitch} ${program}`;
}
