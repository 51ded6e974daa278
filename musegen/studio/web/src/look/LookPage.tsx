/** What there is: checkpoints, training runs, corpora. Each says in one line what it is, and more when it is opened. */
import { Checkpoints } from './Checkpoints';
import { Corpora } from './Corpora';
import { Runs } from './Runs';
import './look.css';

export function LookPage() {
  return (
    <div class="look">
      <Checkpoints />
      <Runs />
      <Corpora />
    </div>
  );
}
