/** Everything that was played here, to download. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, ApiError, sentenceOf } from '../api';
import { open } from '../write/store';
import { recordings as news, say } from './store';
import { plain, size } from './words';

interface Recording {
  name: string;
  bytes: number;
  /** Seconds since 1970. */
  time: number;
}

const found = signal<Recording[]>([]);
const SHOWN = 40;

export function Recordings() {
  useEffect(() => void look(), [news.value]);
  if (found.value.length === 0) return null;
  return (
    <details class="recordings more" onToggle={() => void look()}>
      <summary>Recordings ({found.value.length})</summary>
      <ul>
        {found.value.slice(0, SHOWN).map(({ name, bytes, time }) => (
          <li key={name}>
            <a href={`/api/recordings/${encodeURIComponent(name)}`} download={name}>
              {plain(name)}
            </a>
            {name.endsWith('.mid') && (
              <button type="button" class="small" onClick={() => void write(name)}>
                Open in Write
              </button>
            )}
            <span class="quiet">
              {new Date(time * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}, {size(bytes)}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Go on with a recording on the Write page. */
async function write(name: string): Promise<void> {
  try {
    const answer = await fetch(`/api/recordings/${encodeURIComponent(name)}`);
    if (!answer.ok) throw new ApiError('That recording is not there any more.', answer.status);
    location.hash = 'write';
    await open(new File([await answer.blob()], name));
  } catch (error) {
    say(sentenceOf(error), true);
  }
}

async function look(): Promise<void> {
  try {
    found.value = await api<Recording[]>('/api/recordings');
  } catch (error) {
    say(sentenceOf(error), true);
  }
}
