/** What can be asked of it while it plays. */
import { checkpoints } from './choices';
import { LETTERS } from './shortcuts';
import { facts, send } from './store';
import { checkpointLine } from './words';

/** [action, what its button says, what it does] */
export const LABELS: [action: string, label: string, help: string][] = [
  ['enter', 'Come in', 'It comes in on the next bar'],
  ['rest', 'Rest', 'It stops playing and goes on listening'],
  ['keep', 'Keep 8 bars', 'The last 8 bars become a file below'],
  ['undo', 'Undo', 'Its last phrase is taken back'],
  ['retake', 'Same again', 'Its last phrase once more'],
  ['again', 'Another way', 'Its last phrase, otherwise'],
  ['free', 'Free chord', 'It lets go of the chord that your left hand held'],
];
const BY_ACTION = new Map(Object.entries(LETTERS).map(([code, action]) => [action, code.slice(3)]));

export function Actions() {
  const playing = facts.value?.checkpoint ?? '';
  const known = checkpoints.value.filter((checkpoint) => checkpoint.plays);
  return (
    <section class="actions" aria-label="Ask it">
      {LABELS.map(([action, label, help]) => (
        <button
          type="button"
          key={action}
          title={`${help} (Shift+${BY_ACTION.get(action)})`}
          aria-keyshortcuts={`Shift+${BY_ACTION.get(action)}`}
          onClick={() => send({ do: action })}
        >
          {label}
        </button>
      ))}
      <label class="with">
        <span>Plays with</span>
        <select value={playing} onChange={(event) => send({ do: 'checkpoint', argument: event.currentTarget.value })}>
          {!known.some(({ name }) => name === playing) && <option value={playing}>{playing || '…'}</option>}
          {known.map((checkpoint) => (
            <option key={checkpoint.name} value={checkpoint.name} title={checkpointLine(checkpoint)}>
              {checkpoint.name}
            </option>
          ))}
        </select>
      </label>
    </section>
  );
}
