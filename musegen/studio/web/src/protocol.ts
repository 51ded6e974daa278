/**
 * What the studio's server and the page say to each other. `musegen jam --json` speaks the lines marked "jam" itself:
 * the server passes them on. Ticks are 24 a quarter note; seconds are those of the jam's own clock.
 */

/** [number, onset, duration or null while it is held, pitch, velocity, program (128: drums), 0 the player 1 the model] */
export type JamNote = [number, number, number | null, number, number, number, 0 | 1];

export interface KnobSpec {
  name: string;
  low: number;
  high: number;
  step: number;
  default: number | string;
  help: string;
  /** For a knob of names; else empty. */
  choices: string[];
}

export interface KnobState {
  name: string;
  value: number | string;
  text: string;
  /** 0 … 1 */
  place: number;
  /** The controller that turns it, if any. */
  cc: number | null;
}

/** jam: once, first. */
export interface Hello {
  version: string;
  knobs: KnobSpec[];
  modes: string[];
  /** What else can be asked for, and what it does. */
  actions: Record<string, string>;
  checkpoint: string;
  recording: string;
}

/** jam: thirty times a second. What is left out has not changed. */
export interface Frame {
  /** Forget what you knew: everything is in this frame. */
  full?: boolean;
  now: number;
  tick: number;
  qpm: number;
  bar: number;
  beat: number;
  /** [tick, its number, ticks a beat, beats] of each bar near `tick`. */
  bars?: [number, number, number, number][];
  rolling: boolean;
  source: string;
  mode: string;
  state: string;
  checkpoint: string;
  output: string;
  output_up: boolean;
  input: string;
  input_up: boolean;
  /** The model's notes a second; 0: not known yet. */
  speed: number;
  /** Milliseconds ahead at which notes become final. */
  lookahead: number;
  lateness: { p50: number; p99: number; max: number; dropped: number };
  count: number;
  recording: string;
  /** What the next controller that moves will be bound to; empty: not learning. */
  learning: string;
  knobs?: KnobState[];
  /** Committed notes that are new or other than before, by number. */
  notes?: JamNote[];
  /** Numbers of committed notes that were taken back. */
  gone?: number[];
  /** All that is planned. */
  planned?: JamNote[];
}

export type FromJam =
  | { hello: Hello }
  | { frame: Frame }
  /** Messages on their way out, each with its time (seconds) and its bytes in hexadecimal. */
  | { midi: [number, string][] }
  /** What has not sounded yet never will; end what sounds (a panic, a stop, an undo). */
  | { cancel: true }
  /** A sentence for the person. */
  | { say: string }
  | { pong: number; now: number }
  | { ended: { error: string; recording: string } };

export type ToJam =
  | { knob: string; value: number | string }
  | { do: string; argument?: string }
  /** One message as if from a keyboard, in hexadecimal, such as "903c64". */
  | { midi: string }
  | { ping: number }
  /** Ask for a full frame. */
  | { full: true };

export interface JamSettings {
  mode?: string;
  /** A file's id, or a shipped seed's name; without: your own notes. */
  seed?: string;
  checkpoint?: string;
  tempo?: number;
  meter?: string;
  clock?: 'own' | 'midi' | 'link';
  clock_out?: boolean;
  port?: string;
  input?: string;
  thru?: boolean;
  count_in?: number;
  click?: boolean;
  phrase_bars?: number;
  loop_bars?: number;
  bars?: number;
  feel?: string;
  seed_number?: number;
  knobs?: Record<string, number | string>;
}

export interface Ports {
  systems: { name: string; ready: boolean; missing: string; outputs: string[]; inputs: string[]; virtual: boolean }[];
}

/** The server's own, beside the jam's. */
export type FromServer =
  | { jam: { state: 'none' | 'starting' | 'playing' | 'ended'; settings: JamSettings; error: string } }
  | { ports: Ports };

