import { describe, expect, it } from 'vitest';
import type { KnobSpec } from '../protocol';
import { Camera } from './camera';
import { asked } from './choices';
import { JamClock } from './clock';
import { arc, dragged, settle, turned, written } from './dial';
import { wanted } from './shortcuts';
import { linked } from './words';

describe('the clock between jam and page', () => {
  it('believes the quickest ping', () => {
    const clock = new JamClock();
    clock.frame(5000, 1);
    expect(clock.toPage(1)).toBe(5000);
    clock.pong(1000, 1100, 1.05); // there and back in 100 ms: the jam's 1.05 s is the page's 1050 ms
    clock.pong(2000, 2004, 1.99); // 4 ms: its 1.99 s is 2002 ms
    clock.pong(3000, 3300, 3.1);
    expect(clock.toPage(1.99)).toBeCloseTo(2002);
    expect(clock.toJam(clock.toPage(7))).toBeCloseTo(7);
  });

  it('believes a slow ping where the clocks themselves have leapt, as after a sleep', () => {
    const clock = new JamClock();
    clock.pong(1000, 1002, 5);
    clock.pong(9000, 9100, 3600);
    expect(clock.toPage(3600)).toBeCloseTo(9050);
  });

  it('forgets pings of long ago', () => {
    const clock = new JamClock();
    clock.pong(0, 1, 0);
    for (let i = 0; i < 12; i++) clock.pong(1000, 1010, 1);
    expect(clock.toPage(1)).toBeCloseTo(1005);
  });
});

describe('the camera', () => {
  it('moves evenly though what it hears jitters', () => {
    const camera = new Camera();
    camera.follow(0, 0, 48);
    const seen = Array.from({ length: 120 }, (_, i) => {
      const time = (i + 1) * 16;
      return camera.follow(time, time * 0.048 + (i % 2 ? 1.5 : -1.5), 48);
    });
    const steps = seen.slice(1).map((tick, i) => tick - seen[i]!);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.abs(seen.at(-1)! - 120 * 16 * 0.048)).toBeLessThan(1.5);
  });

  it('leaps where the music leaps', () => {
    const camera = new Camera();
    camera.follow(0, 0, 48);
    expect(camera.follow(16, 960, 48)).toBe(960);
  });
});

const density: KnobSpec = { name: 'density', low: -1, high: 1, step: 0.1, default: 0, help: '', choices: [] };

describe('a dial', () => {
  it('stays on its steps and in its range', () => {
    expect(settle(density, 0.1 + 0.2)).toBe(0.3);
    expect(settle(density, 7)).toBe(1);
    expect(settle({ ...density, low: -24, high: 24, step: 1 }, -23.6)).toBe(-24);
  });

  it('is turned by keys', () => {
    expect(turned(density, 0, 'ArrowUp')).toBe(0.1);
    expect(turned(density, 0, 'PageDown')).toBe(-0.5);
    expect(turned(density, 0, 'Home')).toBe(-1);
    expect(turned(density, 0, 'a')).toBeNull();
  });

  it('is turned by dragging, finely with Shift', () => {
    expect(dragged(density, 0, 90, false)).toBe(1);
    expect(dragged(density, 0, 90, true)).toBe(0.2);
  });

  it('says its value as the jam does', () => {
    expect([0.5, 0, -1].map((value) => written(density, value))).toEqual(['+0.50', '+0.00', '-1.00']);
    expect(written({ ...density, low: 0, step: 1 }, 3)).toBe('3');
  });

  it('draws the longer way round beyond half a circle', () => {
    expect(arc(20, 0, 1)).toContain(' 1 1 ');
    expect(arc(20, 0.4, 0.6)).toContain(' 0 1 ');
  });
});

describe('keys', () => {
  const modes = ['answer', 'accompany', 'solo', 'loop', 'harmonise'];
  const press = { key: '', code: '', shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false };

  it('choose modes and ask for things', () => {
    expect(wanted({ ...press, code: 'Digit4', key: '4' }, modes)).toEqual({ do: 'mode', argument: 'loop' });
    expect(wanted({ ...press, code: 'KeyK', key: 'K', shiftKey: true }, modes)).toEqual({ do: 'keep' });
    expect(wanted({ ...press, code: 'Escape', key: 'Escape' }, modes)).toEqual({ do: 'panic' });
  });

  it('leave the piano its letters and the browser its own', () => {
    expect(wanted({ ...press, code: 'KeyK', key: 'k' }, modes)).toBeNull();
    expect(wanted({ ...press, code: 'Digit1', key: '1', ctrlKey: true }, modes)).toBeNull();
    expect(wanted({ ...press, code: 'Digit9', key: '9' }, modes)).toBeNull();
    expect(wanted({ ...press, code: 'KeyK', key: 'K', shiftKey: true, repeat: true }, modes)).toBeNull();
  });
});

describe('what is asked for', () => {
  const seeds = [{ name: 'reel', title: 'A reel' }];

  it('answers where nobody has chosen', () => {
    expect(asked({}, seeds)).toEqual({ mode: 'answer' });
  });

  it('gives a solo something to play on from', () => {
    expect(asked({ mode: 'solo' }, seeds)).toEqual({ mode: 'solo', seed: 'reel' });
    expect(asked({ mode: 'solo', seed: 'mine' }, seeds)).toEqual({ mode: 'solo', seed: 'reel' });
    expect(asked({ mode: 'solo', seed: 'jig' }, [...seeds, { name: 'jig', title: '' }])).toMatchObject({ seed: 'jig' });
  });

  it('leaves out what the mode has no use for', () => {
    expect(asked({ mode: 'loop', phrase_bars: 4, loop_bars: 2 }, seeds)).toEqual({ mode: 'loop', loop_bars: 2 });
    expect(asked({ mode: 'answer', phrase_bars: 4, loop_bars: 2 }, seeds)).toEqual({ mode: 'answer', phrase_bars: 4 });
  });
});

describe('a sentence that names a recording', () => {
  it('names it without its folders, wherever they are', () => {
    expect(linked('Kept the last 8 bars in /home/my music/kept-1.mid')[1]).toBe('kept-1.mid');
    expect(linked('Kept the last 8 bars in recordings/kept-1.mid')).toEqual([
      'Kept the last 8 bars in ',
      'kept-1.mid',
      '',
    ]);
    expect(linked('Kept in C:\\Users\\me\\kept-1.mid, yes')).toEqual(['Kept in ', 'kept-1.mid', ', yes']);
    expect(linked('Recorded in jam-2.mid.')).toEqual(['Recorded in ', 'jam-2.mid', '.']);
  });

  it('is left as it is where it names none', () => {
    expect(linked('Playing with lstm now.')).toEqual(['Playing with lstm now.', '', '']);
  });
});
