/** Everything that was played here, to download. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, sentenceOf } from '../api';
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
            <span class="quiet">
              {new Date(time * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}, {size(bytes)}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

async function look(): Promise<void> {
  try {
    found.value = await api<Recording[]>('/api/recordings');
  } catch (error) {
    say(sentenceOf(error), true);
  }
}
