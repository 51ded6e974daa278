/**
 * The piano roll: notes on a canvas. Draws only what is seen, and all of one colour together, so that thousands of
 * notes fit into a frame. Knows nothing of where notes come from, and keeps nothing between two pictures.
 */
import {
  type Box,
  boxOf,
  DRUM_ROWS,
  DRUMS,
  drumRowHeight,
  endOf,
  firstReaching,
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
const FINE = 700; // notes on one picture, up to which each has round corners
const LEVELS = 4; // of loudness that can be told apart

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

interface Batch {
  colour: string;
  planned: boolean;
  alpha: number;
  notes: RollNote[];
}

function drawNotes(ctx: CanvasRenderingContext2D, view: RollView, options: RollOptions, now: number): void {
  const { batches, count } = batched(view, options, now);
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, HEAD, view.width, view.height - HEAD);
  ctx.clip();
  const fine = count <= FINE && rowHeight(view) >= 4;
  for (const { colour, planned, alpha, notes } of batches) {
    ctx.fillStyle = ctx.strokeStyle = colour;
    ctx.globalAlpha = planned ? 0.22 : alpha;
    if (fine) fillRound(ctx, view, notes, now, planned);
    else for (const note of notes) fill(ctx, boxOf(view, note, now));
  }
  if (options.playhead !== undefined) drawSounding(ctx, view, options, now);
  ctx.restore();
}

/** The visible notes by how they look; planned ones first, so that what is certain lies on top. */
function batched(view: RollView, { notes, theme }: RollOptions, now: number) {
  const planned = new Map<string, Batch>();
  const certain = new Map<string, Batch>();
  let count = 0;
  for (let i = firstReaching(notes, view.from); i < notes.length && notes[i]!.onset <= view.to; i++) {
    const note = notes[i]!;
    if (endOf(note, now) < view.from || outside(view, note)) continue;
    count++;
    const colour = note.colour ?? (note.who === 'player' ? theme.player : theme.model);
    const level = Math.min(LEVELS, 1 + Math.floor((note.velocity / 128) * LEVELS));
    const kind = note.planned ? planned : certain;
    const key = note.planned ? colour : colour + level;
    const batch = kind.get(key);
    if (batch) batch.notes.push(note);
    else kind.set(key, { colour, planned: note.planned === true, alpha: 0.5 + (0.5 * level) / LEVELS, notes: [note] });
  }
  return { batches: [...planned.values(), ...certain.values()], count };
}

function outside(view: RollView, { program, pitch }: RollNote): boolean {
  return program === DRUMS ? !view.drums : pitch > view.high + 1 || pitch < view.low - 1;
}

function fill(ctx: CanvasRenderingContext2D, { x, y, width, height }: Box): void {
  ctx.fillRect(x, y, width, height);
}

function fillRound(
  ctx: CanvasRenderingContext2D,
  view: RollView,
  notes: readonly RollNote[],
  now: number,
  outlined: boolean,
): void {
  ctx.beginPath();
  for (const note of notes) {
    const { x, y, width, height } = boxOf(view, note, now);
    ctx.roundRect(x, y, width, height, Math.min(3, height / 2.5, width / 2));
  }
  ctx.fill();
  if (!outlined) return;
  ctx.globalAlpha = 0.6;
  ctx.lineWidth = 1;
  ctx.stroke();
}

/** What sounds now is lit. */
function drawSounding(ctx: CanvasRenderingContext2D, view: RollView, { notes, theme }: RollOptions, now: number): void {
  ctx.fillStyle = theme.playhead;
  ctx.globalAlpha = 0.4;
  for (let i = firstReaching(notes, now); i < notes.length && notes[i]!.onset <= now; i++) {
    const note = notes[i]!;
    const struck = note.program === DRUMS ? note.onset + 6 : endOf(note, now);
    if (!note.planned && struck >= now && !outside(view, note)) fill(ctx, boxOf(view, note, now));
  }
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
