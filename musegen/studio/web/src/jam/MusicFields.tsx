/** What can be chosen about the music of the next jam. */
import { useState } from 'preact/hooks';
import { sentenceOf } from '../api';
import { about, checkpoints, choose, chosen, openSeed, seeds } from './choices';
import { NumberField, Select, Switch } from './fields';
import { checkpointLine } from './words';

/** What it plays, and with which model. */
export function Music() {
  const { checkpoint = 'default', knobs = {} } = chosen.value;
  const mode = chosen.value.mode ?? 'answer';
  const keys = about.value?.knobs.find((knob) => knob.name === 'key')?.choices ?? [''];
  const playing = checkpoints.value.filter((found) => found.plays);
  const one = playing.find((found) => found.name === checkpoint);
  return (
    <div class="fields">
      <Seed />
      <Select
        label="Plays with"
        value={checkpoint}
        options={
          playing.length ? playing.map((found): [string, string] => [found.name, found.name]) : [['default', 'default']]
        }
        choose={(value) => choose({ checkpoint: value })}
        note={one && checkpointLine(one)}
      />
      <Select
        label="Key"
        value={String(knobs['key'] ?? '')}
        options={keys.map((key): [string, string] => [key, key === 'auto' ? 'yours, as you play' : key || 'any'])}
        choose={(key) => choose({ knobs: { ...knobs, key } })}
      />
      <NumberField
        label="Tempo"
        unit="♩ a minute"
        value={chosen.value.tempo}
        low={10}
        high={400}
        empty="120"
        choose={(tempo) => choose({ tempo })}
      />
      {mode === 'answer' && (
        <Select
          label="Your phrase"
          value={String(chosen.value.phrase_bars ?? '')}
          options={[
            ['', 'until you pause'],
            ['1', '1 bar'],
            ['2', '2 bars'],
            ['4', '4 bars'],
            ['8', '8 bars'],
          ]}
          choose={(bars) => choose({ phrase_bars: bars && Number(bars) })}
        />
      )}
      {mode === 'loop' && (
        <NumberField
          label="Loop"
          unit="bars"
          value={chosen.value.loop_bars}
          low={1}
          high={64}
          empty="4"
          choose={(loop_bars) => choose({ loop_bars })}
        />
      )}
    </div>
  );
}

/** What it plays on from. */
function Seed() {
  const { seed = '', mode } = chosen.value;
  const [error, setError] = useState('');
  const open = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    setError('');
    if (file) await openSeed(file).catch((reason: unknown) => setError(sentenceOf(reason)));
    input.value = ''; // the same file may be chosen again
  };
  const known = seeds.value.some(({ name }) => name === seed);
  return (
    <div class="seed">
      <Select
        label="Begin with"
        value={known ? seed : ''}
        options={[
          ['', mode === 'solo' ? 'a tune of ours' : 'what you play'],
          ...seeds.value.map(({ name, title }): [string, string] => [name, title]),
        ]}
        choose={(value) => choose({ seed: value })}
      />
      <label class="open">
        or a file of yours
        <input
          class="visually-hidden"
          type="file"
          accept=".mid,.midi,.xml,.musicxml,.mxl,.abc,.krn"
          onChange={(event) => void open(event.currentTarget)}
        />
      </label>
      {error && (
        <p class="wrong small" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

/** Whose time it keeps. */
export function Time() {
  const { clock = 'own', meter = '', count_in, click = false, clock_out = false } = chosen.value;
  return (
    <fieldset class="fields">
      <legend>Time</legend>
      <Select
        label="Whose time"
        value={clock}
        options={[
          ['own', 'its own'],
          ['midi', 'a MIDI clock'],
          ['link', 'Ableton Link'],
        ]}
        choose={(value) => choose({ clock: value === 'own' ? '' : value, ...(value !== 'own' && { clock_out: '' }) })}
      />
      <Select
        label="Metre"
        value={meter}
        options={[
          ['', '4/4'],
          ...['2/4', '3/4', '6/8', '9/8', '12/8', '5/4', '7/8'].map((m): [string, string] => [m, m]),
        ]}
        choose={(value) => choose({ meter: value })}
      />
      <NumberField
        label="Count-in"
        unit="bars"
        value={count_in}
        low={0}
        high={16}
        empty="0"
        choose={(bars) => choose({ count_in: bars })}
      />
      <Switch label="Click all the time" on={click} choose={(on) => choose({ click: on || '' })} />
      {clock === 'own' && (
        <Switch label="Send MIDI clock" on={clock_out} choose={(on) => choose({ clock_out: on || '' })} />
      )}
    </fieldset>
  );
}
