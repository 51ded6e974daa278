/** Above the roll of a jam: where it is, how it plays along, and the ways to end it. */
import { useRef, useState } from 'preact/hooks';
import { api, sentenceOf } from '../api';
import { barAt } from './camera';
import { useFrames } from './frames';
import { facts, hello, jam, live, panic, say, send, tickNow } from './store';
import { MODES } from './words';

export function Transport() {
  return (
    <section class="transport" aria-label="Playing">
      <Place />
      <ModeButtons />
      <div class="transport-end">
        <StopButton />
        <button type="button" class="panic" aria-keyshortcuts="Escape" onClick={panic} title="Silence at once (Escape)">
          Panic <kbd>Esc</kbd>
        </button>
      </div>
    </section>
  );
}

function ModeButtons() {
  const modes = hello.value?.modes ?? [];
  return (
    <div class="modes" role="group" aria-label="How it plays along">
      {modes.map((mode, index) => (
        <button
          type="button"
          key={mode}
          aria-pressed={facts.value?.mode === mode}
          title={MODES[mode]?.line}
          aria-keyshortcuts={String(index + 1)}
          onClick={() => send({ do: 'mode', argument: mode })}
        >
          <kbd>{index + 1}</kbd> {MODES[mode]?.label ?? mode}
        </button>
      ))}
    </div>
  );
}

function StopButton() {
  const [ending, setEnding] = useState(false);
  const stop = async (): Promise<void> => {
    setEnding(true);
    try {
      await api('/api/jam', { method: 'DELETE' });
    } catch (error) {
      say(sentenceOf(error), true);
    }
    setEnding(false);
  };
  return (
    <button type="button" onClick={() => void stop()} disabled={ending || jam.value.state === 'ended'}>
      {ending ? 'Saving…' : 'Stop'}
    </button>
  );
}

/** Bar, beat and tempo, as they sound. Written straight into the page: it changes too often for anything else. */
function Place() {
  const bar = useRef<HTMLSpanElement>(null);
  const beats = useRef<HTMLSpanElement>(null);
  const tempo = useRef<HTMLSpanElement>(null);
  useFrames(() => {
    const tick = tickNow();
    const at = barAt(live.bars, tick);
    const beat = at && live.frame?.rolling ? Math.floor((tick - at.tick) / at.beat) : -1;
    write(bar.current, String(at?.number ?? live.frame?.bar ?? '–'));
    write(beats.current, Array.from({ length: at?.beats ?? 4 }, (_, i) => (i === beat ? '●' : '○')).join(' '));
    write(tempo.current, live.frame ? String(Math.round(live.frame.qpm)) : '–');
  });
  const { source = '', rolling = true } = facts.value ?? {};
  return (
    <div class="place">
      <span class="place-bar">
        <small>bar</small> <span ref={bar} />
      </span>
      <span class="place-beats" ref={beats} aria-hidden="true" />
      <button type="button" class="tempo" title="Tap the tempo: three times or more (Shift+T)" onClick={tap}>
        <span aria-hidden="true">♩ = </span>
        <span class="visually-hidden">Tap the tempo, now </span>
        <span ref={tempo} />
        <small>tap</small>
      </button>
      <span class="source">{rolling ? source : `${source}, stopped`}</span>
    </div>
  );
}

function tap(): void {
  send({ do: 'tap' });
}

function write(element: HTMLElement | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}
