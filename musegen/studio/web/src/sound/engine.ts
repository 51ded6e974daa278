/** The audio context and the synthesiser in its thread: takes messages at the page's times. Knows nothing of music. */
import { AudioClock } from './clock';
import type { FromSynth, ToSynth } from './messages';
import processor from './processor?worker&url';
import type { Timed } from './queue';
import type { Section } from './sections';

export interface Watcher {
  /** The first sound is heard at the page's `page`. */
  sounded(page: number): void;
  /** The synthesiser broke; there will be no more sound from it. */
  died(): void;
}

export class Engine {
  readonly #clock = new AudioClock();
  readonly #samples = new Float32Array(2048);

  private constructor(
    readonly context: AudioContext,
    readonly volume: GainNode,
    private readonly node: AudioWorkletNode,
    private readonly analyser: AnalyserNode,
  ) {}

  /** Must be called in a gesture: browsers let no page sound before. */
  static async start(font: Promise<ArrayBuffer>, watcher: Watcher): Promise<Engine> {
    if (!window.isSecureContext)
      throw new Error('Browsers let a page sound only from this machine (127.0.0.1) or over https.');
    const context = new AudioContext({ latencyHint: 'interactive' });
    try {
      void context.resume();
      await context.audioWorklet.addModule(processor);
      const node = new AudioWorkletNode(context, 'musegen-synth', { numberOfInputs: 0, outputChannelCount: [2] });
      const [volume, analyser] = [context.createGain(), context.createAnalyser()];
      node.connect(volume).connect(analyser).connect(context.destination);
      const engine = new Engine(context, volume, node, analyser);
      await engine.#load(await font, watcher);
      return engine;
    } catch (error) {
      if (context.state !== 'closed') await context.close();
      throw error;
    }
  }

  #load(font: ArrayBuffer, watcher: Watcher): Promise<void> {
    return new Promise((resolve, reject) => {
      this.node.onprocessorerror = () => {
        reject(new Error('The synthesiser stopped.'));
        void this.context.close();
        watcher.died();
      };
      this.node.port.onmessage = ({ data }: MessageEvent<FromSynth>) => {
        if ('ready' in data) resolve();
        else if ('failed' in data) reject(new Error(`The SoundFont cannot be read: ${data.failed}`));
        else watcher.sounded(this.toPage(data.sounded));
      };
      this.#tell({ font }, [font]);
    });
  }

  /** The context's time at which what is to be heard at the page's `page` (now, if left out) must be played. */
  toContext(page = performance.now()): number {
    this.#observe();
    return this.#clock.toContext(page);
  }

  toPage(time: number): number {
    this.#observe();
    return this.#clock.toPage(time);
  }

  /** Play `messages`, whose times are the context's; what is past sounds at once. */
  play(messages: Timed[]): void {
    this.#tell({ play: messages });
  }

  cancel(section: Section): void {
    this.#tell({ cancel: section });
  }

  /** How loud it is just now (root mean square of the last 40 ms), after the volume. */
  level(): number {
    this.analyser.getFloatTimeDomainData(this.#samples);
    return Math.sqrt(this.#samples.reduce((sum, x) => sum + x * x, 0) / this.#samples.length);
  }

  #observe(): void {
    this.#clock.observe(this.context.getOutputTimestamp(), this.context.currentTime, performance.now());
  }

  #tell(message: ToSynth, transfer: Transferable[] = []): void {
    this.node.port.postMessage(message, transfer);
  }
}
