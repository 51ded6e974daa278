/** Dark or light: as the system has it until somebody chooses. */
import { effect } from '@preact/signals';
import { kept } from './sound/settings';

/** "system", "dark" or "light". */
export const theme = kept('musegen theme', 'system');

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme.value;
});

/** Whether the page is dark now. */
export function isDark(): boolean {
  if (theme.value !== 'system') return theme.value === 'dark';
  return !matchMedia('(prefers-color-scheme: light)').matches;
}
