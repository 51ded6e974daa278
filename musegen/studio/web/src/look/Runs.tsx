/** Training runs: how far each is, and its curves, which grow while it trains. */
import { useEffect, useState } from 'preact/hooks';
import { api, sentenceOf } from '../api';
import type { RunLog, RunView } from '../protocol';
import { useAnswer, Waiting } from './Asked';
import { Chart } from './Chart';
import { curveOf, firstSeries, minutes, seriesOf } from './figures';

const AGAIN = 4000; // milliseconds: a step of training takes about a second

export function Runs() {
  const { answer, error } = useAnswer<RunView[]>('/api/runs', (runs) => (runs.some(trains) ? AGAIN : 4 * AGAIN));
  const [chosen, setChosen] = useState('');
  const open = chosen || answer?.[0]?.name;
  const one = answer?.find(({ name }) => name === open);
  return (
    <section class="panel" aria-label="Training">
      <h2>Training</h2>
      {!answer ? (
        <Waiting error={error} />
      ) : answer.length === 0 ? (
        <p class="quiet">
          No runs here yet. <code>musegen train FOLDER --out runs/NAME</code> makes one.
        </p>
      ) : (
        <>
          <div class="look-table" tabIndex={0} role="region" aria-label="All runs">
            <table>
              <thead>
                <tr>
                  <th scope="col">Run</th>
                  <th scope="col">State</th>
                  <th scope="col" class="figure">
                    Steps
                  </th>
                  <th scope="col" class="figure spare">
                    Time
                  </th>
                  <th scope="col" class="figure">
                    Latest figure
                  </th>
                </tr>
              </thead>
              <tbody>
                {answer.map((run) => (
                  <tr key={run.name}>
                    <th scope="row">
                      <button
                        type="button"
                        class="link"
                        aria-pressed={run.name === open}
                        onClick={() => setChosen(run.name)}
                      >
                        {run.name}
                      </button>
                    </th>
                    <td>
                      <span class={`state ${run.state}`}>{run.state}</span>
                    </td>
                    <td class="figure">{run.steps.toLocaleString('en')}</td>
                    <td class="figure spare">{minutes(run.minutes)}</td>
                    <td class="figure">{run.last === null ? '–' : run.last.toFixed(3)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {one && <Curves key={one.name} run={one} />}
        </>
      )}
    </section>
  );
}

function trains({ state }: RunView): boolean {
  return state === 'training';
}

function Curves({ run }: { run: RunView }) {
  const { points, error } = useLog(run.name, trains(run));
  const [chosen, setChosen] = useState<string[] | null>(null);
  const names = seriesOf(points);
  const drawn = chosen ?? firstSeries(names);
  if (error) return <Waiting error={error} />;
  if (!names.length) return <p class="quiet">Nothing to draw yet.</p>;
  const toggle = (name: string): void =>
    setChosen(drawn.includes(name) ? drawn.filter((other) => other !== name) : [...drawn, name]);
  return (
    <figure class="curves">
      <figcaption class="quiet">
        {run.name}, step by step{trains(run) ? ', live' : ''}
      </figcaption>
      <Chart curves={drawn.map((name) => ({ name, curve: curveOf(points, name) }))} what={`Curves of ${run.name}`} />
      <div class="series" role="group" aria-label="What is drawn">
        {names.map((name) => (
          <button key={name} type="button" aria-pressed={drawn.includes(name)} onClick={() => toggle(name)}>
            <span class={`swatch tone-${drawn.indexOf(name) % 6}`} aria-hidden="true" />
            {name}
          </button>
        ))}
      </div>
    </figure>
  );
}

/** A run's points, and what is new of them every few seconds while it trains. */
function useLog(name: string, live: boolean): { points: RunLog['points']; error: string } {
  const [points, setPoints] = useState<RunLog['points']>([]);
  const [error, setError] = useState('');
  const [next, setNext] = useState(0);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    let timer = 0;
    const ask = async (): Promise<void> => {
      try {
        const found = await api<RunLog>(`/api/runs/${encodeURIComponent(name)}?after=${next}`, {
          signal: leaving.signal,
        });
        if (found.points.length) setPoints(found.next < next ? found.points : [...points, ...found.points]);
        setNext(found.next);
        setError('');
        const more = found.next > next; // a long log comes in pieces
        if (more || live) timer = window.setTimeout(() => setTurn(turn + 1), more ? 0 : AGAIN);
      } catch (reason) {
        if (!leaving.signal.aborted) setError(sentenceOf(reason));
      }
    };
    void ask();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [name, live, turn]);
  return { points, error };
}
