/**
 * The synthesiser, in the browser's audio thread: SpessaSynth, given each message at its exact frame.
 *
 * It has its own queue because SpessaSynth's cannot be emptied, and a panic must take back what has not sounded yet.
 * Knows nothing of jams, pieces or the page.
 */
import { SoundBankLoader, SpessaSynthProcessor } from 'spessasynth_core';
import { type FromSynth, SUSTAIN, type ToSynth } from './messages';
import { TimedQueue } from './queue';
import { CHANNELS, isDrumChannel, type Section } from './sections';

declare const sampleRate: number;
declare const currentFrame: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;

const AUDIBLE = 1e-4; // about -80 dB: quieter is the reverb's tail

class Synth extends AudioWorkletProcessor {
  readonly #queue = new TimedQueue();
  #synth: SpessaSynthProcessor | null = null;
  #silent = true;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<ToSynth>) => this.#hear(data);
  }

  #say(message: FromSynth): void {
    this.port.postMessage(message);
  }

  #hear(message: ToSynth): void {
    if ('font' in message) this.#load(message.font);
    else if ('play' in message) this.#queue.add(message.play);
    else this.#cancel(message.cancel);
  }

  #load(font: ArrayBuffer): void {
    try {
      const synth = new SpessaSynthProcessor(sampleRate, { eventsEnabled: false, initialTime: currentFrame / sampleRate });
      synth.soundBankManager.addSoundBank(SoundBankLoader.fromArrayBuffer(font), 'main');
      while (synth.midiChannels.length < CHANNELS) synth.createMIDIChannel();
      synth.reset(); // channels beyond the sixteenth begin with their volume at 0
      synth.midiChannels.forEach((channel, number) => channel.setDrums(isDrumChannel(number)));
      this.#synth = synth;
      this.#say({ ready: true });
    } catch (error) {
      this.#say({ failed: error instanceof Error ? error.message : String(error) });
    }
  }

  #cancel({ first, count }: Section): void {
    this.#queue.drop(first, count);
    for (let channel = first; channel < first + count; channel++) {
      this.#synth?.controllerChange(channel, SUSTAIN, 0);
      this.#synth?.midiChannels[channel]?.stopAllNotes();
    }
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const [left, right] = outputs[0] ?? [];
    if (this.#synth && left && right) {
      this.#render(this.#synth, left, right);
      if (this.#silent && left.some((x) => Math.abs(x) > AUDIBLE)) {
        this.#silent = false;
        this.#say({ sounded: currentFrame / sampleRate });
      }
    }
    return true;
  }

  /** One block, cut where messages are due. */
  #render(synth: SpessaSynthProcessor, left: Float32Array, right: Float32Array): void {
    for (let at = 0; at < left.length; ) {
      for (const [, channel, status, ...data] of this.#queue.due((currentFrame + at) / sampleRate))
        synth.processMessage([status | (channel % 16), ...data], channel - (channel % 16));
      const next = Math.ceil(this.#queue.next() * sampleRate) - currentFrame;
      const until = Math.min(left.length, Math.max(next, at + 1));
      synth.process(left, right, at, until - at);
      at = until;
    }
  }
}

registerProcessor('musegen-synth', Synth);
