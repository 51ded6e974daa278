/** Doing something for every picture of the screen, while a component is there and the page is seen. */
import { useEffect, useRef } from 'preact/hooks';

/** Call `draw` with the time (milliseconds) before every picture. */
export function useFrames(draw: (time: number) => void): void {
  const latest = useRef(draw);
  latest.current = draw;
  useEffect(() => {
    let handle = requestAnimationFrame(function next(time) {
      handle = requestAnimationFrame(next);
      latest.current(time);
    });
    return () => cancelAnimationFrame(handle);
  }, []);
}
