/**
 * The page's sound: one synthesiser for the jam, the person's own keys and auditions.
 *
 * It begins with the first gesture (browsers want one). Until it is ready, notes are lost and programs are kept.
 */
import { effect, signal } from '@preact/signals';
import type { PieceView } from '../protocol';
import { arrange } from './arrangement';
import { Delay } from './delay';
import { Engine } from './engine';
import { fetchFont } from './font';
import { Memory } from './memory';
import type { Timed } from './queue';
import { AUDITIONS, HANDS, JAM, type Section } from './sections';
import { kept } from './settings';
import { TempoMap } from './tempo';

const SOON = 0.03; // seconds from a click on Play to the first note: all messages are there by then
const LOUDEST = 2; // at which a band that plays as loud as it can just does not clip

/** A piece that is being auditioned. */
export interface Playing {
  stop(): void;
  /** What is heard now. */
  tick(): number;
}

class Sound {
  /** Whether notes sound. */
  readonly ready = signal(false);
  /** How much of the SoundFont is here, 0 … 1. */
  readonly progress = signal(0);
  /** Why there is no sound; empty: all is well. */
  readonly error = signal('');
  /** 0 … 1 */
  readonly volume = kept('musegen volume', 0.8);
  readonly muted = kept('musegen muted', false);

  #engine: Engine | null = null;
  #starting: Promise<void> | null = null;
  #font: Promise<ArrayBuffer> | null = null;
  #playing: Playing | null = null;
  #turn = 0;
  readonly #memory = new Memory();
  #delay = new Delay();

  constructor() {
    effect(() => {
      const gain = this.muted.value ? 0 : LOUDEST * this.volume.value ** 2; // ears are not linear
      if (this.ready.value) this.#engine?.volume.gain.setTargetAtTime(gain, 0, 0.02);
    });
  }

  /** Fetch the SoundFont ahead of the first gesture, so that this does not wait for it. */
  prepare(): Promise<ArrayBuffer> {
    return (this.#font ??= fetchFont((part) => (this.progress.value = part)));
  }

  /** Call it in a gesture; again is harmless. Resolves when notes sound, or when `error` says why they cannot. */
  start(): Promise<void> {
    void this.#engine?.context.resume();
    return (this.#starting ??= this.#start(performance.now()));
  }

  async #start(gesture: number): Promise<void> {
    this.error.value = '';
    try {
      const sounded = (heard: number): void => measure(gesture, heard);
      const died = (): void => this.#fail('The synthesiser stopped.');
      this.#engine = await Engine.start(this.prepare(), { sounded, died });
      this.#delay = new Delay();
      this.#engine.play(this.#memory.recall());
      this.ready.value = true;
      performance.measure('musegen: gesture to sound ready', { start: gesture, end: performance.now() });
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** The next gesture on the sound's button tries again. */
  #fail(sentence: string): void {
    this.#playing?.stop();
    this.#engine = this.#starting = this.#font = null;
    this.ready.value = false;
    this.error.value = sentence;
  }

  /** One MIDI message; `page` is the performance.now() at which it is to be heard, now if left out. */
  message(bytes: ArrayLike<number>, page?: number, section: Section = JAM): void {
    const [status = 0, first = 0, second = 0] = Array.from(bytes);
    if (status < 0x80 || status >= 0xf0) return;
    const message: Timed = [this.#time(page), section.first + (status & 0x0f), status & 0xf0, first, second];
    this.#memory.remember(message);
    if (this.ready.value) this.#engine?.play([message]);
  }

  #time(page: number | undefined): number {
    if (page === undefined || !this.#engine) return 0;
    return this.#delay.place(this.#engine.toContext(page), this.#engine.context.currentTime);
  }

  /** What `section` has not played yet never sounds; what sounds ends. */
  cancel(section: Section = JAM): void {
    this.#engine?.cancel(section);
  }

  /** Panic: nothing sounds any more, whoever plays. */
  silence(): void {
    this.#playing?.stop();
    this.cancel(JAM);
    this.cancel(HANDS);
  }

  /**
   * Play `piece` from `tick` on, instead of what was auditioned before. `ended` is called once, however it ends: at its
   * last note, by `stop`, by another play or by a panic.
   */
  play(piece: Pick<PieceView, 'notes' | 'tempos' | 'end'>, tick = 0, ended: () => void = () => {}): Playing {
    this.#playing?.stop();
    const section = AUDITIONS[this.#turn++ % 2 ? 1 : 0];
    const tempo = new TempoMap(piece.tempos);
    let begins: number | null = null;
    let timer = 0;
    let over = false;
    const playing: Playing = {
      stop: () => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        this.cancel(section);
        ended();
      },
      tick: () => {
        if (begins === null || !this.#engine) return tick;
        const passed = Math.max(0, this.#engine.toContext() - begins);
        return Math.min(piece.end, tempo.tick(tempo.seconds(tick) + passed));
      },
    };
    const watch = (): void => {
      const left = tempo.seconds(piece.end) - tempo.seconds(playing.tick());
      if (left > 0) timer = window.setTimeout(watch, 1000 * left + 5);
      else playing.stop();
    };
    void this.start().then(() => {
      if (over) return;
      if (!this.#engine) return playing.stop();
      const start = (begins = this.#engine.context.currentTime + SOON);
      this.#engine.play(arrange(piece, tick, section).map(([time, ...rest]) => [start + time, ...rest]));
      watch();
    });
    return (this.#playing = playing);
  }

  /** How loud it is just now; 0 before it is ready. */
  level(): number {
    return this.#engine?.level() ?? 0;
  }
}

/** Time to first sound, for benchmarks and the curious: see performance.getEntriesByType('measure'). */
function measure(gesture: number, heard: number): void {
  performance.measure('musegen: page to first sound', { start: 0, end: heard });
  performance.measure('musegen: gesture to first sound', { start: gesture, end: heard });
}

export const sound = new Sound();

declare global {
  interface Window {
    /** For tests: `level()` proves that something sounds. */
    musegenSound: Sound;
  }
}
if (typeof window !== 'undefined') window.musegenSound = sound;
