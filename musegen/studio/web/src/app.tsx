/** The page: one tab for each thing a person comes for. */
import { signal } from '@preact/signals';

const tab = signal<'jam' | 'write' | 'look'>('jam');

export function App() {
  return <main>{tab.value}</main>;
}
