import { describe, expect, it } from 'vitest';
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

describe('the roll', () => {
  it('draws only what is seen', () => {
    const notes = [note(-500), note(-5), note(400), note(500, { pitch: 10 }), note(990), note(1200)];
    expect(draw(notes).of('model')).toHaveLength(3);
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

  it('leaves round corners out where there are thousands of notes', () => {
    const many = Array.from({ length: 5000 }, (_, i) => note(i / 5, { pitch: 40 + (i % 50) }));
    const painted = draw(many).of('model');
    expect(painted).toHaveLength(5000);
    expect(painted.some(([how]) => how === 'round')).toBe(false);
    expect(
      draw(many.slice(0, 100))
        .of('model')
        .every(([how]) => how === 'round'),
    ).toBe(true);
  });

  it('lights what sounds', () => {
    const paper = draw([note(100), note(200), note(195, { planned: true })], { playhead: 205 });
    expect(paper.of('playhead').filter(([, , alpha]) => alpha < 1)).toHaveLength(1);
  });
});
