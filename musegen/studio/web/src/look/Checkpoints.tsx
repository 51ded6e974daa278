/** The models: what they are, how well they know music that they have not heard, and their cards. */
import { useState } from 'preact/hooks';
import { choose } from '../jam/choices';
import { checkpointLine } from '../jam/words';
import type { CheckpointCard, CheckpointView } from '../protocol';
import { useAnswer, Waiting } from './Asked';
import { amount } from './figures';
import { Markdown } from './Markdown';

export function Checkpoints() {
  const { answer, error } = useAnswer<CheckpointView[]>('/api/checkpoints');
  const [open, setOpen] = useState('');
  return (
    <section class="panel" aria-label="Checkpoints">
      <h2>Checkpoints</h2>
      <p class="quiet">What plays. Nats a note say how surprising music is that it never heard: less is better.</p>
      {!answer ? (
        <Waiting error={error} />
      ) : (
        <div class="look-table" tabIndex={0} role="region" aria-label="All checkpoints">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Plays</th>
                <th scope="col" class="spare">
                  Kind
                </th>
                <th scope="col" class="figure spare">
                  Weights
                </th>
                <th scope="col" class="figure">
                  Nats a note
                </th>
              </tr>
            </thead>
            <tbody>
              {answer.map((one) => (
                <Row
                  key={one.name}
                  one={one}
                  open={open === one.name}
                  toggle={() => setOpen(open === one.name ? '' : one.name)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open && <Card key={open} name={open} />}
    </section>
  );
}

function Row({ one, open, toggle }: { one: CheckpointView; open: boolean; toggle(): void }) {
  const held = one.figures['test'] ?? one.figures['valid'];
  return (
    <tr>
      <th scope="row">
        <button type="button" class="link" aria-expanded={open} onClick={toggle}>
          {one.name}
        </button>
      </th>
      <td>{one.plays ? checkpointLine(one) : 'Drums, as drummers play what is written'}</td>
      <td class="spare">{one.family}</td>
      <td class="figure spare">{amount(one.parameters)}</td>
      <td class="figure">{held === undefined ? '–' : held.toFixed(3)}</td>
    </tr>
  );
}

function Card({ name }: { name: string }) {
  const { answer, error } = useAnswer<CheckpointCard>(`/api/checkpoints/${encodeURIComponent(name)}`);
  if (!answer) return <Waiting error={error} />;
  const figures = Object.entries(answer.figures);
  return (
    <article class="look-more" aria-label={`About ${name}`}>
      {answer.plays && (
        <p>
          <a href="#jam" onClick={() => choose({ checkpoint: name })}>
            Jam with {name}
          </a>
        </p>
      )}
      {figures.length > 0 && (
        <dl class="facts">
          {figures.map(([what, nats]) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>{nats.toFixed(3)}</dd>
            </div>
          ))}
        </dl>
      )}
      <Markdown text={answer.card} />
    </article>
  );
}
