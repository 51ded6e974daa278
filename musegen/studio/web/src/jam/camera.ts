/** What the roll of a jam looks at: follows the music smoothly, whatever comes when. Knows no canvas. */
import { rangeOf, type RollBar, type RollNote, type RollView } from '../roll/geometry';

/** How much of the picture has sounded already. */
const PAST = 0.64;
const CATCH_UP = 0.12; // seconds to be rid of most of an error in time
const LEAP = 24; // ticks: what is further off is a jump, not an error
const EASE = 0.5; // seconds to follow the music up or down most of the way

export class Camera {
  /** The tick at the playhead; null before the first picture. */
  tick: number | null = null;
  #time = 0;
  #range: [number, number] | null = null;

  /**
   * Move on to `time` (milliseconds), when `tick` sounds and `perSecond` ticks go by in a second. A picture that jerks
   * back and forth with every message is worse than one that is a few milliseconds off.
   */
  follow(time: number, tick: number, perSecond: number): number {
    const passed = Math.min(0.25, Math.max(0, (time - this.#time) / 1000));
    this.#time = time;
    if (this.tick === null || Math.abs(tick - this.tick) > LEAP) return (this.tick = tick);
    const ahead = this.tick + passed * perSecond;
    return (this.tick = ahead + (tick - ahead) * (1 - Math.exp(-passed / CATCH_UP)));
  }

  /** The view `span` ticks wide, its pitches eased towards what is seen. */
  view(
    width: number,
    height: number,
    span: number,
    notes: readonly RollNote[],
    drums: boolean,
    passed: number,
  ): RollView {
    const tick = this.tick ?? 0;
    const [from, to] = [tick - PAST * span, tick + (1 - PAST) * span];
    const wanted = rangeOf(notes, from, to);
    const part = this.#range ? 1 - Math.exp(-passed / EASE) : 1;
    const [low, high] = this.#range ?? wanted;
    this.#range = [low + (wanted[0] - low) * part, high + (wanted[1] - high) * part];
    return { width, height, from, to, low: this.#range[0], high: this.#range[1], drums };
  }
}

/** The bar that `tick` is in. */
export function barAt(bars: readonly RollBar[], tick: number): RollBar | undefined {
  let found: RollBar | undefined;
  for (const bar of bars) if (bar.tick <= tick) found = bar;
  return found;
}
