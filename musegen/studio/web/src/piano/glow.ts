/** Lights up the keys that sound, once a picture. Touches only the keys that changed. */
import { live, tickNow } from '../jam/store';
import { hands } from './player';
import { soundingAt } from './sounding';

export class Glow {
  readonly #keys: [HTMLElement, number, string][];

  constructor(board: HTMLElement) {
    const found = board.querySelectorAll<HTMLElement>('[data-pitch]');
    this.#keys = Array.from(found, (key) => [key, Number(key.dataset['pitch']), key.dataset['by'] ?? '']);
  }

  /** Returns how to stop. */
  run(): () => void {
    let next = 0;
    const again = (): void => {
      this.#draw();
      next = requestAnimationFrame(again);
    };
    again();
    return () => cancelAnimationFrame(next);
  }

  #draw(): void {
    const { player, model } = live.frame?.rolling ? soundingAt(live.drawn(), tickNow()) : NONE;
    const down = hands.down;
    for (const entry of this.#keys) {
      const [key, pitch, before] = entry;
      const mine = down.has(pitch) || player.has(pitch);
      const now = mine ? (model.has(pitch) ? 'both' : 'player') : model.has(pitch) ? 'model' : '';
      if (now === before) continue;
      entry[2] = now;
      if (now) key.dataset['by'] = now;
      else delete key.dataset['by'];
    }
  }
}

const NONE = { player: new Set<number>(), model: new Set<number>() };
