/** The file that is worked on, what was asked for, and the takes: they outlive the tab. */
import { computed, signal } from '@preact/signals';
import { api, ApiError, posted, sentenceOf } from '../api';
import type { Job, PieceView, Surprise, TakesWanted } from '../protocol';
import { kept } from '../sound/settings';
import type { Bars } from './bars';

export const piece = signal<PieceView | null>(null);
export const surprise = signal<Surprise | null>(null);
/** Whether surprise is being worked out. */
export const judging = signal(false);
export const selected = signal<Bars | null>(null);
/** The newest first. */
export const jobs = signal<Job[]>([]);
export const opening = signal(false);
export const error = signal('');
/** Which checkpoint continues, fills and judges. */
export const checkpoint = kept('musegen write checkpoint', 'default');

/** The file that was worked on last. */
const last = kept('musegen write file', '');

const POLL = 500; // milliseconds
const views = new Map<string, Promise<PieceView>>();

export const working = computed(() => jobs.value.some(busy));

export function busy({ state }: Job): boolean {
  return state === 'queued' || state === 'running';
}

/** Do `work`; what goes wrong is said on the page. */
export async function attempt(work: () => Promise<void>): Promise<void> {
  error.value = '';
  try {
    await work();
  } catch (reason) {
    error.value = sentenceOf(reason);
  }
}

/** Work on a file of the person's, or on a shipped seed. */
export function open(from: File | string): Promise<void> {
  return attempt(async () => {
    opening.value = true;
    const path =
      typeof from === 'string' ? `?seed=${encodeURIComponent(from)}` : `?name=${encodeURIComponent(from.name)}`;
    try {
      const body = typeof from === 'string' ? {} : { body: from };
      show(await api<PieceView>(`/api/files${path}`, { method: 'POST', ...body }));
    } finally {
      opening.value = false;
    }
  });
}

/** Work on `found` from now on. */
export function show(found: PieceView): void {
  views.set(found.id, Promise.resolve(found));
  piece.value = found;
  last.value = found.id;
  surprise.value = null;
  selected.value = null;
  void attempt(judge);
}

/** Ask how surprising every note is to the checkpoint. */
export async function judge(): Promise<void> {
  const [asked, by] = [piece.value, checkpoint.value];
  if (!asked) return;
  judging.value = true;
  try {
    const found = await api<Surprise>(`/api/files/${asked.id}/surprise?checkpoint=${encodeURIComponent(by)}`);
    if (piece.value?.id === asked.id && checkpoint.value === by) surprise.value = found;
  } finally {
    if (piece.value?.id === asked.id) judging.value = false;
  }
}

/** A take's file, fetched once. */
export function view(id: string): Promise<PieceView> {
  const found = views.get(id) ?? api<PieceView>(`/api/files/${id}`);
  views.set(id, found);
  found.catch(() => views.delete(id));
  return found;
}

/** Have takes made of the file. */
export function order(wanted: Omit<TakesWanted, 'file'>): Promise<void> {
  return attempt(async () => {
    if (!piece.value) return;
    jobs.value = [await api<Job>('/api/takes', posted({ ...wanted, file: piece.value.id })), ...jobs.value];
    watch();
  });
}

export function stop(job: Job): Promise<void> {
  return attempt(async () => replace(await api<Job>(`/api/takes/${job.id}`, { method: 'DELETE' })));
}

/** Take a job off the page; its files stay with the server until the studio ends. */
export function forget(job: Job): void {
  jobs.value = jobs.value.filter(({ id }) => id !== job.id);
}

let watching = 0;

/** Ask how the jobs are, until all are done. */
export function watch(): void {
  if (watching || !working.value) return;
  watching = window.setTimeout(async () => {
    await Promise.all(jobs.value.filter(busy).map(ask));
    watching = 0;
    watch();
  }, POLL);
}

/** A job that the server knows no more (it was started anew) is over; while it does not answer, we go on asking. */
async function ask(job: Job): Promise<void> {
  try {
    replace(await api<Job>(`/api/takes/${job.id}`));
  } catch (reason) {
    error.value = sentenceOf(reason);
    if (reason instanceof ApiError && reason.status === 404) forget(job);
  }
}

/** Find the file and the takes again that were there before the page was loaded anew. */
export async function recall(): Promise<void> {
  if (piece.value || !last.value) return;
  try {
    const found = await view(last.value);
    if (piece.value) return;
    show(found);
    jobs.value = await api<Job[]>('/api/takes');
    watch();
  } catch (reason) {
    if (reason instanceof ApiError && reason.status) last.value = ''; // a new studio, which has no such file
  }
}

function replace(job: Job): void {
  jobs.value = jobs.value.map((known) => (known.id === job.id ? job : known));
}
