/**
 * A file's roll: scrolled and zoomed, coloured by surprise, bars selected by dragging or with the arrow keys. The canvas
 * stays where it is and the browser scrolls what it is in.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useFrames } from '../jam/frames';
import { rollTheme, sharp } from '../roll/canvas';
import { DRUMS, noteAt, rangeOf, type RollView, tickAt } from '../roll/geometry';
import { drawRoll } from '../roll/roll';
import type { PieceView } from '../protocol';
import { isDark } from '../theme';
import { type Bars, barOf, barWords, beatAt, between, moved, rollBars, span } from './bars';
import { type Indexed, rollNotes, takeNotes } from './notes';
import { colours, noteWords } from './surprise';

const LEAST_ZOOM = 0.05; // pixels a tick: a bar of 4/4 is five pixels wide
const MOST_ZOOM = 12;
const ROW = 9; // pixels a semitone, where there is room
const HINT = 'Drag over bars to choose them; point at a note to see how likely it was.';
const KEYS = 'Arrows choose bars, with Shift more of them; up and down go through notes; Space plays.';

interface Props {
  piece: PieceView;
  /** Nats of each note, in their order, if they are known. */
  nats: readonly number[] | undefined;
  /** The file that a take was made of: then its notes are coloured by whether they were there. */
  madeOf?: PieceView | undefined;
  selected: Bars | null;
  select(bars: Bars | null): void;
  /** Where it sounds. */
  tick(): number | null;
  /** Asked to play or stop. */
  play(from: number): void;
}

export function PieceRoll({ piece, nats, madeOf, selected, select, tick, play }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState<number | null>(null); // pixels a tick; null: all of it
  const [marked, setMarked] = useState<number | null>(null);
  const seen = useRef<RollView | null>(null);
  const dark = isDark();
  const notes = useMemo(
    () => (madeOf ? takeNotes(piece, madeOf) : rollNotes(piece, nats, colours(dark))),
    [piece, nats, madeOf, dark],
  );
  const bars = useMemo(() => rollBars(piece), [piece]);
  const [low, high] = useMemo(() => rangeOf(notes, 0, Infinity, 24), [notes]);
  const drums = useMemo(() => notes.some((note) => note.program === DRUMS), [notes]);
  const colour = useMemo(rollTheme, [dark]);
  const drawn = useRef<unknown[]>([]);
  const scale = (): number => zoom ?? Math.max(LEAST_ZOOM, (scroller.current?.clientWidth ?? 800) / (piece.end || 96));
  useEffect(() => setMarked(null), [piece]);

  useFrames(() => {
    if (!canvas.current || !scroller.current) return;
    const { ctx, width, height } = sharp(canvas.current);
    if (!width || !height) return;
    const now = tick();
    if (now !== null) follow(scroller.current, now * scale());
    const from = scroller.current.scrollLeft / scale();
    const view: RollView = { width, height, from, to: from + width / scale(), low, high, drums };
    seen.current = view;
    const all = [width, height, from, view.to, notes, colour, now, selected, marked];
    if (all.every((one, i) => one === drawn.current[i])) return;
    drawn.current = all;
    const mark = marked === null ? undefined : notes.find(({ index }) => index === marked);
    drawRoll(ctx, view, {
      ...{ notes, bars, theme: colour },
      ...(now !== null && { playhead: now }),
      ...(selected && { selection: span(piece.bars, selected) }),
      ...(mark && { marked: mark }),
    });
  });

  const drag = useDrag(
    (x) => (seen.current ? barOf(piece.bars, tickAt(seen.current, x)) : 1),
    (bars) => select(bars),
    selected,
  );
  const point = (event: PointerEvent): void => {
    if (!seen.current || event.buttons) return;
    const found = noteAt(seen.current, notes, event.offsetX, event.offsetY) as Indexed | undefined;
    setMarked(found?.index ?? null);
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const bars = moved(selected, event.key === 'ArrowRight' ? 1 : -1, event.shiftKey, piece.bars);
      select(bars);
      reveal(scroller.current, span(piece.bars, bars)[0] * scale());
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      setMarked(stepped(notes, marked, event.key === 'ArrowDown' ? 1 : -1, selected && span(piece.bars, selected)));
    } else if (event.key === ' ') play(selected ? span(piece.bars, selected)[0] : 0);
    else if (event.key === 'Escape') select(null);
    else if (event.key === '+' || event.key === '=') zoomed(1.5);
    else if (event.key === '-') zoomed(1 / 1.5);
    else return;
    event.preventDefault();
  };
  const zoomed = (by: number): void => {
    const [was, box] = [scale(), scroller.current!];
    const middle = (box.scrollLeft + box.clientWidth / 2) / was;
    const next = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, was * by));
    setZoom(next);
    requestAnimationFrame(() => (box.scrollLeft = middle * next - box.clientWidth / 2));
  };
  const note = marked === null ? undefined : piece.notes[marked];
  const words = note ? noteWords(note, piece.bars, beatAt(piece.meters, note[0]), nats?.[marked!]) : '';
  const choice = selected ? `${capital(barWords(selected))} chosen.` : HINT;
  const own = madeOf ?? piece; // its height stays when a take of it is compared
  const [least, most] = useMemo(() => rangeOf(rollNotes(own, undefined, []), 0, Infinity, 24), [own]);
  const rows = (most - least + 1) * ROW + (drums ? 90 : 30);
  return (
    <div class="piece-roll">
      <div
        ref={scroller}
        class="piece-scroll"
        tabIndex={0}
        role="group"
        aria-label={`${piece.title || piece.name}, ${piece.notes.length} notes. ${KEYS}`}
        style={{ height: `${Math.min(460, Math.max(200, rows))}px` }}
        onKeyDown={keys}
      >
        <div class="piece-width" style={{ width: zoom === null ? '100%' : `${Math.ceil(piece.end * zoom)}px` }}>
          <canvas ref={canvas} onPointerMove={point} onPointerLeave={() => setMarked(null)} {...drag} />
        </div>
      </div>
      <p class="piece-words small" aria-live="polite">
        {words || choice}
      </p>
      <div class="piece-zoom">
        <button type="button" class="icon" aria-label="Show fewer bars" onClick={() => zoomed(1.5)}>
          +
        </button>
        <button type="button" class="icon" aria-label="Show more bars" onClick={() => zoomed(1 / 1.5)}>
          −
        </button>
        <button type="button" onClick={() => setZoom(null)}>
          All
        </button>
      </div>
    </div>
  );
}

