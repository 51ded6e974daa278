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
const BLACK_WIDTH = 0.66; // of a white key
const WHITES = [0, 2, 4, 5, 7, 9, 11];
const NAMES = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'];
const NARROWEST = 37; // pixels of a white key, so that a finger still meets a black one: 24
const MOST = 42; // white keys
const HIGHEST = 120;

/** How many white keys have room in `width` pixels: at least an octave. */
export function whitesIn(width: number): number {
  return Math.min(MOST, Math.max(WHITES.length, Math.floor(width / NARROWEST)));
}

/** The lowest key shown, so that the octave at `base` is in the middle. */
export function lowest(base: number, whites: number): number {
  const octaves = Math.floor(whites / WHITES.length);
  const wanted = base - OCTAVE * Math.floor((octaves - 1) / 2);
  return Math.min(Math.max(wanted, 0), HIGHEST - OCTAVE * Math.ceil(whites / WHITES.length));
}

/** `whites` white keys from the C `low` on, and after them the black ones between, which lie on top of them. */
export function keysOf(low: number, whites: number): Key[] {
  const white = 1 / whites;
  const last = low + OCTAVE * Math.floor((whites - 1) / WHITES.length) + WHITES[(whites - 1) % WHITES.length]!;
  const keys = Array.from({ length: last - low + 1 }, (_, i): Key => {
    const [octave, step] = [Math.floor(i / OCTAVE), i % OCTAVE];
    const before = WHITES.filter((w) => w < step).length + octave * WHITES.length;
    const black = !WHITES.includes(step);
    const width = black ? white * BLACK_WIDTH : white;
    return { pitch: low + i, black, left: before * white - (black ? width / 2 : 0), width };
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
