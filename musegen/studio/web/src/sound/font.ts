/** Fetches the SoundFont from the server, saying how far it is. Knows nothing of audio. */

const PLACE = '/sound/font.sf2';

/** `progress` is told 0 … 1. Throws an Error with a sentence for the person. */
export async function fetchFont(progress: (part: number) => void): Promise<ArrayBuffer> {
  const answer = await fetch(PLACE);
  if (!answer.ok || !answer.body) throw new Error(await reason(answer));
  const total = Number(answer.headers.get('content-length')) || 0;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
    if (total) progress(Math.min(size / total, 1));
  }
  progress(1);
  return new Blob(chunks).arrayBuffer();
}

async function reason(answer: Response): Promise<string> {
  const said: unknown = await answer.json().catch(() => null);
  if (said && typeof said === 'object' && 'error' in said) return String(said.error);
  return `The server gave no SoundFont (${answer.status}).`;
}
