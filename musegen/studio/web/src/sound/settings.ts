/** Signals that outlive the page: kept in the browser's storage, where it has one. */
import { effect, type Signal, signal } from '@preact/signals';

/** A signal that begins as it was left, under `name`; as `initially` where nothing (or nonsense) is kept. */
export function kept(name: string, initially: number): Signal<number>;
export function kept(name: string, initially: string): Signal<string>;
export function kept(name: string, initially: boolean): Signal<boolean>;
export function kept(name: string, initially: number | string | boolean): Signal {
  const value = signal(read(name, initially));
  effect(() => write(name, JSON.stringify(value.value)));
  return value;
}

function read<T>(name: string, initially: T): T {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
    return typeof found === typeof initially ? (found as T) : initially;
  } catch {
    return initially; // storage is forbidden (a private window), absent (tests) or holds nonsense
  }
}

function write(name: string, text: string): void {
  try {
    localStorage.setItem(name, text);
  } catch {
    return; // storage is forbidden or absent: the setting lasts as long as the page
  }
}
