/** Where the keys of a piano lie, and which lies under a finger. Fractions of the width and height; no page here. */

export interface Key {
  pitch: number;
  black: boolean;
  left: number;
  width: number;
}

export const OCTAVE = 12;
/** How far down the black keys reach. */
export const BLACK_DEPTH = 0.62;
const BLACK_WIDTH = 0.6; // of a white key
const WHITES = [0, 2, 4, 5, 7, 9, 11];
const NAMES = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'];
const NARROWEST = 24; // pixels of a white key that a finger still meets
const MOST = 7; // octaves

/** How many octaves have room in `width` pixels. */
export function octavesIn(width: number): number {
  return Math.min(MOST, Math.max(1, Math.floor(width / (NARROWEST * WHITES.length))));
}

/** The lowest key shown, so that the octave at `base` is in the middle. */
export function lowest(base: number, octaves: number): number {
  const wanted = base - OCTAVE * Math.floor((octaves - 1) / 2);
  return Math.min(Math.max(wanted, 0), OCTAVE * (10 - octaves));
}

/** The keys of `octaves` octaves from the C `low` on; white ones first, as black ones lie on top of them. */
export function keysOf(low: number, octaves: number): Key[] {
  const white = 1 / (octaves * WHITES.length);
  const keys = Array.from({ length: octaves * OCTAVE }, (_, i): Key => {
    const [octave, step] = [Math.floor(i / OCTAVE), i % OCTAVE];
    const whites = WHITES.filter((w) => w < step).length + octave * WHITES.length;
    const black = !WHITES.includes(step);
    const width = black ? white * BLACK_WIDTH : white;
    return { pitch: low + i, black, left: whites * white - (black ? width / 2 : 0), width };
  });
  return [...keys.filter((k) => !k.black), ...keys.filter((k) => k.black)];
}

/** The key under a finger, and how hard it strikes: softly far up on the key, hard at its front. */
export function touched(keys: readonly Key[], x: number, y: number): { pitch: number; velocity: number } | null {
  if (y < 0 || y > 1) return null;
  const under = (key: Key): boolean => x >= key.left && x < key.left + key.width;
  const key = (y < BLACK_DEPTH && keys.find((k) => k.black && under(k))) || keys.find((k) => !k.black && under(k));
  if (!key) return null;
  const depth = key.black ? y / BLACK_DEPTH : y;
  return { pitch: key.pitch, velocity: Math.round(44 + 76 * depth) };
}

/** As musicians call it: 60 is C4. */
export function nameOf(pitch: number): string {
  return `${NAMES[pitch % OCTAVE]}${Math.floor(pitch / OCTAVE) - 1}`;
}
