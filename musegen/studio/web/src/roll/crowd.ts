/**
 * Thousands of notes in one picture: painted into memory, and onto the canvas in one go. One by one, as the canvas
 * paints them, they take ten times as long where no graphics card helps.
 */
import type { Box } from './geometry';

/** A picture in memory; rows of dots, each dot ABGR as canvases have them. */
export interface Pixels {
  width: number;
  height: number;
  dots: Uint32Array;
}

/** Paint the dots of `box`, which counts in CSS pixels of `scale` dots each; what lies outside is left out. */
export function paint(pixels: Pixels, box: Box, scale: number, dot: number): void {
  const left = Math.max(0, Math.round(box.x * scale));
  const right = Math.min(pixels.width, Math.max(left + 1, Math.round((box.x + box.width) * scale)));
  const top = Math.max(0, Math.round(box.y * scale));
  const bottom = Math.min(pixels.height, Math.round((box.y + box.height) * scale));
  for (let y = top, row = top * pixels.width; y < bottom; y++, row += pixels.width) {
    for (let i = row + left; i < row + right; i++) pixels.dots[i] = dot; // quicker than fill() for so few
  }
}

/** One sheet for each canvas, used again for every picture. */
const sheets = new WeakMap<CanvasRenderingContext2D, Sheet>();

export class Sheet implements Pixels {
  readonly width: number;
  readonly height: number;
  readonly dots: Uint32Array;
  readonly #ctx: CanvasRenderingContext2D;
  readonly #image: ImageData;

  private constructor(width: number, height: number) {
    const canvas = document.createElement('canvas');
    canvas.width = this.width = width;
    canvas.height = this.height = height;
    this.#ctx = canvas.getContext('2d', { willReadFrequently: true })!; // in memory, not on the graphics card
    this.#image = this.#ctx.createImageData(width, height);
    this.dots = new Uint32Array(this.#image.data.buffer);
  }

  /** An empty sheet as large as the canvas of `ctx`. */
  static over(ctx: CanvasRenderingContext2D): Sheet {
    const { width, height } = ctx.canvas;
    let sheet = sheets.get(ctx);
    if (!sheet || sheet.width !== width || sheet.height !== height) sheets.set(ctx, (sheet = new Sheet(width, height)));
    sheet.dots.fill(0);
    return sheet;
  }

  /** Put it on the canvas, dot for dot. */
  lay(ctx: CanvasRenderingContext2D): void {
    this.#ctx.putImageData(this.#image, 0, 0);
    ctx.save();
    ctx.resetTransform();
    ctx.globalAlpha = 1;
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.#ctx.canvas, 0, 0);
    ctx.restore();
  }
}

const known = new Map<string, number>();

/** A colour as CSS writes it, `alpha` of it, as a dot. */
export function dotOf(colour: string, alpha: number): number {
  let dot = known.get(colour);
  if (dot === undefined) {
    const palette = new OffscreenCanvas(1, 1).getContext('2d')!;
    palette.fillStyle = colour;
    palette.fillRect(0, 0, 1, 1);
    dot = new Uint32Array(palette.getImageData(0, 0, 1, 1).data.buffer)[0]!;
    known.set(colour, dot);
  }
  const opaque = dot >>> 24;
  return ((dot & 0xffffff) | (Math.round(opaque * alpha) << 24)) >>> 0;
}
