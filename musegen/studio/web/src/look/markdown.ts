/**
 * As much of Markdown as model cards have, as plain data: nothing in a card can become an element of its own choice.
 * Links keep their text and, only where they lead to a page by http(s), their address.
 */

export type Span = { text: string; as?: 'strong' | 'em' | 'code'; href?: string };

export type Block =
  | { kind: 'heading'; level: number; spans: Span[] }
  | { kind: 'paragraph'; spans: Span[] }
  | { kind: 'list'; items: Span[][] }
  | { kind: 'table'; head: Span[][]; rows: Span[][][] }
  | { kind: 'code'; text: string };

const SPAN = /\*\*([^*]+)\*\*|`([^`]+)`|\[([^\]]*)\]\(([^)\s]*)\)|(?<![\w*])[*_]([^*_]+)[*_](?![\w*])/g;

export function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  let last = 0;
  for (const found of text.matchAll(SPAN)) {
    if (found.index > last) spans.push({ text: text.slice(last, found.index) });
    const [all, strong, code, link, address, em] = found;
    if (strong !== undefined) spans.push({ text: strong, as: 'strong' });
    else if (code !== undefined) spans.push({ text: code, as: 'code' });
    else if (link !== undefined)
      spans.push(/^https?:\/\//i.test(address!) ? { text: link, href: address! } : { text: link });
    else spans.push({ text: em!, as: 'em' });
    last = found.index + all.length;
  }
  if (last < text.length) spans.push({ text: text.slice(last) });
  return spans;
}

export function blocksOf(text: string): Block[] {
  const lines = withoutFrontMatter(text.split(/\r?\n/));
  const blocks: Block[] = [];
  while (lines.length) {
    const line = lines.shift()!;
    if (!line.trim()) continue;
    blocks.push(blockOf(line, lines));
  }
  return blocks;
}

/** The block that begins with `line`; takes what belongs to it from `rest`. */
function blockOf(line: string, rest: string[]): Block {
  if (line.startsWith('```')) {
    const code = taken(rest, (next) => !next.startsWith('```'));
    rest.shift();
    return { kind: 'code', text: code.join('\n') };
  }
  const heading = /^(#{1,6})\s+(.*)/.exec(line);
  if (heading) return { kind: 'heading', level: heading[1]!.length, spans: spansOf(heading[2]!) };
  if (ITEM.test(line)) return { kind: 'list', items: itemsOf([line, ...taken(rest, (next) => next.trim() !== '')]) };
  if (line.startsWith('|') && /^\|[\s:|-]+$/.test(rest[0] ?? '')) {
    rest.shift();
    return { kind: 'table', head: cellsOf(line), rows: taken(rest, (next) => next.startsWith('|')).map(cellsOf) };
  }
  const more = taken(rest, (next) => next.trim() !== '' && !/^(#{1,6}\s|```|\|)/.test(next) && !ITEM.test(next));
  return { kind: 'paragraph', spans: spansOf([line, ...more].join(' ')) };
}

const ITEM = /^\s*(?:[-*+]|\d+\.)\s+/;

function itemsOf(lines: readonly string[]): Span[][] {
  const items: string[] = [];
  for (const line of lines) {
    if (ITEM.test(line)) items.push(line.replace(ITEM, ''));
    else items.push(`${items.pop() ?? ''} ${line.trim()}`);
  }
  return items.map(spansOf);
}

function cellsOf(line: string): Span[][] {
  return line.replace(/^\||\|\s*$/g, '').split('|').map((cell) => spansOf(cell.trim())); // prettier-ignore
}

function taken(lines: string[], holds: (line: string) => boolean): string[] {
  const end = lines.findIndex((line) => !holds(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

/** What the Hub's cards have at their head is for machines. */
function withoutFrontMatter(lines: string[]): string[] {
  if (lines[0]?.trim() !== '---') return lines;
  const end = lines.indexOf('---', 1);
  return end < 0 ? lines : lines.slice(end + 1);
}