/** The note after or before the marked one, in `within` if anything is chosen. */
function stepped(
  notes: readonly Indexed[],
  marked: number | null,
  by: 1 | -1,
  within: [number, number] | null,
): number | null {
  const among = within ? notes.filter(({ onset }) => onset >= within[0] && onset < within[1]) : notes;
  const at = among.findIndex(({ index }) => index === marked);
  const next = at < 0 ? (by > 0 ? 0 : among.length - 1) : Math.min(among.length - 1, Math.max(0, at + by));
  return among[next]?.index ?? null;
}

/** Dragging chooses bars; so does a click, and with Shift, or on a touch screen, a second one goes up to there. */
function useDrag(bar: (x: number) => number, select: (bars: Bars) => void, selected: Bars | null) {
  const begun = useRef<number | null>(null);
  return {
    onPointerDown(event: PointerEvent) {
      if (event.button !== 0) return;
      const here = bar(event.offsetX);
      const touch = event.pointerType === 'touch';
      const more = selected && (event.shiftKey || (touch && selected[0] === selected[1] && selected[0] !== here));
      begun.current = touch ? null : more ? selected[0] : here;
      if (!touch) (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      select(more ? between(selected[0], here) : [here, here]);
    },
    onPointerMoveCapture(event: PointerEvent) {
      if (begun.current !== null) select(between(begun.current, bar(event.offsetX)));
    },
    onPointerUp() {
      begun.current = null;
    },
  };
}

/** Keep what sounds in sight, turning over like pages. */
function follow(box: HTMLElement, x: number): void {
  if (x > box.scrollLeft + box.clientWidth * 0.9 || x < box.scrollLeft) box.scrollLeft = x - box.clientWidth * 0.1;
}

function reveal(box: HTMLElement | null, x: number): void {
  if (box && (x < box.scrollLeft || x > box.scrollLeft + box.clientWidth - 60))
    box.scrollLeft = x - box.clientWidth / 3;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
