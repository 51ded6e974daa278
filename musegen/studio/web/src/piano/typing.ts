/**
 * The computer's keyboard as a piano: the row of A plays white keys, the row of Q the black ones, wherever the letters
 * stand on this keyboard. Digits, space, arrows and Escape stay free for the page.
 */

/** By physical key: semitones above the octave's C. */
export const SEMITONES: Readonly<Record<string, number>> = {
  KeyA: 0,
  KeyW: 1,
  KeyS: 2,
  KeyE: 3,
  KeyD: 4,
  KeyF: 5,
  KeyT: 6,
  KeyG: 7,
  KeyY: 8,
  KeyH: 9,
  KeyU: 10,
  KeyJ: 11,
  KeyK: 12,
  KeyO: 13,
  KeyL: 14,
  KeyP: 15,
  Semicolon: 16,
  Quote: 17,
};
export const OCTAVE_DOWN = 'KeyZ';
export const OCTAVE_UP = 'KeyX';
/** Not the space bar, which presses whatever button has the focus. */
export const PEDAL = 'KeyC';

const PRINTED: Readonly<Record<string, string>> = { Semicolon: ';', Quote: "'" };

/** What is printed on each key of an English keyboard. */
export function printed(code: string): string {
  return PRINTED[code] ?? code.replace('Key', '');
}

/** What is printed on this machine's keys, where the browser knows it. */
export async function labels(): Promise<(code: string) => string> {
  const { keyboard } = navigator as { keyboard?: { getLayoutMap?(): Promise<Map<string, string>> } };
  const map = await keyboard?.getLayoutMap?.().catch(() => undefined);
  return (code) => map?.get(code)?.toUpperCase() ?? printed(code);
}

/** Where somebody types text or chooses by letters. */
const FIELDS =
  'textarea, select, [contenteditable=""], [contenteditable=true], dialog, [role=listbox], [role=textbox], ' +
  'input:not([type=range], [type=checkbox], [type=radio], [type=button], [type=color])';

/** Whether a key is music: no shortcut (the page's have Shift, the browser's others), and not typed into a field. */
export function isMusic(event: Pick<KeyboardEvent, 'ctrlKey' | 'altKey' | 'metaKey' | 'shiftKey' | 'target'>): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return false;
  const target = event.target as Partial<Element> | null;
  return !target?.closest?.(FIELDS);
}
