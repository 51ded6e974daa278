/** Asking the studio's server: JSON in and out, and its sentence where something is wrong. */

/** What the server (or the way to it) says is wrong, in one sentence. */
export class ApiError extends Error {
  /** `status` is 0 where there was no answer at all. */
  constructor(
    sentence: string,
    readonly status: number,
  ) {
    super(sentence);
    this.name = 'ApiError';
  }
}

/** Ask for `path`, such as "/api/seeds". Throws ApiError, and AbortError if `init.signal` says so. */
export async function api<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    throw new ApiError('The studio does not answer. Is musegen studio still running?', 0);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(sentence(answer) ?? `The studio answered ${response.status}.`, response.status);
  return answer as T;
}

/** How to post `body` as JSON. */
export function posted(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** What to tell the person about `error`, whatever it is. */
export function sentenceOf(error: unknown): string {
  return error instanceof ApiError ? error.message : `Something is wrong with this page: ${String(error)}`;
}

function sentence(answer: unknown): string | null {
  const found = answer !== null && typeof answer === 'object' && 'error' in answer ? answer.error : null;
  return typeof found === 'string' && found ? found : null;
}
