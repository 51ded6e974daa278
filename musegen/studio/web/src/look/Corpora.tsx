/** What models learn from: how much of what, and how its notes are spread. */
import { useState } from 'preact/hooks';
import type { CorpusView } from '../protocol';
import { useAnswer, Waiting } from './Asked';
import { amount } from './figures';
import { Histogram } from './Histogram';

export function Corpora() {
  const { answer, error } = useAnswer<CorpusView[]>('/api/corpora');
  const [open, setOpen] = useState('');
  return (
    <section class="panel" aria-label="Corpora">
      <h2>Corpora</h2>
      {!answer ? (
        <Waiting error={error} />
      ) : answer.length === 0 ? (
        <p class="quiet">
          No corpora here yet. <code>musegen corpus build FOLDER --out corpora/NAME</code> makes one.
        </p>
      ) : (
        <ul class="look-list">
          {answer.map((corpus) => (
            <li key={corpus.name}>
              <button
                type="button"
                class="link"
                aria-expanded={open === corpus.name}
                onClick={() => setOpen(open === corpus.name ? '' : corpus.name)}
              >
                {corpus.name}
              </button>
              <span class="quiet">
                {amount(corpus.pieces)} pieces, {amount(corpus.notes)} notes
              </span>
            </li>
          ))}
        </ul>
      )}
      {open && <One key={open} name={open} />}
    </section>
  );
}

function One({ name }: { name: string }) {
  const { answer, error } = useAnswer<CorpusView>(`/api/corpora/${encodeURIComponent(name)}`);
  if (!answer) return <Waiting error={error} />;
  const facts = { ...answer.splits, ...answer.styles };
  return (
    <article class="look-more" aria-label={`About ${name}`}>
      <dl class="facts">
        {Object.entries(facts).map(([what, pieces]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{pieces.toLocaleString('en')}</dd>
          </div>
        ))}
        <div>
          <dt>fingerprint</dt>
          <dd>{answer.fingerprint}</dd>
        </div>
      </dl>
      <div class="histograms">
        {Object.entries(answer.histograms).map(([title, { edges, counts }]) => (
          <Histogram key={title} title={title} labels={edges.map(String)} counts={counts} />
        ))}
      </div>
    </article>
  );
}
