/** Which keys do what, for whoever plays with both hands. */
import { LABELS } from './Actions';
import { LETTERS } from './shortcuts';
import { MODES } from './words';

const PLACES = new Map(Object.entries(LETTERS).map(([code, action]) => [action, `Shift ${code.slice(3)}`]));
const ROWS: [key: string, what: string][] = [
  [
    '1 – 5',
    Object.values(MODES)
      .map(({ label }) => label.toLowerCase())
      .join(', '),
  ],
  ['Esc', 'silence at once'],
  ...LABELS.map(([action, label]): [string, string] => [PLACES.get(action) ?? '', label.toLowerCase()]),
  ['Shift T', 'tap the tempo'],
  ['Shift C', 'the next of its models'],
  ['↑ ↓', 'turn the knob that has the focus; Home, End and Page keys too; Tab goes on to the next'],
  ['A – ;', 'play; W E T Y U O P are the black keys, Z and X an octave lower and higher, C the pedal'],
];

export function Keys() {
  return (
    <details class="more keys-help">
      <summary>Keys of the computer's keyboard</summary>
      <dl>
        {ROWS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
