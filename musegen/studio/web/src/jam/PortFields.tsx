/** Where the notes go and where yours come from; what is plugged in appears by itself. */
import type { Ports } from '../protocol';
import { choose, chosen } from './choices';
import { Select, Switch } from './fields';
import { ports } from './store';

export function PortFields() {
  const { port = '', input = '', thru = false } = chosen.value;
  const found = ports.value;
  const ready = found?.systems.filter((system) => system.ready) ?? [];
  const own = ready.some((system) => system.virtual) ? 'a port of its own: musegen' : 'only here, on this page';
  return (
    <fieldset class="fields">
      <legend>MIDI ports</legend>
      <Select
        label="Send to"
        value={port}
        options={[
          ['', own],
          ...listed(
            ready.flatMap((system) => system.outputs),
            port,
          ),
        ]}
        choose={(value) => choose({ port: value })}
      />
      <Select
        label="Listen to"
        value={input}
        options={[
          ['', 'every keyboard'],
          ...listed(
            ready.flatMap((system) => system.inputs),
            input,
          ),
        ]}
        choose={(value) => choose({ input: value })}
      />
      <Switch label="Send on what I play" on={thru} choose={(on) => choose({ thru: on || '' })} />
      <p class="quiet wide">{missing(found)}</p>
    </fieldset>
  );
}

/** The names once each, and the one that was chosen even while it is unplugged. */
function listed(names: readonly string[], chosenName: string): [string, string][] {
  const all = new Set(names);
  const rows = [...all].map((name): [string, string] => [name, name]);
  return chosenName && !all.has(chosenName) ? [[chosenName, `${chosenName} (not plugged in)`], ...rows] : rows;
}

function missing(found: Ports | null): string {
  if (!found) return 'Looking for MIDI ports…';
  if (found.systems.some((system) => system.ready)) return '';
  return 'This machine has no MIDI system now; you can play and hear everything on this page.';
}
