/** The jam's roll, scrolling: both hands, what is planned faint. */
import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { rollTheme, sharp } from '../roll/canvas';
import { DRUMS } from '../roll/geometry';
import { drawRoll, type RollTheme } from '../roll/roll';
import { kept } from '../sound/settings';
import { isDark } from '../theme';
import { barAt, Camera } from './camera';
import { useFrames } from './frames';
import { begun, facts, live, playing, tickNow } from './store';

const barsSeen = kept('musegen bars seen', 0); // 0: by the width
const LEAST = 2;
const MOST = 32;
const BAR_WIDTH = 130; // pixels, where nobody has chosen

export function LiveRoll() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useColours();
  const camera = useRef(new Camera());
  const last = useRef(0);
  const drums = useRef({ version: -1, any: false });
  useFrames((time) => {
    if (!canvas.current || !colours.current) return;
    const { ctx, width, height } = sharp(canvas.current);
    const tick = camera.current.follow(time, tickNow(), live.frame?.rolling ? (live.frame.qpm * 24) / 60 : 0);
    const notes = live.drawn();
    if (drums.current.version !== live.version) {
      drums.current = { version: live.version, any: notes.some((note) => note.program === DRUMS) };
    }
    const bar = barAt(live.bars, tick);
    const span = shown(width) * (bar ? bar.beat * bar.beats : 96);
    const view = camera.current.view(width, height, span, notes, drums.current.any, (time - last.current) / 1000);
    last.current = time;
    drawRoll(ctx, view, { notes, bars: live.bars, theme: colours.current, playhead: tick });
  });
  const zoom = (by: number): void => {
    barsSeen.value = Math.min(MOST, Math.max(LEAST, Math.round(shown(canvas.current?.clientWidth ?? 800) * by)));
  };
  return (
    <section class="roll" aria-label="What both of you play">
      <canvas ref={canvas} role="img" aria-label="Piano roll: your notes warm, the model's cool, planned ones faint" />
      {!begun.value && <p class="roll-hint">{hint()}</p>}
      <p class="roll-legend" aria-hidden="true">
        <span class="dot player" /> you <span class="dot model" /> musegen <span class="dot planned" /> planned
      </p>
      <div class="roll-zoom">
        <button type="button" class="icon" aria-label="Show fewer bars" onClick={() => zoom(1 / 1.5)}>
          +
        </button>
        <button type="button" class="icon" aria-label="Show more bars" onClick={() => zoom(1.5)}>
          −
        </button>
      </div>
    </section>
  );
}

function shown(width: number): number {
  return barsSeen.value || Math.min(12, Math.max(3, width / BAR_WIDTH));
}

/** The page's colours, new whenever it turns dark or light. */
function useColours() {
  const colours = useRef<RollTheme | null>(null);
  useEffect(
    () =>
      effect(() => {
        isDark(); // asked for, so that this runs again when it changes
        colours.current = rollTheme();
      }),
    [],
  );
  return colours;
}

const HINTS: Record<string, string> = {
  answer: 'Play a phrase, then wait a beat: it answers.',
  accompany: 'Play: it joins you.',
  harmonise: 'Play: every note gets companions.',
  loop: 'Play a few bars: they go round.',
  solo: 'It begins in a moment.',
};

function hint(): string {
  if (!playing.value || !facts.value) return 'Getting ready…';
  if (!facts.value.rolling) return 'Waiting for the clock: press play where it comes from.';
  return HINTS[facts.value.mode] ?? '';
}
