/**
 * The piano roll: notes on a canvas. Knows nothing of where notes come from, and keeps nothing between two pictures.
 */

export interface RollNote {
  /** Ticks, 24 a quarter. */
  onset: number;
  /** null: still held, up to the playhead. */
  duration: number | null;
  pitch: number;
  velocity: number;
  /** 0–127; 128: drums. */
  program: number;
  who?: 'player' | 'model';
  /** It may still change. */
  planned?: boolean;
  /** Instead of the colour of `who`. */
  colour?: string;
}

export interface RollBar {
  tick: number;
  number: number;
  /** Ticks a beat. */
  beat: number;
  beats: number;
}

/** What part of the music is where on the canvas (CSS pixels). */
export interface RollView {
  width: number;
  height: number;
  /** Ticks at the left and the right edge. */
  from: number;
  to: number;
  /** The lowest and the highest pitch seen. */
  low: number;
  high: number;
  /** Whether there is a strip for drums at the bottom. */
  drums: boolean;
}

export interface RollTheme {
  ground: string;
  blackKey: string;
  line: string;
  barLine: string;
  text: string;
  player: string;
  model: string;
  playhead: string;
  selection: string;
}

export interface RollOptions {
  /** By onset. */
  notes: readonly RollNote[];
  /** By tick. */
  bars: readonly RollBar[];
  theme: RollTheme;
  /** The tick that sounds now, if anything does. */
  playhead?: number;
  /** From tick to tick, right end excluded. */
  selection?: readonly [number, number];
  /** A note to point at. */
  marked?: RollNote;
}

export function drawRoll(ctx: CanvasRenderingContext2D, view: RollView, options: RollOptions): void {
  ctx.fillStyle = options.theme.ground;
  ctx.fillRect(0, 0, view.width, view.height);
}
