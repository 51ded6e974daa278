/** Between the jam's seconds and the page's milliseconds, by pings: the one that was quickest says it best. */

const KEPT = 12;
const SLACK = 20; // milliseconds

export class JamClock {
  /** [how long the way there and back took, page time minus jam time], the newest last, in milliseconds. */
  #heard: [number, number][] = [];

  /** Forget what was heard: another jam, another clock. */
  clear(): void {
    this.#heard = [];
  }

  /** The answer to a ping of `sent` came at `came` (page), and the jam said `now` (its seconds). */
  pong(sent: number, came: number, now: number): void {
    const heard: [number, number] = [came - sent, (came + sent) / 2 - now * 1000];
    // Each is wrong by half its way at most; who disagrees more has slept meanwhile, or counts anew.
    this.#heard = this.#heard.filter(([way, offset]) => Math.abs(offset - heard[1]) <= (way + heard[0]) / 2 + SLACK);
    this.#heard.push(heard);
    if (this.#heard.length > KEPT) this.#heard.shift();
  }

  /** A frame of jam time `now` came at `came`: worth something only until a ping is answered. */
  frame(came: number, now: number): void {
    if (this.#heard.length === 0) this.#heard.push([Infinity, came - now * 1000]);
  }

  /** The page's milliseconds (`performance.now()`) at `seconds` of the jam. */
  toPage(seconds: number): number {
    return seconds * 1000 + this.#offset;
  }

  /** The jam's seconds at `milliseconds` of the page. */
  toJam(milliseconds: number): number {
    return (milliseconds - this.#offset) / 1000;
  }

  get #offset(): number {
    let best: [number, number] | undefined;
    for (const heard of this.#heard) if (!best || heard[0] <= best[0]) best = heard;
    return best?.[1] ?? 0;
  }
}
