/** Mice, pens and fingers on the keys, each for itself; sliding plays the keys it crosses. Keeps no notes. */
import { type Key, touched } from './layout';
import { hands } from './player';

export class Pointers {
  constructor(
    private readonly board: HTMLElement,
    private readonly keys: readonly Key[],
  ) {}

  /** Begin to listen. Returns how to stop. */
  attach(): () => void {
    const stop = new AbortController();
    const on = (kind: 'pointerdown' | 'pointermove' | 'pointerup' | 'pointercancel', does: (e: PointerEvent) => void) =>
      this.board.addEventListener(kind, does, { signal: stop.signal });
    on('pointerdown', (event) => this.#down(event));
    on('pointermove', (event) => this.board.hasPointerCapture(event.pointerId) && this.#play(event));
    on('pointerup', (event) => hands.lift(finger(event)));
    on('pointercancel', (event) => hands.lift(finger(event)));
    this.board.addEventListener('mousedown', (event) => event.preventDefault(), { signal: stop.signal }); // keep the focus
    return () => stop.abort();
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.board.setPointerCapture(event.pointerId);
    this.#play(event);
  }

  #play(event: PointerEvent): void {
    const { left, top, width, height } = this.board.getBoundingClientRect();
    const key = touched(this.keys, (event.clientX - left) / width, (event.clientY - top) / height);
    if (key) hands.press(finger(event), key.pitch, key.velocity);
    else hands.lift(finger(event));
  }
}

function finger({ pointerId }: PointerEvent): string {
  return `pointer ${pointerId}`;
}
