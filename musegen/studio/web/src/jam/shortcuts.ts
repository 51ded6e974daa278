/**
 * The Jam page's keys: 1–5 for modes, Escape for silence, and Shift with a letter for the rest (letters alone play the
 * piano). By the key's place, so that every layout has them.
 */
import { useEffect } from 'preact/hooks';
import type { ToJam } from '../protocol';
import { hello, panic, playing, send } from './store';

/** Actions by the letter that Shift makes one of. */
export const LETTERS: Record<string, string> = {
  KeyE: 'enter',
  KeyW: 'rest',
  KeyK: 'keep',
  KeyU: 'undo',
  KeyR: 'retake',
  KeyA: 'again',
  KeyF: 'free',
  KeyT: 'tap',
  KeyC: 'checkpoint',
};

export interface Press {
  code: string;
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  repeat: boolean;
}

/** What a key asks for; null: nothing. */
export function wanted(press: Press, modes: readonly string[]): ToJam | null {
  if (press.ctrlKey || press.altKey || press.metaKey || press.repeat) return null;
  if (press.key === 'Escape') return { do: 'panic' };
  if (press.shiftKey) {
    const action = LETTERS[press.code];
    return action ? { do: action } : null;
  }
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(press.code)?.[1];
  const mode = digit && modes[Number(digit) - 1];
  return mode ? { do: 'mode', argument: mode } : null;
}

/** Whether what has the focus wants letters and digits for itself. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['range', 'checkbox', 'radio', 'button'].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Listen while the Jam page is there. */
export function useShortcuts(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const command = wanted(event, hello.value?.modes ?? []);
      if (!command || !playing.value) return;
      if (event.key === 'Escape') panic();
      else if (!takesText(event.target)) send(command);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}
