/**
 * The file's roll: scrolls like any page, zooms, says what a note is, and bars are selected by dragging over them or
 * with the arrow keys.
 */
import { signal, useComputed } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useFrames } from '../jam/frames';
import { rollTheme, sharp } from '../roll/canvas';
import { noteAt, type RollNote, type RollView, tickAt } from '../roll/geometry';
import { drawRoll } from '../roll/roll';
import { isDark } from '../theme';
import { compare, heard, shown, stopAll, tick, toggle } from './audition';
import { barOf, type Bars, barWords, between, beatAt, moved, rollBars, span } from './bars';
import { hasDrums, pitchRange, rollNotes, takeNotes } from './notes';
import { piece, selected, surprise } from './store';
import { colours, noteWords } from './surprise';

const zoom = signal(0); // pixels a tick; 0: the whole file, as far as that can be read
const LEAST = 0.6; // pixels a tick: a bar of 4/4 in 58 pixels
const MOST = 8;

export function SelectRoll() {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const marked = useRef<RollNote | undefined>(undefined);
  const [words, setWords] = useState('');
  const [wide, setWide] = useState(800);
  const dark = isDark();
  const look = useComputed(() => pictured(isDark()));
  const file = shown.value!;
  const scale = zoom.value || Math.min(MOST, Math.max(LEAST, wide / file.end));
  const range = pitchRange(look.value.notes);
  const drums = hasDrums(look.value.notes);
  const theme = useRef(rollTheme());
  const drawn = useRef<unknown[]>([]);
  const view = (): RollView => {
    const [width, height] = [canvas.current!.clientWidth, canvas.current!.clientHeight];
    const from = scroller.current!.scrollLeft / scale;
    return { width, height, from, to: from + width / scale, low: range[0], high: range[1], drums };
  };

  useEffect(() => {
    theme.current = rollTheme();
    drawn.current = [];
  }, [dark]);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWide(entry!.contentRect.width));
    watcher.observe(scroller.current!);
    return () => watcher.disconnect();
  }, []);

  useFrames(() => {
    const playhead = tick();
    if (playhead !== undefined) follow(scroller.current!, playhead * scale);
    const seen = view();
    const selection = selected.value && piece.value ? span(piece.value.bars, selected.value) : undefined;
    const state = [seen.width, seen.height, seen.from, seen.to, playhead, selected.value, marked.current, look.value, dark];
    if (state.every((value, i) => value === drawn.current[i])) return; // nothing has changed: let it rest
    drawn.current = state;
    const { ctx } = sharp(canvas.current!);
    const { notes, bars } = look.value;
    drawRoll(ctx, seen, {
      notes,
      bars,
      theme: theme.current,
      ...(playhead !== undefined && { playhead }),
      ...(selection && { selection }),
      ...(marked.current && { marked: marked.current }),
    });
  });

  const point = (note: RollNote | undefined): void => {
    if (note === marked.current) return;
    marked.current = note;
    setWords(note ? told(look.value.notes.indexOf(note)) : '');
  };
  const step = (by: 1 | -1): void => {
    const { notes } = look.value;
    const first = notes.findIndex(({ onset }) => onset >= view().from);
    const now = marked.current ? notes.indexOf(marked.current) + by : Math.max(0, first);
    const note = notes[Math.min(notes.length - 1, Math.max(0, now))];
    point(note);
    if (note) reveal(scroller.current!, note.onset * scale);
  };
  const choose = (bars: Bars | null): void => {
    selected.value = bars;
    if (bars) reveal(scroller.current!, span(file.bars, bars)[0] * scale);
  };
  const widen = (by: number): void => {
    const middle = (view().from + view().to) / 2;
    zoom.value = Math.min(MOST, Math.max(LEAST / 4, scale * by));
    requestAnimationFrame(() => (scroller.current!.scrollLeft = middle * zoom.value - wide / 2));
  };
  const keys: Record<string, (more: boolean) => void> = {
    ArrowRight: (more) => choose(moved(selected.value, 1, more, file.bars)),
    ArrowLeft: (more) => choose(moved(selected.value, -1, more, file.bars)),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Escape: () => choose(null),
    '+': () => widen(1.4),
    '-': () => widen(1 / 1.4),
    ' ': () => toggle(heard.value ?? file, begin()),
  };
  return (
    <section class="write-roll" aria-label="The file">
      <div
        ref={scroller}
        class="write-scroll"
        tabIndex={0}
        role="application"
        aria-label="Bars of the file: arrow keys select them, with Shift more of them; up and down go from note to note"
        aria-describedby="write-words"
        onKeyDown={(event) => {
          const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
          if (!act) return;
          event.preventDefault();
          act(event.shiftKey);
        }}
      >
        <canvas
          ref={canvas}
          {...useDrag(view, () => file.bars)}
          onMouseMove={(event) => point(noteAt(view(), look.value.notes, event.offsetX, event.offsetY))}
          onMouseLeave={() => point(undefined)}
        />
        <div class="write-length" style={{ width: `${Math.max(1, file.end * scale)}px` }} />
      </div>
      <div class="roll-zoom">
        <button type="button" class="icon" aria-label="Show fewer bars" onClick={() => widen(1.4)}>
          +
        </button>
        <button type="button" class="icon" aria-label="Show more bars" onClick={() => widen(1 / 1.4)}>
          −
        </button>
      </div>
      <p id="write-words" class="write-words" aria-live="polite">
        {words || hint()}
      </p>
    </section>
  );
}

