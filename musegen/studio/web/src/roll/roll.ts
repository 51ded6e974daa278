/**
 * The piano roll on a canvas: its lines, numbers and names, and on them the notes. Draws only what is seen. Knows
 * nothing of where notes come from, and remembers nothing of the last picture.
 */
import {
  type Box,
  boxOf,
  DRUM_ROWS,
  drumRowHeight,
  HEAD,
  pitchAt,
  pitchedBottom,
  pitchName,
  type RollBar,
  type RollNote,
  type RollView,
  rowHeight,
  xOf,
  yOf,
} from './geometry';
import { drawNotes } from './notes';

export type { RollBar, RollNote, RollView } from './geometry';

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
  /** By onset; the same array while nothing changes. */
  notes: readonly RollNote[];
  /** By tick. */
  bars: readonly RollBar[];
  theme: RollTheme;
  /** The tick that sounds now, if anything does. */
  playhead?: number;
  /** From tick to tick. */
  selection?: readonly [number, number];
  /** A note to point at. */
  marked?: RollNote;
}

const BLACK = new Set([1, 3, 6, 8, 10]);

export function drawRoll(ctx: CanvasRenderingContext2D, view: RollView, options: RollOptions): void {
  const { theme, playhead, selection, marked } = options;
  const now = playhead ?? view.to;
  ctx.globalAlpha = 1;
  ctx.fillStyle = theme.ground;
  ctx.fillRect(0, 0, view.width, view.height);
  drawRows(ctx, view, theme);
  drawBars(ctx, view, options.bars, theme);
  if (selection) drawSelection(ctx, view, selection, theme);
  drawNotes(ctx, view, options, now);
  if (marked) drawMark(ctx, boxOf(view, marked, now), theme);
  drawNames(ctx, view, theme);
  if (playhead !== undefined) drawPlayhead(ctx, view, playhead, theme);
}

function drawRows(ctx: CanvasRenderingContext2D, view: RollView, theme: RollTheme): void {
  const height = rowHeight(view);
  const [top, bottom] = [Math.ceil(view.high), Math.max(0, Math.floor(view.low))];
  ctx.fillStyle = theme.blackKey;
  for (let pitch = bottom; pitch <= top; pitch++) {
    if (BLACK.has(pitch % 12)) ctx.fillRect(0, yOf(view, pitch), view.width, height);
  }
  ctx.fillStyle = theme.line;
  for (let pitch = bottom; pitch <= top; pitch++) {
    if (pitch % 12 === 0) ctx.fillRect(0, Math.round(yOf(view, pitch) + height), view.width, 1);
  }
  if (view.drums) ctx.fillRect(0, Math.round(pitchedBottom(view) + 3), view.width, 1);
}

function drawBars(ctx: CanvasRenderingContext2D, view: RollView, bars: readonly RollBar[], theme: RollTheme): void {
  const perTick = view.width / (view.to - view.from);
  const seen = bars.filter((bar) => bar.tick <= view.to && bar.tick + bar.beat * bar.beats >= view.from);
  ctx.fillStyle = theme.line;
  for (const bar of seen) {
    if (bar.beat * perTick < 12) continue;
    for (let beat = 1; beat < bar.beats; beat++) {
      ctx.fillRect(Math.round(xOf(view, bar.tick + beat * bar.beat)), HEAD, 1, view.height - HEAD);
    }
  }
  ctx.fillStyle = theme.barLine;
  for (const bar of seen) ctx.fillRect(Math.round(xOf(view, bar.tick)), HEAD - 12, 1, view.height - HEAD + 12);
  drawNumbers(ctx, view, seen, theme);
}

function drawNumbers(ctx: CanvasRenderingContext2D, view: RollView, bars: readonly RollBar[], theme: RollTheme): void {
  ctx.fillStyle = theme.text;
  ctx.font = '11px system-ui, sans-serif';
  ctx.textBaseline = 'middle';
  let free = -Infinity; // numbers that would run into each other are left out
  for (const bar of bars) {
    const x = xOf(view, bar.tick) + 5;
    if (x < free) continue;
    ctx.fillText(String(bar.number), x, HEAD / 2 + 1);
    free = x + 26;
  }
}

function drawSelection(
  ctx: CanvasRenderingContext2D,
  view: RollView,
  [from, to]: readonly [number, number],
  theme: RollTheme,
): void {
  const [left, right] = [xOf(view, from), xOf(view, to)];
  ctx.fillStyle = theme.selection;
  ctx.fillRect(left, 0, right - left, view.height);
  ctx.fillStyle = theme.player;
  ctx.fillRect(left, 0, right - left, 2);
  ctx.fillRect(left, 0, 1.5, view.height);
  ctx.fillRect(right - 1.5, 0, 1.5, view.height);
}

function drawMark(ctx: CanvasRenderingContext2D, { x, y, width, height }: Box, theme: RollTheme): void {
  ctx.strokeStyle = theme.playhead;
  ctx.lineWidth = 2;
  ctx.strokeRect(x - 2, y - 2, width + 4, height + 4);
}

/** Every C, and the drums' rows where there is room. */
function drawNames(ctx: CanvasRenderingContext2D, view: RollView, theme: RollTheme): void {
  ctx.font = '10px system-ui, sans-serif';
  ctx.textBaseline = 'middle';
  const middle = rowHeight(view) / 2;
  for (let pitch = Math.max(0, pitchAt(view, pitchedBottom(view))); pitch <= view.high; pitch++) {
    if (pitch % 12 === 0) drawName(ctx, pitchName(pitch), yOf(view, pitch) + middle, 22, theme);
  }
  const row = drumRowHeight(view);
  if (row >= 9) DRUM_ROWS.forEach((name, i) => drawName(ctx, name, view.height - (i + 0.5) * row, 50, theme));
}

/** Over what lies there, but not hiding it. */
function drawName(ctx: CanvasRenderingContext2D, name: string, y: number, width: number, theme: RollTheme): void {
  ctx.fillStyle = theme.ground;
  ctx.globalAlpha = 0.75;
  ctx.fillRect(0, y - 6, width, 11);
  ctx.fillStyle = theme.text;
  ctx.globalAlpha = 0.8;
  ctx.fillText(name, 4, y);
  ctx.globalAlpha = 1;
}

function drawPlayhead(ctx: CanvasRenderingContext2D, view: RollView, tick: number, theme: RollTheme): void {
  const x = xOf(view, tick);
  ctx.fillStyle = theme.playhead;
  ctx.fillRect(x - 0.75, 4, 1.5, view.height - 4);
  ctx.beginPath();
  ctx.arc(x, 6, 4, 0, 2 * Math.PI);
  ctx.fill();
}
