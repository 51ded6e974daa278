/** Ticks to seconds and back, by a piece's tempo map. */

export const TICKS_PER_QUARTER = 24;
const DEFAULT_QPM = 120;

export class TempoMap {
  /** [tick, seconds, seconds a tick] where each tempo begins. */
  readonly #pieces: [number, number, number][];

  /** `tempos`: [tick, quarters a minute], in order. */
  constructor(tempos: readonly (readonly [number, number])[]) {
    this.#pieces = [[0, 0, 60 / (DEFAULT_QPM * TICKS_PER_QUARTER)]];
    for (const [tick, qpm] of tempos) {
      const begins = this.seconds(tick);
      if (tick <= 0) this.#pieces.length = 0;
      this.#pieces.push([Math.max(tick, 0), begins, 60 / (qpm * TICKS_PER_QUARTER)]);
    }
  }

  seconds(tick: number): number {
    const [from, begins, each] = this.#last((p) => p[0] <= tick);
    return begins + (tick - from) * each;
  }

  tick(seconds: number): number {
    const [from, begins, each] = this.#last((p) => p[1] <= seconds);
    return from + (seconds - begins) / each;
  }

  #last(holds: (piece: [number, number, number]) => boolean): [number, number, number] {
    return this.#pieces.filter(holds).at(-1) ?? this.#pieces[0]!;
  }
}
