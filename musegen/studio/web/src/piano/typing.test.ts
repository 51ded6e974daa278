import { expect, test, vi } from 'vitest';
import { wanted } from '../jam/shortcuts';
import { isMusic, OCTAVE_DOWN, OCTAVE_UP, PEDAL, SEMITONES } from './typing';

vi.mock('../jam/store', () => ({})); // it opens a socket; the shortcuts' table needs none

const press = { ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, target: null };

test('the rows are a piano: every semitone from C to the F above the next C, once', () => {
  expect(Object.values(SEMITONES).sort((a, b) => a - b)).toEqual(Array.from({ length: 18 }, (_, i) => i));
});

test('no key of the piano is also a shortcut of the page, and no shortcut is music', () => {
  const modes = ['answer', 'accompany', 'solo', 'loop', 'harmonise'];
  for (const code of [...Object.keys(SEMITONES), OCTAVE_DOWN, OCTAVE_UP, PEDAL])
    expect(wanted({ ...press, code, key: code, repeat: false }, modes)).toBeNull();
  for (const other of ['ctrlKey', 'altKey', 'metaKey', 'shiftKey'] as const)
    expect(isMusic({ ...press, [other]: true })).toBe(false);
  expect(isMusic(press)).toBe(true);
});

test('what is typed into a field is not music', () => {
  const inField = { closest: (fields: string) => (fields.includes('textarea') ? {} : null) } as unknown as EventTarget;
  const elsewhere = { closest: () => null } as unknown as EventTarget;
  expect(isMusic({ ...press, target: inField })).toBe(false);
  expect(isMusic({ ...press, target: elsewhere })).toBe(true);
});
