/**
 * Fingers on keys, as MIDI. Several fingers (pointers, typed keys, a keyboard's) may hold one key: it goes down with
 * the first and up with the last. Knows nothing of where messages go.
 */
import { CONTROL, NOTE_OFF, NOTE_ON, SUSTAIN } from '../sound/messages';

export class Hands {
  readonly #fingers = new Map<string, number>();
  #pedal = false;

  constructor(private readonly out: (message: number[]) => void) {}

  /** The keys that are down. */
  get down(): ReadonlySet<number> {
    return new Set(this.#fingers.values());
  }

  /** `finger` goes down on `pitch`, leaving what it held. */
  press(finger: string, pitch: number, velocity: number): void {
    if (pitch < 0 || pitch > 127 || this.#fingers.get(finger) === pitch) return;
    this.lift(finger);
    const held = this.down.has(pitch);
    this.#fingers.set(finger, pitch);
    if (!held) this.out([NOTE_ON, pitch, Math.min(127, Math.max(1, Math.round(velocity)))]);
  }

  lift(finger: string): void {
    const pitch = this.#fingers.get(finger);
    if (pitch === undefined) return;
    this.#fingers.delete(finger);
    if (!this.down.has(pitch)) this.out([NOTE_OFF, pitch, 0]);
  }

  pedal(down: boolean): void {
    if (down === this.#pedal) return;
    this.#pedal = down;
    this.out([CONTROL, SUSTAIN, down ? 127 : 0]);
  }

  /** Nobody touches anything any more. */
  release(): void {
    for (const finger of [...this.#fingers.keys()]) this.lift(finger);
    this.pedal(false);
  }
}
