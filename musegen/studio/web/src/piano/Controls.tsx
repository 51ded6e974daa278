/** What stands over the piano: octave, pedal, touch, sound, and keyboards that the browser sees. */
import { nameOf } from './layout';
import { base, pedalled, program, shift, touch } from './player';
import { SOUNDS } from './sounds';
import { ask, keyboards, type WebMidi, webMidi } from './webmidi';

export function Controls() {
  return (
    <div class="piano-controls">
      <span class="piano-octave" role="group" aria-label="Octave">
        <button type="button" aria-label="Octave down (Z)" onClick={() => shift(-1)}>
          −
        </button>
        <output>{nameOf(base.value)}</output>
        <button type="button" aria-label="Octave up (X)" onClick={() => shift(1)}>
          +
        </button>
      </span>
      <button
        type="button"
        aria-pressed={pedalled.value}
        title="Or hold C"
        onClick={() => (pedalled.value = !pedalled.value)}
      >
        Pedal
      </button>
      <label class="piano-touch">
        Touch
        <input
          type="range"
          min="20"
          max="127"
          value={touch.value}
          title="How hard typed keys strike"
          onInput={(event) => (touch.value = Number(event.currentTarget.value))}
        />
      </label>
      <label>
        Your sound
        <select value={program.value} onChange={(event) => (program.value = Number(event.currentTarget.value))}>
          {SOUNDS.map(([number, name]) => (
            <option key={number} value={number}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Keyboards />
    </div>
  );
}

const STATES: Record<WebMidi, string> = {
  absent: 'This browser sees no MIDI keyboards: choose yours as the input.',
  off: '',
  asking: 'The browser asks whether it may.',
  on: 'No keyboard yet: plug one in.',
  refused: 'The browser did not allow MIDI: allow it in its settings for this page.',
};

function Keyboards() {
  const names = keyboards.value.join(', ');
  return (
    <span class="piano-midi">
      {webMidi.value !== 'absent' && webMidi.value !== 'on' && (
        <button type="button" disabled={webMidi.value === 'asking'} onClick={() => void ask()}>
          MIDI keyboard
        </button>
      )}
      <span role="status">{names ? `Hears ${names}.` : STATES[webMidi.value]}</span>
    </span>
  );
}
