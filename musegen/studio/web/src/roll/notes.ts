/** The notes of a roll: those that are seen, all that look alike together. */
import {
  type Box,
  boxOf,
  DRUMS,
  endOf,
  firstReaching,
  HEAD,
  type RollNote,
  type RollView,
  rowHeight,
} from './geometry';
import { dotOf, paint, Sheet } from './crowd';
import type { RollOptions, RollTheme } from './roll';

const FINE = 700; // notes in one picture, up to which each has round corners
const LEVELS = 4; // of loudness that can be told apart
const PLANNED = 0.22; // how much of a planned note's colour is seen
const STRUCK = 6; // ticks for which a drum is lit

/** Notes that look alike. */
interface Batch {
  colour: string;
  alpha: number;
  planned: boolean;
  notes: RollNote[];
}

export function drawNotes(ctx: CanvasRenderingContext2D, view: RollView, options: RollOptions, now: number): void {
  const { batches, count } = batched(view, options, now);
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, HEAD, view.width, view.height - HEAD);
  ctx.clip();
  if (count > FINE || rowHeight(view) < 4) fillMany(ctx, view, batches, now);
  else for (const batch of batches) fillRound(ctx, view, batch, now);
  if (options.playhead !== undefined) drawSounding(ctx, view, options, now);
  ctx.restore();
}

/** The visible notes by how they look; planned ones first, so that what is certain lies on top. */
function batched(view: RollView, { notes, theme }: RollOptions, now: number): { batches: Batch[]; count: number } {
  const byColour = new Map<string, (Batch | undefined)[]>(); // by loudness; planned ones at 0
  let count = 0;
  for (let i = firstReaching(notes, view.from); i < notes.length && notes[i]!.onset <= view.to; i++) {
    const note = notes[i]!;
    if (endOf(note, now) < view.from || outside(view, note)) continue;
    count++;
    const colour = colourOf(note, theme);
    const level = note.planned ? 0 : Math.min(LEVELS, 1 + Math.floor((note.velocity / 128) * LEVELS));
    let levels = byColour.get(colour);
    if (!levels) byColour.set(colour, (levels = []));
    const batch = levels[level];
    if (batch) batch.notes.push(note);
    else levels[level] = { colour, alpha: alphaOf(level), planned: level === 0, notes: [note] };
  }
  const all = [...byColour.values()].flat().filter((batch) => batch !== undefined);
  return { batches: all.sort((a, b) => Number(b.planned) - Number(a.planned)), count };
}

function colourOf(note: RollNote, theme: RollTheme): string {
  return note.colour ?? (note.who === 'player' ? theme.player : theme.model);
}

function alphaOf(level: number): number {
  return level === 0 ? PLANNED : 0.5 + (0.5 * level) / LEVELS;
}

function outside(view: RollView, { program, pitch }: RollNote): boolean {
  return program === DRUMS ? !view.drums : pitch > view.high + 1 || pitch < view.low - 1;
}

function fillMany(ctx: CanvasRenderingContext2D, view: RollView, batches: Batch[], now: number): void {
  const sheet = Sheet.over(ctx);
  const scale = sheet.width / view.width;
  const box: Box = { x: 0, y: 0, width: 0, height: 0 };
  for (const { colour, alpha, notes } of batches) {
    const dot = dotOf(colour, alpha);
    for (const note of notes) paint(sheet, boxOf(view, note, now, box), scale, dot);
  }
  sheet.lay(ctx);
}

function fillRound(ctx: CanvasRenderingContext2D, view: RollView, batch: Batch, now: number): void {
  ctx.fillStyle = ctx.strokeStyle = batch.colour;
  ctx.globalAlpha = batch.alpha;
  ctx.beginPath();
  for (const note of batch.notes) {
    const { x, y, width, height } = boxOf(view, note, now);
    ctx.roundRect(x, y, width, height, Math.min(3, height / 2.5, width / 2));
  }
  ctx.fill();
  if (!batch.planned) return;
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
    const ends = note.program === DRUMS ? note.onset + STRUCK : endOf(note, now);
    if (note.planned || ends < now || outside(view, note)) continue;
    const { x, y, width, height } = boxOf(view, note, now);
    ctx.fillRect(x, y, width, height);
  }
}
