/**
 * The page's time (performance.now(), milliseconds) in the audio context's (seconds), smoothed.
 *
 * A browser says from time to time which moment is at the loudspeaker; it says so with some milliseconds of wobble, which
 * would be heard in a steady rhythm. Knows nothing of what is played.
 */

/** What AudioContext.getOutputTimestamp answers. */
export interface Heard {
  contextTime?: number;
  performanceTime?: number;
}

const LEAP = 0.05; // seconds: more is no wobble (a device was changed, the machine slept)
const WEIGHT = 0.05;

export class AudioClock {
  #offset: number | null = null;

  /** `now` is the context's time at the page's `page`, for browsers that do not know what is at the loudspeaker yet. */
  observe(heard: Heard, now: number, page: number): void {
    const known = heard.contextTime && heard.performanceTime;
    const offset = known ? heard.contextTime! - heard.performanceTime! / 1000 : now - page / 1000;
    if (this.#offset === null || Math.abs(offset - this.#offset) > LEAP) this.#offset = offset;
    else this.#offset += WEIGHT * (offset - this.#offset);
  }

  /** The context's time at which what is to be heard at the page's `page` must be played. */
  toContext(page: number): number {
    return page / 1000 + (this.#offset ?? 0);
  }

  /** When the context's `time` is heard, in the page's milliseconds. */
  toPage(time: number): number {
    return 1000 * (time - (this.#offset ?? 0));
  }
}
