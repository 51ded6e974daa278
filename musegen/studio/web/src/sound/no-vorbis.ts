/**
 * Stands in for SpessaSynth's Vorbis decoder (see vite.config.ts): our SoundFont is not compressed, and without the
 * decoder's WebAssembly the page may forbid all code that is not a file of its own.
 */
export class StbVorbis {
  static readonly ready = Promise.resolve();

  static decode(): never {
    throw new Error('Compressed SoundFonts (.sf3) cannot be read here.');
  }
}
