/**
 * The delay with which a jam's messages are played where they arrive later than they are due (a loudspeaker far away by
 * Bluetooth, a busy machine): all by the same time, so that the rhythm stays. Seconds; knows nothing of messages.
 */

const MOST = 0.4; // what is later than this is no rhythm any more (a page that slept)
const SHRINKS = 0.01; // seconds a second, once less would do

export class Delay {
  #delay = 0;
  #last = -Infinity;

  /** When to play what is due at `due`, if `now` is the earliest. What is due later is never played earlier. */
  place(due: number, now: number): number {
    if (due > this.#last) {
      if (this.#last > -Infinity) this.#delay = Math.max(0, this.#delay - SHRINKS * (due - this.#last));
      this.#last = due;
    }
    if (now - due <= MOST) this.#delay = Math.max(this.#delay, now - due);
    return due + this.#delay;
  }
}
