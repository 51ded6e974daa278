/** What your own keys can sound like: General MIDI programs by their names. */
export const SOUNDS: readonly (readonly [number, string])[] = [
  [0, 'Piano'],
  [4, 'Electric piano'],
  [6, 'Harpsichord'],
  [11, 'Vibraphone'],
  [16, 'Organ'],
  [24, 'Guitar'],
  [33, 'Bass'],
  [40, 'Violin'],
  [48, 'Strings'],
  [56, 'Trumpet'],
  [65, 'Saxophone'],
  [73, 'Flute'],
  [80, 'Synthesiser'],
];
