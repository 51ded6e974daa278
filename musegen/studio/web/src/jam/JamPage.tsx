/** Playing together: before a jam its choices, during one the roll and all that steers it; the keys always. */
import './jam.css';
import { useEffect } from 'preact/hooks';
import { Piano } from '../piano/Piano';
import { Actions } from './Actions';
import { look } from './choices';
import { Keys } from './Keys';
import { Knobs } from './Knobs';
import { LiveRoll } from './LiveRoll';
import { Recordings } from './Recordings';
import { Setup } from './Setup';
import { useShortcuts } from './shortcuts';
import { StatusLine } from './StatusLine';
import { connection, playing } from './store';
import { Transport } from './Transport';

export function JamPage() {
  useShortcuts();
  useEffect(() => {
    if (connection.value === 'open') void look();
  }, [connection.value]);
  return (
    <>
      {playing.value ? (
        <div class="stage">
          <Transport />
          <LiveRoll />
          <StatusLine />
          <div class="desk">
            <Knobs />
            <Actions />
          </div>
        </div>
      ) : (
        <>
          <Setup />
          <StatusLine />
        </>
      )}
      <Piano />
      <Recordings />
      <Keys />
    </>
  );
}
