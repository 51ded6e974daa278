/** Before a jam: one big button that needs nothing, and all that can be chosen. */
import { useState } from 'preact/hooks';
import { sentenceOf } from '../api';
import { choose, chosen, start } from './choices';
import { Music, Time } from './MusicFields';
import { PortFields } from './PortFields';
import { jam } from './store';
import { MODES } from './words';

export function Setup() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const begin = async (): Promise<void> => {
    setBusy(true);
    setError('');
    await start().catch((reason: unknown) => setError(sentenceOf(reason)));
    setBusy(false);
  };
  const wrong = error || jam.value.error;
  return (
    <form
      class="setup"
      aria-label="A new jam"
      onSubmit={(event) => {
        event.preventDefault();
        void begin();
      }}
    >
      <ModeCards />
      <div class="setup-go">
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Starting…' : 'Start'}
        </button>
        <p class="quiet">No keyboard? Play on the keys below, or on your computer's.</p>
      </div>
      {wrong && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
      <Music />
      <details class="more">
        <summary>Time and MIDI ports</summary>
        <Time />
        <PortFields />
      </details>
    </form>
  );
}

function ModeCards() {
  const mode = chosen.value.mode ?? 'answer';
  return (
    <fieldset class="cards">
      <legend>How shall it play along?</legend>
      {Object.entries(MODES).map(([name, { label, line }]) => (
        <label key={name} class="card">
          <input
            type="radio"
            name="mode"
            value={name}
            checked={mode === name}
            onChange={() => choose({ mode: name })}
          />
          <strong>{label}</strong>
          <span>{line}</span>
        </label>
      ))}
    </fieldset>
  );
}
