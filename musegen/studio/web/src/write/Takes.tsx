/** What came of it: every take with its picture, its sound, and what to do with it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { sentenceOf } from '../api';
import { beginWith } from '../jam/choices';
import { rollTheme, sharp } from '../roll/canvas';
import { DRUMS, rangeOf } from '../roll/geometry';
import { drawRoll, type RollOptions, type RollView } from '../roll/roll';
import type { Job, PieceView } from '../protocol';
import { isDark } from '../theme';
import { compare, heard, rival, tick, toggle } from './audition';
import { barWords, rollBars } from './bars';
import { takeNotes } from './notes';
import { busy, forget, jobs, show, stop, view } from './store';

const SHOWN = 24; // takes of one job on the page; the others are in the zip

const DONE = { continue: 'Continued', infill: 'Filled', vary: 'Varied', humanise: 'Humanised' };

export function Takes() {
  if (!jobs.value.length) return null;
  return (
    <section aria-label="Takes" class="takes">
      {jobs.value.map((job) => (
        <JobTakes key={job.id} job={job} />
      ))}
    </section>
  );
}

function JobTakes({ job }: { job: Job }) {
  const [more, setMore] = useState(false);
  const takes = more ? job.takes : job.takes.slice(0, SHOWN);
  const { from_bar: from, to_bar: to } = job.wanted;
  return (
    <article class="job panel">
      <header>
        <h2>
          {DONE[job.wanted.kind]} {from ? barWords([from, to ?? from]) : ''}
        </h2>
        <p class="quiet small" role="status">
          {standing(job)}
        </p>
        <span class="job-end">
          {job.takes.length > 1 && (
            <a href={`/api/takes/${job.id}/zip`} download>
              All {job.takes.length} as .zip
            </a>
          )}
          {busy(job) ? (
            <button type="button" onClick={() => void stop(job)}>
              Stop
            </button>
          ) : (
            <button type="button" onClick={() => forget(job)}>
              Put away
            </button>
          )}
        </span>
      </header>
      {busy(job) && <progress max={1} value={job.progress} aria-label="How far it is" />}
      {job.error && (
        <p class="wrong" role="alert">
          {job.error}
        </p>
      )}
      <ol>
        {takes.map((take, i) => (
          <Take key={take.file} take={take} from={job.wanted.file} number={i + 1} />
        ))}
      </ol>
      {job.takes.length > takes.length && (
        <button type="button" onClick={() => setMore(true)}>
          Show {job.takes.length - takes.length} more
        </button>
      )}
    </article>
  );
}

function standing({ state, takes, total, wanted }: Job): string {
  if (state === 'queued') return 'waits for its turn';
  if (state === 'running') return `${takes.length} of ${total}`;
  if (state === 'failed' && !takes.length) return '';
  const by = wanted.kind === 'humanise' ? '' : ` by ${wanted.checkpoint ?? 'default'}`;
  return `${takes.length} ${takes.length === 1 ? 'take' : 'takes'}${by}${state === 'stopped' ? ', stopped' : ''}`;
}

function Take({ take, from, number }: { take: Job['takes'][number]; from: string; number: number }) {
  const [piece, setPiece] = useState<PieceView | null>(null);
  const [file, setFile] = useState<PieceView | null>(null);
  const [wrong, setWrong] = useState('');
  useEffect(() => {
    view(take.file).then(setPiece, (reason: unknown) => setWrong(sentenceOf(reason)));
    view(from).then(setFile, () => setFile(null)); // without it everything is drawn as new
  }, [take.file]);
  const plays = heard.value === take.file;
  const named = `take ${number}`;
  return (
    <li class="take" aria-label={named}>
      <span class="take-number quiet">{number}</span>
      {piece ? <SmallRoll piece={piece} file={file} plays={plays} /> : <p class="quiet small">{wrong || 'Coming…'}</p>}
      <span class="take-facts quiet small">
        {take.notes} notes{take.nats !== null && `, ${take.nats.toFixed(2)} nats a note`}
      </span>
      <span class="take-do">
        <button
          type="button"
          disabled={!piece}
          aria-pressed={plays}
          aria-label={`${plays ? 'Stop' : 'Play'} ${named}`}
          onClick={() => piece && toggle(piece)}
        >
          {plays ? 'Stop' : 'Play'}
        </button>
        <button
          type="button"
          disabled={rival.value !== take.file}
          title="From this take to the file and back, at the same place (B)"
          aria-label={`Compare ${named} with the file`}
          onClick={() => void compare()}
        >
          A/B
        </button>
        <button type="button" disabled={!piece} aria-label={`Work on ${named}`} onClick={() => piece && show(piece)}>
          Work on it
        </button>
        <button
          type="button"
          disabled={!piece}
          aria-label={`Jam from ${named}`}
          onClick={() => piece && jamFrom(piece)}
        >
          Jam
        </button>
        <a href={`/api/files/${take.file}/mid`} download aria-label={`Download ${named} as MIDI`}>
          .mid
        </a>
      </span>
    </li>
  );
}

function jamFrom(piece: PieceView): void {
  beginWith(piece);
  location.hash = '#jam';
}

/** All of a take: what was in the file warm, what is new cool. */
function SmallRoll({ piece, file, plays }: { piece: PieceView; file: PieceView | null; plays: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const picture = useRef<{ view: RollView; options: RollOptions } | null>(null);
  const dark = isDark();
  const draw = (playhead?: number): void => {
    if (!canvas.current || !picture.current) return;
    const { ctx, width, height } = sharp(canvas.current);
    if (!width || !height) return; // it is on its way off the page
    const { view, options } = picture.current;
    drawRoll(ctx, { ...view, width, height }, { ...options, ...(playhead !== undefined && { playhead }) });
  };
  useEffect(() => {
    const notes = takeNotes(piece, file);
    const [low, high] = rangeOf(notes, 0, Infinity, 24);
    const drums = notes.some(({ program }) => program === DRUMS);
    const view = { width: 0, height: 0, from: 0, to: Math.max(96, piece.end), low, high, drums };
    picture.current = { view, options: { notes, bars: rollBars(piece), theme: rollTheme() } };
    const watcher = new ResizeObserver(() => draw());
    watcher.observe(canvas.current!);
    return () => watcher.disconnect();
  }, [piece, file, dark]);
  useEffect(() => {
    if (!plays) return draw();
    let handle = requestAnimationFrame(function next() {
      handle = requestAnimationFrame(next);
      draw(tick() ?? undefined);
    });
    return () => cancelAnimationFrame(handle);
  }, [plays]);
  return <canvas ref={canvas} class="take-roll" role="img" aria-label={`${piece.notes.length} notes`} />;
}
