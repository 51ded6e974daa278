/** What can be asked for of the file. */
import { signal } from '@preact/signals';
import { about, checkpoints } from '../jam/choices';
import { NumberField, Select, Switch } from '../jam/fields';
import { checkpointLine } from '../jam/words';
import type { TakesWanted } from '../protocol';
import { barWords } from './bars';
import { attempt, checkpoint, judge, order, piece, selected, surprise } from './store';

const KINDS = {
  continue: ['Continue', 'Plays on from its end.'],
  infill: ['Fill', 'Writes the chosen bars anew, from what stands on both sides.'],
  vary: ['Vary', 'Keeps the rhythm and changes notes, in half of the bars or in those that you choose.'],
  humanise: ['Humanise', 'Plays its written drums as drummers do.'],
} as const;
type Kind = keyof typeof KINDS;

const kind = signal<Kind>('continue');
const many = signal(4);
const length = signal(8);
const wildness = signal<number | undefined>(undefined);
const key = signal('');
const part = signal('');
const beginning = signal(true);
const keeping = signal<'rhythm' | 'pitch' | ''>('');
const amount = signal<number | undefined>(undefined);
const feel = signal('');

export function Actions() {
  const chosen = kind.value;
  const bars = selected.value;
  const missing = chosen === 'infill' && !bars ? 'Choose bars on the roll first: drag over them.' : lacking(chosen);
  return (
    <form
      class="write-actions panel"
      aria-label="What to make of it"
      onSubmit={(event) => {
        event.preventDefault();
        if (!missing) void order(wanted(chosen));
      }}
    >
      <fieldset class="modes">
        <legend class="visually-hidden">What to make of it</legend>
        {(Object.keys(KINDS) as Kind[]).map((name) => (
          <button key={name} type="button" aria-pressed={chosen === name} onClick={() => (kind.value = name)}>
            {KINDS[name][0]}
          </button>
        ))}
      </fieldset>
      <p class="quiet write-line">{KINDS[chosen][1]}</p>
      <div class="fields">
        <Fields chosen={chosen} />
      </div>
      <div class="write-go">
        <button type="submit" class="primary" disabled={!!missing}>
          {label(chosen)}
        </button>
        {missing && <p class="quiet small">{missing}</p>}
      </div>
    </form>
  );
}

function Fields({ chosen }: { chosen: Kind }) {
  const parts = piece.value?.parts ?? [];
  const plays = checkpoints.value.filter((found) => found.plays && found.likelihood);
  const one = plays.find(({ name }) => name === checkpoint.value);
  const known = about.value?.knobs.find((knob) => knob.name === 'key')?.choices ?? [''];
  const keys = known.filter((name) => name !== 'auto').map((name): [string, string] => [name, name || 'any']);
  return (
    <>
      <NumberField
        label="Takes"
        unit={`up to ${most(chosen)}`}
        value={many.value}
        low={1}
        high={most(chosen)}
        empty="4"
        choose={(n) => (many.value = Math.round(n ?? 4))}
      />
      {chosen === 'continue' && (
        <NumberField
          label="Length"
          unit="bars"
          value={length.value}
          low={1}
          high={64}
          empty="8"
          choose={(n) => (length.value = Math.round(n ?? 8))}
        />
      )}
      {chosen !== 'humanise' && (
        <>
          <Select
            label="Model"
            value={checkpoint.value}
            options={plays.map(({ name }): [string, string] => [name, name])}
            note={one && checkpointLine(one)}
            choose={(name) => {
              checkpoint.value = name;
              surprise.value = null;
              void attempt(judge);
            }}
          />
          <NumberField
            label="Temperature"
            unit="lower is safer"
            value={wildness.value}
            low={0.1}
            high={2}
            empty="usual"
            choose={(value) => (wildness.value = value)}
          />
          <Select label="Key" value={key.value} options={keys} choose={(name) => (key.value = name)} />
        </>
      )}
      {(chosen === 'infill' || chosen === 'vary') && parts.length > 1 && (
        <Select
          label="Part"
          value={part.value}
          options={[
            ['', 'all'],
            ...parts.map(({ part: n, name }): [string, string] => [String(n), name || `part ${n}`]),
          ]}
          choose={(name) => (part.value = name)}
        />
      )}
      {(chosen === 'infill' || chosen === 'vary') && (
        <Select
          label="Keep"
          value={chosen === 'vary' ? keeping.value || 'rhythm' : keeping.value}
          options={KEEPS.filter(([name]) => name || chosen === 'infill')}
          choose={(name) => (keeping.value = name as typeof keeping.value)}
        />
      )}
      {(chosen === 'vary' || chosen === 'humanise') && (
        <NumberField
          label="How much"
          unit="0 to 1"
          value={amount.value}
          low={0}
          high={1}
          empty={chosen === 'vary' ? '0.5' : '1'}
          choose={(value) => (amount.value = value)}
        />
      )}
      {chosen === 'humanise' && (
        <Select
          label="Feel"
          value={feel.value}
          options={[['', 'nobody in particular'], ...feels().map((name): [string, string] => [name, name])]}
          choose={(name) => (feel.value = name)}
        />
      )}
      {chosen === 'continue' && (
        <Switch label="With the beginning" on={beginning.value} choose={(on) => (beginning.value = on)} />
      )}
    </>
  );
}

const KEEPS = [
  ['', 'nothing'],
  ['rhythm', 'the rhythm'],
  ['pitch', 'the notes'],
] as const;

function feels(): readonly string[] {
  return checkpoints.value.find(({ family }) => family === 'humaniser')?.styles ?? [];
}

/** Why it cannot be asked for; empty: it can. */
function lacking(chosen: Kind): string {
  const drums = piece.value?.notes.some(([, , , , program]) => program === 128);
  return chosen === 'humanise' && !drums ? 'This file has no drums.' : '';
}

function most(chosen: Kind): number {
  return chosen === 'continue' ? 1000 : 64;
}

function label(chosen: Kind): string {
  const bars = selected.value;
  if (bars && (chosen === 'infill' || chosen === 'vary')) return `${KINDS[chosen][0]} ${barWords(bars)}`;
  return chosen === 'continue' ? `Continue for ${length.value} bars` : KINDS[chosen][0];
}

function wanted(chosen: Kind): Omit<TakesWanted, 'file'> {
  const bars = chosen === 'infill' || chosen === 'vary' ? selected.value : null;
  const model = chosen !== 'humanise';
  const keep = chosen === 'infill' || chosen === 'vary' ? keeping.value : '';
  return {
    kind: chosen,
    n: Math.min(many.value, most(chosen)),
    seed_number: Math.floor(Math.random() * 2 ** 31), // asked again, it plays something else
    ...(chosen === 'continue' && { bars: length.value, with_seed: beginning.value }),
    ...(bars && { from_bar: bars[0], to_bar: bars[1] }),
    ...(model && { checkpoint: checkpoint.value }),
    ...(model && wildness.value !== undefined && { temperature: wildness.value }),
    ...(model && key.value && { key: key.value }),
    ...(keep && { keep }),
    ...((chosen === 'vary' || chosen === 'humanise') && amount.value !== undefined && { amount: amount.value }),
    ...(chosen === 'humanise' && feel.value && { feel: feel.value }),
    ...((chosen === 'infill' || chosen === 'vary') && part.value && { part: Number(part.value) }),
  };
}
