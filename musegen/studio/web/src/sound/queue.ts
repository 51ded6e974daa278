/** Messages that wait for their time, in order. Knows nothing of audio; the synthesiser's thread and tests share it. */

/** [when in seconds, channel from 0 (not only 16 of them), status byte without channel, data, data] */
export type Timed = readonly [number, number, number, number, number];

export class TimedQueue {
  #waiting: Timed[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  /** Take in more. Messages of one time stay in the order in which they came. */
  add(messages: readonly Timed[]): void {
    this.#waiting.push(...messages);
    this.#waiting.sort((a, b) => a[0] - b[0]);
  }

  /** When the next is due; Infinity if nothing waits. */
  next(): number {
    return this.#waiting[0]?.[0] ?? Infinity;
  }

  /** Take out what is due at `time`. */
  due(time: number): Timed[] {
    const later = this.#waiting.findIndex((m) => m[0] > time);
    return this.#waiting.splice(0, later < 0 ? this.#waiting.length : later);
  }

  /** Forget what waits for channels `first` to `first + count - 1`. */
  drop(first: number, count: number): void {
    this.#waiting = this.#waiting.filter(([, channel]) => channel < first || channel >= first + count);
  }
}
