/** The Jam page. */
import { Piano } from '../piano/Piano';

export function JamPage() {
  return <Piano />;
}
