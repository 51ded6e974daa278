/** What a person chose for the next jam, kept in the browser, and what there is to choose from. */
import { computed, signal } from '@preact/signals';
import { api, posted, sentenceOf } from '../api';
import type { CheckpointView, Hello, JamSettings, PieceView, SeedView } from '../protocol';
import { kept } from '../sound/settings';
import { say } from './store';

export const checkpoints = signal<CheckpointView[]>([]);
const shipped = signal<SeedView[]>([]);
const opened = signal<SeedView[]>([]);
/** What a jam can begin with: the files that were opened, and what musegen ships with. */
export const seeds = computed<SeedView[]>(() => [...opened.value, ...shipped.value]);
/** The knobs and modes, also while no jam plays. */
export const about = signal<Pick<Hello, 'knobs' | 'modes' | 'version'> | null>(null);

const text = kept('musegen jam', '{}');

/** As the form has them; what is not set is as the jam has it. */
export const chosen = computed<JamSettings>(() => parsed(text.value));

/** Choose; undefined or '' takes a choice back. */
export function choose(more: Partial<Record<keyof JamSettings, unknown>>): void {
  const all = Object.entries({ ...chosen.value, ...more }).filter(([, value]) => value !== undefined && value !== '');
  text.value = JSON.stringify(Object.fromEntries(all));
}

/** Begin a jam as chosen; without a word about the mode it answers. */
export async function start(): Promise<void> {
  await api('/api/jam', posted(asked(chosen.value, seeds.value)));
}

/** What is sent: a mode that plays on from something gets something, and what the mode has no use for is left out. */
export function asked(settings: JamSettings, known: readonly SeedView[]): JamSettings {
  const { phrase_bars, loop_bars, ...wanted } = { mode: 'answer', ...settings };
  if (!known.some(({ name }) => name === wanted.seed)) delete wanted.seed; // a file of another day
  if (wanted.mode === 'solo' && !wanted.seed && known[0]) wanted.seed = known[0].name;
  if (wanted.mode === 'answer' && phrase_bars) return { ...wanted, phrase_bars };
  return wanted.mode === 'loop' && loop_bars ? { ...wanted, loop_bars } : wanted;
}

/** Look what there is; again whenever the page comes back. */
export async function look(): Promise<void> {
  try {
    const [models, ours, hello] = await Promise.all([
      api<CheckpointView[]>('/api/checkpoints'),
      api<SeedView[]>('/api/seeds'),
      api<Hello>('/api/about'),
    ]);
    checkpoints.value = models;
    shipped.value = ours;
    about.value = hello;
  } catch (error) {
    say(sentenceOf(error), true);
  }
}

/** Begin the next jam with a file. Throws ApiError. */
export async function openSeed(file: File): Promise<void> {
  beginWith(await api<PieceView>(`/api/files?name=${encodeURIComponent(file.name)}`, { method: 'POST', body: file }));
}

/** Begin the next jam with a piece that the server has. */
export function beginWith({ id, name, title }: Pick<PieceView, 'id' | 'name' | 'title'>): void {
  opened.value = [{ name: id, title: title || name }, ...opened.value.filter((seed) => seed.name !== id)];
  choose({ seed: id });
}

function parsed(json: string): JamSettings {
  try {
    const found: unknown = JSON.parse(json);
    return found !== null && typeof found === 'object' && !Array.isArray(found) ? (found as JamSettings) : {};
  } catch {
    return {}; // somebody changed what the browser keeps
  }
}
