/**
 * The on-screen piano: played with a mouse, fingers or the computer's keyboard; shows what sounds from both players.
 * The page's own music never waits for it: what it lights up is looked up when the screen is drawn.
 */
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Controls } from './Controls';
import { Glow } from './glow';
import { type Key, keysOf, lowest, nameOf, whitesIn } from './layout';
import { listen } from './listening';
import './piano.css';
import { base, hands, touch } from './player';
import { Pointers } from './pointers';
import { labels, printed, SEMITONES } from './typing';

export function Piano() {
  const board = useRef<HTMLDivElement>(null);
  const whites = useSignal(14);
  const label = useSignal(printed);
  const low = lowest(base.value, whites.value);
  const keys = useMemo(() => keysOf(low, whites.value), [low, whites.value]);

  useEffect(listen, []);
  useEffect(() => void labels().then((found) => (label.value = found)), []);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => entry && (whites.value = whitesIn(entry.contentRect.width)));
    watcher.observe(board.current!);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => new Pointers(board.current!, keys).attach(), [keys]);
  useEffect(() => new Glow(board.current!).run(), [keys]);

  const typed = new Map(Object.entries(SEMITONES).map(([code, above]) => [base.value + above, label.value(code)]));
  return (
    <section class="piano" aria-label="Piano">
      <Controls />
      <div class="piano-keys" ref={board} role="group" aria-label="Keys" onKeyDown={walk} onKeyUp={lift} onBlur={lift}>
        {keys.map((key) => (
          <PianoKey key={key.pitch} place={key} letter={typed.get(key.pitch)} first={key.pitch === base.value} />
        ))}
      </div>
    </section>
  );
}

function PianoKey({ place, letter, first }: { place: Key; letter: string | undefined; first: boolean }) {
  const { pitch, black, left, width } = place;
  const name = nameOf(pitch);
  return (
    <button
      type="button"
      class={black ? 'piano-key black' : 'piano-key white'}
      style={{ left: `${100 * left}%`, width: `${100 * width}%` }}
      data-pitch={pitch}
      tabIndex={first ? 0 : -1}
      aria-label={letter ? `${name}, key ${letter}` : name}
      onClick={(event) => event.detail === 0 && tap(pitch)}
    >
      {letter && <kbd aria-hidden="true">{letter}</kbd>}
      {pitch % 12 === 0 && <span aria-hidden="true">{name}</span>}
    </button>
  );
}

/** A click that no pointer made: a screen reader's. */
function tap(pitch: number): void {
  hands.press('tap', pitch, touch.value);
  setTimeout(() => hands.lift('tap'), 400);
}

const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -12, ArrowUp: 12 };

/** With a key in focus: arrows go to others, space and Enter play it. */
function walk(event: KeyboardEvent): void {
  const key = (event.target as Element).closest<HTMLElement>('[data-pitch]');
  const pitch = Number(key?.dataset['pitch']);
  const step = STEPS[event.key];
  if (!key || event.ctrlKey || event.altKey || event.metaKey) return;
  if (step) key.parentElement?.querySelector<HTMLElement>(`[data-pitch="${pitch + step}"]`)?.focus();
  else if (event.key !== ' ' && event.key !== 'Enter') return;
  else if (!event.repeat) hands.press('focus', pitch, touch.value);
  event.preventDefault();
  event.stopPropagation();
}

function lift(): void {
  hands.lift('focus');
}
