/** Who plays on which of the synthesiser's channels, so that one can be silenced without the others. */

export interface Section {
  first: number;
  count: number;
}

/** The jam's sixteen MIDI channels, as it numbers them. */
export const JAM: Section = { first: 0, count: 16 };
/** The person at the page: the on-screen keys and Web MIDI. */
export const HANDS: Section = { first: 16, count: 16 };
/** Pieces that are auditioned take turns, so that one rings out while the next begins. */
export const AUDITIONS: readonly [Section, Section] = [
  { first: 32, count: 32 },
  { first: 64, count: 32 },
];
export const CHANNELS = 96;

/** Every sixteenth channel plays drums, as General MIDI has it. */
export function isDrumChannel(channel: number): boolean {
  return channel % 16 === 9;
}
