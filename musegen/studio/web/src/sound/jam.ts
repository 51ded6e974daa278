/** Lets the page sound what the jam sends to its ports, at the same time as they. */
import { onCancel, onMidi } from '../jam/store';
import { sound } from './synth';

/** Returns how to stop. */
export function followJam(): () => void {
  const deaf = onMidi((message, page) => sound.message(message, page));
  const free = onCancel(() => sound.cancel());
  return () => {
    deaf();
    free();
  };
}
