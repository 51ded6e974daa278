/** All knobs that do something in this mode, as dials, and the key as a list. */
import type { KnobSpec, KnobState } from '../protocol';
import { Dial } from './Dial';
import { facts, hello, knobs, send } from './store';

/** Knobs that only one mode has a use for. */
const ONLY: Record<string, string> = { vary: 'loop', companions: 'harmonise' };

export function Knobs() {
  const states = new Map(knobs.value.map((state) => [state.name, state]));
  const mode = facts.value?.mode;
  const specs = (hello.value?.knobs ?? []).filter(({ name }) => !ONLY[name] || ONLY[name] === mode);
  return (
    <section class="knobs" aria-label="Knobs">
      {specs.map((spec) => (
        <div key={spec.name} class="knob">
          {spec.choices.length ? (
            <Choice spec={spec} state={states.get(spec.name)} />
          ) : (
            <Dial spec={spec} state={states.get(spec.name)} turn={(value) => send({ knob: spec.name, value })} />
          )}
          {facts.value?.input && <Learn name={spec.name} cc={states.get(spec.name)?.cc ?? null} />}
        </div>
      ))}
    </section>
  );
}

function Choice({ spec, state }: { spec: KnobSpec; state: KnobState | undefined }) {
  const value = String(state?.value ?? spec.default);
  const choices = spec.choices.includes(value) ? spec.choices : [value, ...spec.choices];
  return (
    <label class="choice" title={spec.help}>
      <select value={value} onChange={(event) => send({ knob: spec.name, value: event.currentTarget.value })}>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice || 'any'}
          </option>
        ))}
      </select>
      <span class="dial-name">{spec.name}</span>
    </label>
  );
}

/** Binds the next controller that moves. */
function Learn({ name, cc }: { name: string; cc: number | null }) {
  const learning = facts.value?.learning === name;
  const now = cc === null ? 'none yet' : `now ${cc}`;
  return (
    <button
      type="button"
      class={`learn ${learning ? 'on' : ''}`}
      aria-pressed={learning}
      aria-label={`Choose a controller for ${name} (${now})`}
      title={`Press, then move the controller that is to turn ${name}`}
      onClick={() => send({ do: 'learn', argument: name })}
    >
      {learning ? 'move it…' : cc === null ? 'cc –' : `cc ${cc}`}
    </button>
  );
}
