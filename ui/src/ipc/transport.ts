// What every way of reaching the program offers. Implementations: `tauri` (window), `http` (browser console) and, in
// development and tests only, an in-memory server. Called by `ipc/client` and by the state layer for events.

import type { DesktopState, LiveEvent, TryEvent } from './types';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** An answer that is no success, or no answer at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly action?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type Connection = 'connecting' | 'connected' | 'lost';

export interface LiveListener {
  event(event: LiveEvent): void;
  connection(state: Connection): void;
}

/** What only the desktop application can do. */
export interface Desktop {
  state(): Promise<DesktopState>;
  setAutostart(on: boolean): Promise<void>;
  openExternal(url: string): Promise<void>;
  /** Paths the person chose; empty when they cancelled. */
  pickFiles(kind: 'import' | 'import_folder'): Promise<string[]>;
  /** Where to save; `null` when the person cancelled. */
  saveFile(name: string): Promise<string | null>;
  testNotification(): Promise<void>;
  /** `url:openai`, `key:NAME`, `curl:TEXT` …: the shell fills in secrets, the page never sees them. */
  copyText(what: string): Promise<void>;
  /** Files dropped on the window, by path. Gives back how to stop listening. */
  onDrop(listener: (paths: string[]) => void, hover: (over: boolean) => void): () => void;
}

export interface Transport {
  readonly kind: 'desktop' | 'console';
  readonly desktop: Desktop | null;
  call<T>(method: Method, path: string, body?: unknown): Promise<T>;
  /** Runs one streamed request; ends when the stream ends. Aborting cancels it upstream too. */
  stream(path: string, body: unknown, onEvent: (event: TryEvent) => void, abort: AbortSignal): Promise<void>;
  /** Listens until the returned function is called; reconnects by itself. */
  listen(listener: LiveListener): () => void;
}

interface ErrorBody {
  error?: { code?: string; message?: string; action?: string };
}

/** Turns a status and a body into a value or an `ApiError`. */
export function settle<T>(status: number, body: unknown): T {
  if (status >= 200 && status < 300) return body as T;
  const error = (body as ErrorBody | null)?.error;
  throw new ApiError(status, error?.code ?? `http_${status}`, error?.message ?? `HTTP ${status}`, error?.action);
}
