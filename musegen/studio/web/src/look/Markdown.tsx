/** A text in Markdown as elements of the page: headings two levels down, everything else as it is. */
import { useMemo } from 'preact/hooks';
import { type Block, blocksOf, type Span } from './markdown';

export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => blocksOf(text), [text]);
  return (
    <div class="prose">
      {blocks.map((block, i) => (
        <BlockView key={i} block={block} />
      ))}
    </div>
  );
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case 'heading':
      return block.level === 1 ? <h3>{block.spans.map(spanned)}</h3> : <h4>{block.spans.map(spanned)}</h4>;
    case 'paragraph':
      return <p>{block.spans.map(spanned)}</p>;
    case 'list':
      return (
        <ul>
          {block.items.map((spans, i) => (
            <li key={i}>{spans.map(spanned)}</li>
          ))}
        </ul>
      );
    case 'code':
      return <pre tabIndex={0}>{block.text}</pre>;
    case 'table':
      return (
        <div class="look-table" tabIndex={0} role="region" aria-label="Table">
          <table>
            <thead>
              <tr>
                {block.head.map((cell, i) => (
                  <th key={i}>{cell.map(spanned)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, i) => (
                <tr key={i}>
                  {row.map((cell, j) => (
                    <td key={j}>{cell.map(spanned)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

function spanned({ text, as: Tag, href }: Span) {
  if (href) {
    return (
      <a href={href} target="_blank" rel="noopener noreferrer">
        {text}
      </a>
    );
  }
  return Tag ? <Tag>{text}</Tag> : text;
}
