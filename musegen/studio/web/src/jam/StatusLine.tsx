/** Below the roll: what it says, where the notes go, and how punctual they are. */
import { useRef } from 'preact/hooks';
import { useFrames } from './frames';
import { facts, live, type Message, messages, playing } from './store';
import { linked } from './words';

const OFTEN = 500; // milliseconds: nobody can read faster
const FINE = 2.5; // milliseconds late that nobody hears
const BAD = 10;

export function StatusLine() {
  return (
    <section class="status" aria-label="How it goes">
      <Said />
      {playing.value && facts.value && (
        <>
          <span class="status-state">{facts.value.state}</span>
          <Ends />
          <Lateness />
        </>
      )}
    </section>
  );
}

/** The last sentence; the ones before on demand. */
function Said() {
  const last = messages.value.at(-1);
  return (
    <div class="said">
      <p role="status" aria-live="polite" class={last?.error ? 'wrong' : undefined}>
        {last && <Sentence message={last} />}
      </p>
      {messages.value.length > 1 && (
        <details>
          <summary>Before</summary>
          <ol>
            {messages.value
              .slice(0, -1)
              .reverse()
              .map((message) => (
                <li key={message.id} class={message.error ? 'wrong' : undefined}>
                  <Sentence message={message} />
                </li>
              ))}
          </ol>
        </details>
      )}
    </div>
  );
}

/** What it names can be fetched. */
function Sentence({ message }: { message: Message }) {
  const [before, recording, after] = linked(message.text);
  return (
    <>
      {before}
      {recording && (
        <a href={`/api/recordings/${encodeURIComponent(recording)}`} download={recording}>
          {recording}
        </a>
      )}
      {after}
    </>
  );
}

function Ends() {
  const { input, input_up, output, output_up } = facts.value!;
  return (
    <>
      {input && (
        <span>
          <span class={`light ${input_up ? 'good' : 'bad'}`} /> from {input}
          {!input_up && ' (gone)'}
        </span>
      )}
      {output && (
        <span>
          <span class={`light ${output_up ? 'good' : 'bad'}`} /> to {output}
          {!output_up && ' (gone)'}
        </span>
      )}
    </>
  );
}

function Lateness() {
  const text = useRef<HTMLSpanElement>(null);
  const light = useRef<HTMLSpanElement>(null);
  const last = useRef(0);
  useFrames((time) => {
    const late = live.frame?.lateness;
    if (!late || !text.current || !light.current || time - last.current < OFTEN) return;
    last.current = time;
    const dropped = late.dropped ? `, ${late.dropped} notes left out` : '';
    text.current.textContent = `notes at most ${late.p99.toFixed(1)} ms late${dropped}`;
    light.current.className = `light ${late.p99 <= FINE ? 'good' : late.p99 <= BAD ? 'fair' : 'bad'}`;
  });
  return (
    <span title="99 of 100 notes; the worst and those left out besides">
      <span ref={light} class="light good" /> <span ref={text} />
    </span>
  );
}
