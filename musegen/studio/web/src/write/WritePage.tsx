/** A file in: its roll and its surprises; takes out: played, compared, kept. */
import { useEffect, useState } from 'preact/hooks';
import { look, seeds } from '../jam/choices';
import { takesText } from '../jam/shortcuts';
import { isDark } from '../theme';
import { Actions } from './Actions';
import { compare, heard, sounding, stopAll, tick, toggle } from './audition';
import { PieceRoll } from './PieceRoll';
import { error, judging, open, opening, piece, recall, selected, surprise } from './store';
import { colours, odds, STEPS } from './surprise';
import { Takes } from './Takes';
import './write.css';

const KINDS = '.mid,.midi,.xml,.musicxml,.mxl,.abc,.krn';

export function WritePage() {
  useEffect(() => {
    void look();
    void recall();
    return stopAll;
  }, []);
  useCompareKey();
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) void open(file);
  };
  const file = piece.value;
  // The roll shows what sounds, so that comparing is seen as well as heard.
  const shown = heard.value && heard.value !== file?.id ? sounding.value! : undefined;
  return (
    <div
      class={over ? 'write over' : 'write'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Opening />
      {error.value && (
        <p class="wrong" role="alert">
          {error.value}
        </p>
      )}
      {file && (
        <>
          <section aria-label="The file" class="write-file">
            <FileHead />
            <PieceRoll
              piece={shown ?? file}
              nats={shown ? undefined : surprise.value?.nats}
              madeOf={shown && file}
              selected={selected.value}
              select={(bars) => shown ?? (selected.value = bars)}
              tick={tick}
              play={(from) => toggle(shown ?? file, from)}
            />
          </section>
          <Actions />
        </>
      )}
      <Takes />
    </div>
  );
}

function Opening() {
  const some = piece.value !== null;
  return (
    <section aria-label="Choose a file" class={some ? 'opening small' : 'opening'}>
      {!some && <h2>Drop a MIDI or notation file here</h2>}
      <div class="opening-do">
        <label class="button">
          {opening.value ? 'Reading…' : some ? 'Another file' : 'Choose a file'}
          <input
            class="visually-hidden"
            type="file"
            accept={KINDS}
            onChange={(event) => {
              const found = event.currentTarget.files?.[0];
              if (found) void open(found);
              event.currentTarget.value = '';
            }}
          />
        </label>
        <label>
          <span class={some ? 'visually-hidden' : 'quiet'}>or begin with </span>
          <select
            value=""
            onChange={(event) => {
              if (event.currentTarget.value) void open(event.currentTarget.value);
              event.currentTarget.value = '';
            }}
          >
            <option value="">{some ? 'a tune of ours' : 'a tune of ours…'}</option>
            {seeds.value.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <p class="quiet small">Nothing leaves this machine.</p>
      </div>
    </section>
  );
}

function FileHead() {
  const file = piece.value!;
  const plays = heard.value === file.id;
  const bars = Math.max(1, file.bars.length - 1);
  return (
    <header class="write-head">
      <button type="button" class="primary" aria-pressed={plays} onClick={() => toggle(file, selectedStart())}>
        {plays ? 'Stop' : 'Play'}
      </button>
      <h2>{file.title || file.name}</h2>
      <a class="small" href={`/api/files/${file.id}/mid`} download>
        .mid
      </a>
      <p class="quiet small">
        {file.notes.length} notes, {bars} bars, {Math.round(file.seconds)} s{file.key && `, ${file.key}`}
      </p>
      <Legend />
    </header>
  );
}

function selectedStart(): number {
  return selected.value ? (piece.value?.bars[selected.value[0] - 1] ?? 0) : 0;
}

/** What the colours mean. */
function Legend() {
  const found = surprise.value;
  if (heard.value && heard.value !== piece.value?.id) return <TakeLegend />;
  if (!found) return <p class="legend quiet small">{judging.value ? 'Listening how surprising it is…' : ''}</p>;
  const palette = colours(isDark());
  return (
    <p class="legend quiet small">
      <span>expected</span>
      {palette.map((colour, i) => (
        <span
          key={colour}
          class="swatch"
          style={{ background: colour }}
          title={i ? `from ${odds(STEPS[i - 1]!)}` : `up to ${odds(STEPS[0])}`}
        />
      ))}
      <span>surprising</span>
      <span>
        {found.mean.toFixed(2)} nats a note to {found.checkpoint}
      </span>
    </p>
  );
}

/** What the colours mean while a take sounds. */
function TakeLegend() {
  return (
    <p class="legend quiet small">
      <span class="swatch was" aria-hidden="true" /> from the file
      <span class="swatch is-new" aria-hidden="true" /> new in this take
    </p>
  );
}

/** B goes from the file to the take that was heard last, and back. */
function useCompareKey(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const other = event.ctrlKey || event.metaKey || event.altKey || takesText(event.target);
      if (event.key.toLowerCase() === 'b' && !other) void compare();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}
