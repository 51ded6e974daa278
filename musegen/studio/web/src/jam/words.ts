/** How the page says things to a musician. */

/** What a mode does, in the order of keys 1–5. */
export const MODES: Record<string, { label: string; line: string }> = {
  answer: { label: 'Answer', line: 'You play a phrase, it replies.' },
  accompany: { label: 'Accompany', line: 'It plays along under you.' },
  solo: { label: 'Solo', line: 'It plays on by itself.' },
  loop: { label: 'Loop', line: 'The last bars go round and change.' },
  harmonise: { label: 'Harmonise', line: 'Each of your notes gets companions.' },
};

/** One line about a checkpoint, from what is known of it. */
const CHECKPOINTS: Record<string, string> = {
  default: 'Everything: piano, bands, chorales, tunes',
  chorale: 'Four voices, as Bach set hymns',
  folk: 'Tunes with one voice: reels, jigs, songs',
  drums: 'A drummer',
  lstm: 'Everything, by an older kind of network',
  wavenet: 'Everything, by a network of echoes',
  gan: 'A band that makes a whole bar at a time',
};

export function checkpointLine({ name, styles }: { name: string; styles: string[] }): string {
  return CHECKPOINTS[name] ?? (styles.length ? styles.join(', ') : 'one of your own');
}

/** "12 kB" */
export function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A sentence of the jam with the recording that it names apart, without the folders that it lies in. */
export function linked(text: string): [before: string, recording: string, after: string] {
  const found = /(?:[A-Za-z]:)?[^\s]*[/\\](?:.*[/\\])?([^/\\]+\.mid)/.exec(text) ?? /(\S+\.mid)/.exec(text);
  if (!found) return [text, '', ''];
  return [text.slice(0, found.index), found[1]!, text.slice(found.index + found[0].length)];
}

/** The name of a recording without what only computers need. */
export function plain(name: string): string {
  return name.replace(/\.mid$/, '').replace(/^jam-/, '');
}
