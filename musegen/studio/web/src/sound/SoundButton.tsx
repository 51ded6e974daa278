/** Whether the page sounds, and how loud. Any first gesture on the page begins the sound; this says how it stands. */
import { useEffect } from 'preact/hooks';
import { followJam } from './jam';
import './sound.css';
import { sound } from './synth';

export function SoundButton() {
  useEffect(begin, []);
  useEffect(followJam, []);
  const { ready, progress, error, muted, volume } = sound;
  return (
    <div class="sound" role="group" aria-label="Sound of this page">
      <button type="button" aria-pressed={ready.value && !muted.value} title={error.value || undefined} onClick={press}>
        {label(ready.value, muted.value, progress.value, error.value)}
      </button>
      <input
        type="range"
        aria-label="Volume"
        min="0"
        max="1"
        step="0.05"
        value={volume.value}
        onInput={(event) => (volume.value = Number(event.currentTarget.value))}
      />
      {error.value && <span role="alert">{error.value}</span>}
    </div>
  );
}

function label(ready: boolean, muted: boolean, progress: number, error: string): string {
  if (error) return 'No sound: try again';
  if (muted) return 'Sound off';
  if (ready) return 'Sound on';
  return progress > 0 && progress < 1 ? `Sound: ${Math.round(100 * progress)} %` : 'Sound: press any key';
}

function press(): void {
  if (sound.ready.value) sound.muted.value = !sound.muted.value;
  else sound.muted.value = false;
  if (!sound.muted.value) void sound.start();
}

function begin(): () => void {
  const gesture = ({ target }: Event): void => {
    const own = target instanceof Element && target.closest('.sound button'); // its click decides, and comes later
    if (!own && !sound.muted.value && !sound.error.value) void sound.start();
  };
  sound.prepare().catch(() => undefined); // the gesture tries again, and says why not
  const kinds = ['pointerdown', 'keydown'] as const;
  for (const kind of kinds) window.addEventListener(kind, gesture, true);
  return () => kinds.forEach((kind) => window.removeEventListener(kind, gesture, true));
}
