import { describe, expect, it } from 'vitest';
import { amount, curveOf, firstSeries, minutes, seriesOf, smooth, ticks, worthSeeing } from './figures';
import { blocksOf, spansOf } from './markdown';

describe('figures', () => {
  it('are said as people say them', () => {
    expect([4_751_926, 284_080, 12].map(amount)).toEqual(['4.8 million', '284,080', '12']);
    expect([35.4, 125].map(minutes)).toEqual(['35 min', '2 h 05 min']);
  });

  it('are found in a log, the most telling first, without what only counts', () => {
    const points: Record<string, number | string>[] = [
      { step: 1, of: 9, train: 3, rate: 0.1, note: 'x' },
      { step: 2, of: 9, train: 2, rate: 0.1, valid: 4, accuracy: 0.5 },
    ];
    expect(seriesOf(points)).toEqual(['valid', 'train', 'accuracy']);
    expect(firstSeries(['valid', 'train', 'accuracy'])).toEqual(['valid', 'train']);
    expect(firstSeries(['descended', 'distance'])).toEqual(['descended']);
    expect(curveOf(points, 'valid')).toEqual([[2, 4]]);
  });

  it('lose their jags, but not their level or place', () => {
    const jagged = Array.from({ length: 400 }, (_, i): [number, number] => [i, 2 + (i % 2 ? 1 : -1)]);
    const values = smooth(jagged).map(([, value]) => value);
    expect(Math.max(...values.map((value) => Math.abs(value - 2)))).toBeLessThan(0.35);
    expect(smooth(jagged).map(([at]) => at)).toEqual(jagged.map(([at]) => at));
    expect(smooth([[1, 5]])).toEqual([[1, 5]]);
  });

  it('leave the steep beginning out of the picture, never the end', () => {
    const curve = Array.from({ length: 200 }, (_, i): [number, number] => [i, i < 3 ? 25 : 2 - i / 200]);
    const [low, high] = worthSeeing([curve]);
    expect(high).toBeLessThan(3);
    expect(low).toBeLessThan(curve.at(-1)![1]);
    expect(worthSeeing([[]])).toEqual([0, 1]);
  });

  it('have round ticks within the axis', () => {
    expect(ticks(0, 10)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks(1.23, 1.91)).toEqual([1.4, 1.6, 1.8]);
    expect(ticks(3, 3)).toEqual([3]);
  });
});

describe('a card', () => {
  it('is read as blocks', () => {
    const card =
      '---\nlicense: x\n---\n# A `model`\n\nTwo\nlines.\n\n- one **bold**\n- two\n  more\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nrm *x*\n```';
    const blocks = blocksOf(card);
    expect(blocks.map(({ kind }) => kind)).toEqual(['heading', 'paragraph', 'list', 'table', 'code']);
    expect(blocks[1]).toEqual({ kind: 'paragraph', spans: [{ text: 'Two lines.' }] });
    expect(blocks[2]).toMatchObject({
      items: [[{ text: 'one ' }, { text: 'bold', as: 'strong' }], [{ text: 'two more' }]],
    });
    expect(blocks[3]).toMatchObject({ rows: [[[{ text: '1' }], [{ text: '2' }]]] });
    expect(blocks[4]).toEqual({ kind: 'code', text: 'rm *x*' });
  });

  it('cannot bring elements or scripts with it', () => {
    expect(spansOf('[x](javascript:alert(1)) <img src=x onerror=y>')).not.toContainEqual(
      expect.objectContaining({ href: expect.anything() }),
    );
    expect(spansOf('[x](data:text/html,hm)')).toEqual([{ text: 'x' }]);
    expect(spansOf('<script>1</script>')).toEqual([{ text: '<script>1</script>' }]);
    expect(spansOf('[x](https://example.org/a)')).toEqual([{ text: 'x', href: 'https://example.org/a' }]);
  });

  it('ends, whatever is in it', () => {
    for (const text of ['```', '|', '- ', '# ', '---', '**', '[](', '\n\n', '| a |\n|-|']) blocksOf(text);
    expect(blocksOf('```\nnever closed')).toEqual([{ kind: 'code', text: 'never closed' }]);
  });
});
