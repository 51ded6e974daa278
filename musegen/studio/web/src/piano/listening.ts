/** The computer's keyboard and the window's coming and going, as long as the piano is on the page. */
import { effect, untracked } from '@preact/signals';
import { panics } from '../jam/store';
import { sound } from '../sound/synth';
import { base, hands, pedalled, release, shift, touch } from './player';
import { isMusic, OCTAVE_DOWN, OCTAVE_UP, PEDAL, SEMITONES } from './typing';

/** Begin to listen. Returns how to stop. */
export function listen(): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  window.addEventListener('keydown', down, { signal });
  window.addEventListener('keyup', up, { signal });
  window.addEventListener('blur', release, { signal });
  document.addEventListener('visibilitychange', () => document.hidden && release(), { signal });
  let known = panics.peek();
  const calm = effect(() => {
    if (panics.value > known) untracked(silence);
    known = panics.value;
  });
  return () => {
    calm();
    stop.abort();
    release();
  };
}

function down(event: KeyboardEvent): void {
  if (event.code === 'Escape') return silence();
  if (!isMusic(event)) return;
  const above = SEMITONES[event.code];
  if (above !== undefined) {
    event.preventDefault(); // Firefox searches the page on '
    if (!event.repeat) hands.press(event.code, base.value + above, touch.value);
  } else if (event.repeat) return;
  else if (event.code === OCTAVE_DOWN) shift(-1);
  else if (event.code === OCTAVE_UP) shift(1);
  else if (event.code === PEDAL) pedalled.value = true;
}

/** Not asked whether it is music: a key that went down before a shortcut or a field must go up as well. */
function up(event: KeyboardEvent): void {
  hands.lift(event.code);
  if (event.code === PEDAL) pedalled.value = false;
}

function silence(): void {
  release();
  sound.silence();
}
