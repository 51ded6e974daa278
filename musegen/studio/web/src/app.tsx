/**
 * The page: one tab for each thing a person comes for. A tab that is left is gone; what is to outlive that is kept in
 * signals of its module.
 */
import { signal } from '@preact/signals';
import { JamPage } from './jam/JamPage';
import { connection, trouble } from './jam/store';
import { LookPage } from './look/LookPage';
import { SoundButton } from './sound/SoundButton';
import { isDark, theme } from './theme';
import { WritePage } from './write/WritePage';

const PAGES = { jam: JamPage, write: WritePage, look: LookPage };
const TABS = { jam: 'Jam', write: 'Write', look: 'Look' };
type Tab = keyof typeof PAGES;

const tab = signal<Tab>(named(location.hash));
addEventListener('hashchange', () => (tab.value = named(location.hash)));

function named(hash: string): Tab {
  const name = hash.slice(1);
  return name in PAGES ? (name as Tab) : 'jam';
}

export function App() {
  const Page = PAGES[tab.value];
  return (
    <>
      <header class="top">
        <h1 class="brand">musegen</h1>
        <nav aria-label="Pages" class="tabs">
          {(Object.keys(TABS) as Tab[]).map((name) => (
            <a key={name} href={`#${name}`} aria-current={tab.value === name ? 'page' : undefined}>
              {TABS[name]}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <SoundButton />
          <ThemeButton />
        </div>
      </header>
      {connection.value === 'lost' && (
        <p class="trouble" role="alert">
          {trouble.value}
        </p>
      )}
      <main class={`page page-${tab.value}`}>
        <Page />
      </main>
    </>
  );
}

function ThemeButton() {
  const dark = isDark();
  return (
    <button
      type="button"
      class="icon"
      aria-label={dark ? 'Light colours' : 'Dark colours'}
      title={dark ? 'Light colours' : 'Dark colours'}
      onClick={() => (theme.value = dark ? 'light' : 'dark')}
    >
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="1.6" />
        <path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor" />
      </svg>
    </button>
  );
}
