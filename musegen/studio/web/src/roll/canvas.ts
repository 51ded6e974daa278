/** What a roll needs of the page: a sharp canvas of the right size, and the page's colours. */
import type { RollTheme } from './roll';

/** Give `canvas` as many dots as the screen has; returns its context, which counts in CSS pixels, and its size. */
export function sharp(canvas: HTMLCanvasElement): { ctx: CanvasRenderingContext2D; width: number; height: number } {
  const ctx = canvas.getContext('2d', { alpha: false })!;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const dots = Math.min(devicePixelRatio, 2); // beyond that nobody sees more
  if (canvas.width !== Math.round(width * dots) || canvas.height !== Math.round(height * dots)) {
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
  }
  ctx.setTransform(dots, 0, 0, dots, 0, 0);
  return { ctx, width, height };
}

/** The roll's colours as the page has them now; ask again when they change (`theme`, `prefers-color-scheme`). */
export function rollTheme(): RollTheme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: colour('roll'),
    blackKey: colour('roll-black'),
    line: colour('roll-line'),
    barLine: colour('roll-bar'),
    text: colour('quiet'),
    player: colour('player'),
    model: colour('model'),
    playhead: colour('playhead'),
    selection: colour('selection'),
  };
}
