/** Dark or light: as the system has it until somebody chooses. */
import { effect, signal } from '@preact/signals';
import { kept } from './sound/settings';

/** "system", "dark" or "light". */
export const theme = kept('musegen theme', 'system');

const light = matchMedia('(prefers-color-scheme: light)');
const systemLight = signal(light.matches);
light.addEventListener('change', () => (systemLight.value = light.matches));

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme.value;
});

/** Whether the page is dark now; what asks is drawn anew when that changes. */
export function isDark(): boolean {
  return theme.value === 'system' ? !systemLight.value : theme.value === 'dark';
}
