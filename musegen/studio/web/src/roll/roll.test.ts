import { afterEach, describe, expect, it, vi } from 'vitest';
import { paint } from './crowd';
import { drawRoll, type RollNote, type RollOptions, type RollTheme, type RollView } from './roll';

const names = ['ground', 'blackKey', 'line', 'barLine', 'text', 'player', 'model', 'playhead', 'selection'] as const;
const theme = Object.fromEntries(names.map((name) => [name, name])) as unknown as RollTheme;
const view: RollView = { width: 1000, height: 500, from: 0, to: 1000, low: 36, high: 96, drums: false };

/** A context that writes down what is painted: [how, colour, alpha]. */
class Paper {
  painted: [string, string, number][] = [];
  fillStyle = '';
  strokeStyle = '';
  globalAlpha = 1;
  canvas = { width: view.width, height: view.height };
  laid = 0;
  drawImage(): void {
    this.laid++;
  }
  fillRect(): void {
    this.painted.push(['rect', this.fillStyle, this.globalAlpha]);
  }
  roundRect(): void {
    this.painted.push(['round', this.fillStyle, this.globalAlpha]);
  }
  of(colour: string): [string, string, number][] {
    return this.painted.filter((row) => row[1] === colour);
  }
}
for (const name of [
  'beginPath',
  'rect',
  'clip',
  'save',
  'restore',
  'fill',
  'stroke',
  'strokeRect',
  'arc',
  'fillText',
  'resetTransform',
]) {
  Object.defineProperty(Paper.prototype, name, { value: () => undefined });
}

function draw(notes: RollNote[], more: Partial<RollOptions> = {}): Paper {
  const paper = new Paper();
  drawRoll(paper as unknown as CanvasRenderingContext2D, view, { notes, bars: [], theme, ...more });
  return paper;
}

const note = (onset: number, more: Partial<RollNote> = {}): RollNote => ({
  onset,
  duration: 10,
  pitch: 60,
  velocity: 100,
  program: 0,
  who: 'model',
  ...more,
});

afterEach(() => vi.unstubAllGlobals());

/** Canvases in memory, for which every colour is 0x332211; returns what was put on the last one. */
function crowded(): () => number[] {
  let put = new Uint32Array();
  const sheet = {
    createImageData: (width: number, height: number) => ({ data: new Uint8ClampedArray(4 * width * height) }),
    putImageData: ({ data }: ImageData) => (put = new Uint32Array(data.buffer)),
  };
  class Dot {
    getContext() {
      return {
        fillRect: () => undefined,
        getImageData: () => ({ data: new Uint8ClampedArray([0x11, 0x22, 0x33, 255]) }),
      };
    }
  }
  vi.stubGlobal('document', { createElement: () => ({ getContext: () => sheet }) });
  vi.stubGlobal('OffscreenCanvas', Dot);
  return () => [...put];
}

describe('painting in memory', () => {
  const painted = (x: number, y: number, width: number, height: number, scale = 1): string => {
    const pixels = { width: 6, height: 3, dots: new Uint32Array(18) };
    paint(pixels, { x, y, width, height }, scale, 7);
    return [0, 6, 12]
      .map((i) =>
        pixels.dots
          .slice(i, i + 6)
          .join('')
          .replaceAll('0', '.'),
      )
      .join(' ');
  };

  it('fills the dots of a box, at any sharpness', () => {
    expect(painted(1, 1, 2, 1)).toBe('...... .77... ......');
    expect(painted(1, 0, 1, 1, 2)).toBe('..77.. ..77.. ......');
  });

  it('leaves out what lies outside, and no note is nothing', () => {
    expect(painted(-3, -1, 5, 2)).toBe('77.... ...... ......');
    expect(painted(4, 2, 9, 9)).toBe('...... ...... ....77');
    expect(painted(2, 1, 0.1, 1)).toBe('...... ..7... ......');
    expect(painted(40, 1, 2, 1)).toBe('...... ...... ......');
  });
});

describe('the roll', () => {
  it('draws only what is seen', () => {
    const gone = [note(-500), note(-200), note(500, { pitch: 10 }), note(1200)];
    const seen = [note(-300, { duration: 400 }), note(-5), note(400), note(990)];
    const notes = [...gone, ...seen].sort((a, b) => a.onset - b.onset);
    expect(draw(notes).of('model')).toHaveLength(seen.length);
  });

  it('gives each hand its colour, and a note its own', () => {
    const paper = draw([note(1, { who: 'player' }), note(2), note(3, { colour: 'red' })]);
    expect(['player', 'model', 'red'].map((colour) => paper.of(colour).length)).toEqual([1, 1, 1]);
  });

  it('draws what is planned fainter than what is certain, and soft notes fainter than loud ones', () => {
    const [planned, soft, loud] = draw([note(1), note(2, { velocity: 10 }), note(3, { planned: true })]).of('model');
    expect(planned![2]).toBeLessThan(0.3);
    expect(new Set([soft![2], loud![2]]).size).toBe(2);
    expect(Math.min(soft![2], loud![2])).toBeGreaterThan(planned![2]);
  });

  it('paints a crowd in memory, and all of it at once', () => {
    const put = crowded();
    const many = Array.from({ length: 5000 }, (_, i) => note(i / 5, { pitch: 40 + (i % 50), duration: 1, velocity: 10 }));
    const paper = draw(many);
    expect(paper.of('model')).toHaveLength(0);
    expect(paper.laid).toBe(1);
    const dots = put().filter((dot) => dot !== 0);
    expect(dots.length).toBeGreaterThan(5000);
    expect(new Set(dots)).toEqual(new Set([((159 << 24) | 0x332211) >>> 0])); // soft: 5/8 of the colour
    expect(draw(many.slice(0, 100)).laid).toBe(0);
  });

  it('lights what sounds', () => {
    const paper = draw([note(100), note(200), note(195, { planned: true })], { playhead: 205 });
    expect(paper.of('playhead').filter(([, , alpha]) => alpha < 1)).toHaveLength(1);
  });
});
