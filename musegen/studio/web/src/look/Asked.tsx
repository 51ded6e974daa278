/** What was asked of the server, and what the page shows until it is there or where it cannot be had. */
import { useEffect, useState } from 'preact/hooks';
import { api, sentenceOf } from '../api';

/** The answer to `path`; asked again every `every` milliseconds where that is not 0. */
export function useAnswer<T>(
  path: string,
  every: (answer: T) => number = () => 0,
): { answer: T | null; error: string } {
  const [answer, setAnswer] = useState<T | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    const leaving = new AbortController();
    let timer = 0;
    const ask = async (): Promise<void> => {
      try {
        const found = await api<T>(path, { signal: leaving.signal });
        setAnswer(found);
        setError('');
        if (every(found)) timer = window.setTimeout(() => void ask(), every(found));
      } catch (reason) {
        if (!leaving.signal.aborted) setError(sentenceOf(reason));
      }
    };
    void ask();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [path]);
  return { answer, error };
}

/** While there is nothing to show: why. */
export function Waiting({ error }: { error: string }) {
  return error ? (
    <p class="wrong" role="alert">
      {error}
    </p>
  ) : (
    <p class="quiet">Looking…</p>
  );
}
