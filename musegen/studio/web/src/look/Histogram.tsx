/** Counts as bars, each saying its count under the pointer; the largest in words for who does not see them. */

const WIDTH = 320;
const HEIGHT = 120;
const LABELS = 18;

export function Histogram({ title, labels, counts }: { title: string; labels: string[]; counts: number[] }) {
  const most = Math.max(1, ...counts);
  const each = WIDTH / Math.max(1, counts.length);
  const every = Math.max(1, Math.ceil(counts.length / 6)); // labels that fit beside each other
  const top = counts.indexOf(most);
  return (
    <figure class="histogram">
      <figcaption>{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT + LABELS}`}
        role="img"
        aria-label={top < 0 ? `${title}: nothing` : `${title}: most at ${labels[top]}, ${most}`}
      >
        {counts.map((count, i) => (
          <rect
            key={i}
            x={i * each + 0.5}
            width={Math.max(1, each - 1)}
            y={HEIGHT - (count / most) * HEIGHT}
            height={(count / most) * HEIGHT}
          >
            <title>{`${labels[i]}: ${count.toLocaleString('en')}`}</title>
          </rect>
        ))}
        {labels.map(
          (label, i) =>
            i % every === 0 &&
            i * each < WIDTH - 26 && (
              <text key={i} x={i * each + 1} y={HEIGHT + 14}>
                {label}
              </text>
            ),
        )}
      </svg>
    </figure>
  );
}
