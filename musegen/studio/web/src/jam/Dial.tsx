/** One knob: drag up and down, wheel, arrow keys, double click for where it began. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { KnobSpec, KnobState } from '../protocol';
import { arc, dragged, point, settle, turned, written } from './dial';

const QUIET = 500; // milliseconds for which the page's own value stands, so that echoes do not pull the dial back

export function Dial(props: { spec: KnobSpec; state: KnobState | undefined; turn(value: number): void }) {
  const { spec, state, turn } = props;
  const element = useRef<HTMLDivElement>(null);
  const [own, setOwn] = useState<number | null>(null);
  const heard = state ? settle(spec, spec.low + state.place * (spec.high - spec.low)) : Number(spec.default);
  const value = own ?? heard;
  const place = (value - spec.low) / (spec.high - spec.low);
  const set = (next: number): void => {
    if (next === value) return;
    setOwn(next);
    turn(next);
  };
  useEffect(() => {
    if (own === null) return;
    const timer = setTimeout(() => setOwn(null), QUIET);
    return () => clearTimeout(timer);
  }, [own]);
  useWheel(element, (up) => set(settle(spec, value + up * spec.step)));
  const drag = useDrag(value, (from, up, finely) => set(dragged(spec, from, up, finely)));
  const zero = Math.min(1, Math.max(0, -spec.low / (spec.high - spec.low)));
  return (
    <div
      ref={element}
      class="dial"
      role="slider"
      tabIndex={0}
      aria-label={spec.name}
      aria-valuemin={spec.low}
      aria-valuemax={spec.high}
      aria-valuenow={value}
      aria-valuetext={written(spec, value)}
      title={spec.help}
      onKeyDown={(event) => {
        const next = event.shiftKey || event.ctrlKey || event.altKey ? null : turned(spec, value, event.key);
        if (next === null) return;
        event.preventDefault();
        set(next);
      }}
      onDblClick={() => set(Number(spec.default))}
      {...drag}
    >
      <Face place={place} zero={zero} text={written(spec, value)} />
      <span class="dial-name">{spec.name}</span>
    </div>
  );
}

function Face({ place, zero, text }: { place: number; zero: number; text: string }) {
  const [x, y] = point(20, place);
  return (
    <svg viewBox="-26 -26 52 50" aria-hidden="true">
      <path class="dial-way" d={arc(20, 0, 1)} />
      <path class="dial-turned" d={arc(20, zero, place)} />
      <circle class="dial-mark" cx={x} cy={y} r="4.5" />
      <text class="dial-value" y="4.5">
        {text}
      </text>
    </svg>
  );
}

/** A wheel turns what it is over, and not the page; only where the page lets it (not passive). */
function useWheel(element: { current: HTMLElement | null }, turn: (up: number) => void): void {
  const latest = useRef(turn);
  latest.current = turn;
  useEffect(() => {
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      if (event.deltaY) latest.current(event.deltaY < 0 ? 1 : -1);
    };
    const found = element.current;
    found?.addEventListener('wheel', wheel, { passive: false });
    return () => found?.removeEventListener('wheel', wheel);
  }, []);
}

/** Pointer handlers that say how far up (or to the right) was dragged since the value was `from`. */
function useDrag(value: number, move: (from: number, up: number, finely: boolean) => void) {
  const start = useRef<{ x: number; y: number; value: number } | null>(null);
  const end = (): void => void (start.current = null);
  return {
    onPointerDown: (event: PointerEvent & { currentTarget: HTMLElement }) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      start.current = { x: event.clientX, y: event.clientY, value };
    },
    onPointerMove: (event: PointerEvent) => {
      const from = start.current;
      if (from) move(from.value, from.y - event.clientY + (event.clientX - from.x), event.shiftKey);
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}
