/** What a synthesiser that starts late must be told: each channel's latest program, controllers and bend. */
import { CONTROL, PROGRAM } from './messages';
import type { Timed } from './queue';

const BEND = 0xe0;

export class Memory {
  readonly #latest = new Map<string, Timed>();

  remember(message: Timed): void {
    const [, channel, status, first] = message;
    if (status === CONTROL) this.#latest.set(`${channel} ${status} ${first}`, message);
    else if (status === PROGRAM || status === BEND) this.#latest.set(`${channel} ${status}`, message);
  }

  /** All of it, due at once. */
  recall(): Timed[] {
    return [...this.#latest.values()].map(([, ...message]) => [0, ...message]);
  }
}
