/** Fields of a form, each with its label. */
import { useId } from 'preact/hooks';

export function Select(props: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  choose(value: string): void;
  note?: string | undefined;
}) {
  const note = useId();
  return (
    <label class="field">
      <span>{props.label}</span>
      <select
        value={props.value}
        aria-describedby={props.note ? note : undefined}
        onChange={(event) => props.choose(event.currentTarget.value)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      {props.note && (
        <small id={note} class="quiet">
          {props.note}
        </small>
      )}
    </label>
  );
}

export function NumberField(props: {
  label: string;
  unit: string;
  value: number | undefined;
  low: number;
  high: number;
  /** What it is where nothing is written. */
  empty: string;
  choose(value: number | undefined): void;
}) {
  return (
    <label class="field">
      <span>
        {props.label} <small class="quiet">{props.unit}</small>
      </span>
      <input
        type="number"
        min={props.low}
        max={props.high}
        step="any"
        placeholder={props.empty}
        value={props.value ?? ''}
        onChange={({ currentTarget: { value } }) =>
          props.choose(value === '' ? undefined : Math.min(props.high, Math.max(props.low, Number(value))))
        }
      />
    </label>
  );
}

export function Switch(props: { label: string; on: boolean; choose(on: boolean): void }) {
  return (
    <label class="field switch">
      <input type="checkbox" checked={props.on} onChange={(event) => props.choose(event.currentTarget.checked)} />
      <span>{props.label}</span>
    </label>
  );
}