/** A file: [onset, duration, pitch, velocity, program, part] a note, in ticks. */
export interface PieceView {
  id: string;
  name: string;
  title: string;
  notes: [number, number, number, number, number, number][];
  parts: { part: number; name: string; program: number; notes: number }[];
  meters: [number, number, number][];
  tempos: [number, number][];
  key: string;
  end: number;
  /** The tick at which each bar begins, and the end of the last. */
  bars: number[];
  seconds: number;
}

export interface Surprise {
  checkpoint: string;
  /** −log P of each note, in the order of `notes`. */
  nats: number[];
  mean: number;
}

export interface TakesWanted {
  file: string;
  kind: 'continue' | 'infill' | 'humanise' | 'vary';
  checkpoint?: string;
  n?: number;
  /** How many bars to go on for. */
  bars?: number;
  /** Bars to fill, from 1, both included. */
  from_bar?: number;
  to_bar?: number;
  /** As in the view's `parts`. */
  part?: number;
  keep?: 'rhythm' | 'pitch';
  temperature?: number;
  key?: string;
  feel?: string;
  amount?: number;
  seed_number?: number;
  with_seed?: boolean;
}

export interface Job {
  id: string;
  wanted: TakesWanted;
  state: 'queued' | 'running' | 'done' | 'failed' | 'stopped';
  done: number;
  total: number;
  /** 0 … 1: bars count, too. */
  progress: number;
  takes: { file: string; name: string; notes: number; nats: number | null }[];
  error: string;
}

export interface CheckpointView {
  name: string;
  family: string;
  parameters: number;
  styles: string[];
  /** Held-out figures, nats a note. */
  figures: Record<string, number>;
  /** Whether it can jam and continue (the humaniser cannot). */
  plays: boolean;
  likelihood: boolean;
}

export interface RunView {
  name: string;
  state: 'training' | 'stopped' | 'finished';
  steps: number;
  minutes: number;
  last: number | null;
}

export interface RunLog {
  points: Record<string, number | string>[];
  /** Ask for what comes after. */
  next: number;
}

export interface CorpusView {
  name: string;
  pieces: number;
  notes: number;
  fingerprint: string;
  styles: Record<string, number>;
  splits: Record<string, number>;
  histograms: Record<string, { edges: (number | string)[]; counts: number[] }>;
}

export interface SeedView {
  name: string;
  title: string;
}

/** GET /api/checkpoints/{name} */
export interface CheckpointCard extends CheckpointView {
  /** The model card, as Markdown text; nobody has checked what is in it. */
  card: string;
}

/*
 * Files:     POST /api/files?name=tune.mid   the body is the file (or a form with the field "file")  → PieceView
 *            POST /api/files?seed=reel       a shipped seed, no body                                → PieceView
 *            GET  /api/seeds → SeedView[]
 *            GET  /api/files/{id} → PieceView
 *            GET  /api/files/{id}/mid        download
 *            GET  /api/files/{id}/surprise?checkpoint=default → Surprise
 * Takes:     POST /api/takes                 TakesWanted as JSON → Job
 *            GET  /api/takes → Job[]         the newest first
 *            GET  /api/takes/{id} → Job      ask again twice a second while it is queued or running
 *            DELETE /api/takes/{id} → Job    stop it; what is made stays
 *            GET  /api/takes/{id}/zip        download, of what is there so far
 *   continue: n ≤ 1000, bars (8), temperature, key, with_seed.   infill: from_bar, to_bar, part, keep, temperature, key.
 *   humanise: amount (1), feel.   vary: amount (0.5: of the bars, never the first), within from_bar … to_bar where they
 *   are given; their notes keep their rhythm (or, with keep "pitch", their pitches). n ≤ 64 for these. A take's file is
 *   a file like any other.
 * Looks:     GET /api/checkpoints → CheckpointView[]   GET /api/checkpoints/{name} → CheckpointCard
 *            GET /api/runs → RunView[]                 GET /api/runs/{name}?after=0 → RunLog
 *            (a `next` below what you asked for: the run has begun again; forget its points)
 *            GET /api/corpora → CorpusView[] with no histograms   GET /api/corpora/{name} → CorpusView
 * Errors are {"error": sentence} everywhere.
 */
