/**
 * The page's one line to the server. Comes back by itself when it is lost, each time after a longer pause.
 *
 * Knows nothing of what is said on it.
 */
import { api, ApiError } from '../api';

export type Connection = 'connecting' | 'open' | 'lost';

interface Hooks {
  connection(state: Connection, why: string): void;
  line(text: string): void;
}

const FIRST = 400; // milliseconds
const LONGEST = 5000;

export class Socket {
  #socket: WebSocket | null = null;
  #pause = FIRST;
  #timer = 0;
  readonly #hooks: Hooks;

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
  }

  /** Open, and from now on come back. */
  begin(): void {
    this.#open();
    // Whoever comes back to the page, or gets the network back, does not want to wait for the pause to end.
    addEventListener('online', () => this.#again(0));
    document.addEventListener('visibilitychange', () => document.hidden || this.#again(0));
  }

  #open(): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#pause = FIRST;
      this.#hooks.connection('open', '');
    };
    socket.onmessage = (event) => this.#hooks.line(String(event.data));
    socket.onclose = () => void this.#lost(socket);
  }

  /** Whether it went out. What is said while the line is lost is not kept: a note of a minute ago is wrong now. */
  send(line: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(line);
    return true;
  }

  async #lost(socket: WebSocket): Promise<void> {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#hooks.connection('lost', 'The studio does not answer; trying again…');
    this.#again(this.#pause);
    this.#pause = Math.min(LONGEST, this.#pause * 1.7);
    try {
      await api('/api/about');
    } catch (error) {
      const unknown = error instanceof ApiError && error.status === 401;
      if (unknown && !this.#socket) this.#hooks.connection('lost', error.message);
    }
  }

  #again(after: number): void {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#open(), after);
  }
}