function pictured(dark: boolean) {
  const what = shown.value!;
  const own = what.id === piece.value?.id;
  const notes = own ? rollNotes(what, surprise.value?.nats, colours(dark)) : takeNotes(what, piece.value);
  return { notes, bars: rollBars(what) };
}

/** The note at a place of what is shown, in words. */
function told(place: number): string {
  const what = shown.value!;
  const note = what.notes[place];
  if (!note) return '';
  const nats = what.id === piece.value?.id ? surprise.value?.nats[place] : undefined;
  return noteWords(note, what.bars, beatAt(what.meters, note[0]), nats);
}

function hint(): string {
  if (selected.value) return `${barWords(selected.value)} selected`.replace(/^b/, 'B');
  return 'Drag over bars to select them. Point at a note to hear about it.';
}

/** Where playing begins: at the selection, if there is one. */
export function begin(): number {
  return selected.value && piece.value ? span(piece.value.bars, selected.value)[0] : 0;
}

/** Dragging selects bars; a click selects one, or nothing if it was the only one; Shift or a second tap adds bars. */
function useDrag(view: () => RollView, bars: () => readonly number[]) {
  const from = useRef(0);
  const clear = useRef(false);
  const barAt = (event: PointerEvent): number => barOf(bars(), tickAt(view(), event.offsetX));
  return {
    onPointerDown: (event: PointerEvent): void => {
      if (event.button !== 0) return;
      const bar = barAt(event);
      const old = selected.value;
      const adds = old && (event.shiftKey || (event.pointerType === 'touch' && (bar < old[0] || bar > old[1])));
      clear.current = !adds && old !== null && old[0] === bar && old[1] === bar;
      from.current = adds ? (bar < old[0] ? old[1] : old[0]) : bar;
      selected.value = between(from.current, bar);
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    onPointerMove: (event: PointerEvent): void => {
      if (!from.current || event.pointerType === 'touch') return; // a finger that moves scrolls
      const bar = barAt(event);
      if (bar !== from.current) clear.current = false;
      selected.value = between(from.current, bar);
    },
    onPointerUp: (): void => {
      if (from.current && clear.current) selected.value = null;
      from.current = 0;
    },
    onPointerCancel: (): void => void (from.current = 0),
  };
}

/** Turn the page when the playhead leaves it. */
function follow(scroller: HTMLElement, x: number): void {
  const { scrollLeft, clientWidth } = scroller;
  if (x < scrollLeft || x > scrollLeft + clientWidth * 0.96) scroller.scrollLeft = x - clientWidth * 0.08;
}

function reveal(scroller: HTMLElement, x: number): void {
  const { scrollLeft, clientWidth } = scroller;
  if (x < scrollLeft || x > scrollLeft + clientWidth - 60) scroller.scrollLeft = x - clientWidth / 3;
}

/** B compares, Escape ends what sounds: anywhere on the page but where one writes. */
export function useWriteKeys(takesText: (target: EventTarget | null) => boolean): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || takesText(event.target)) return;
      if (event.code === 'KeyB') void compare();
      else if (event.key === 'Escape') stopAll();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}
