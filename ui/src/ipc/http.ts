// The transport of the browser console: the same admin router over HTTP with the console's own token, never a gateway key.
// The token lives in this tab only (sessionStorage: not even another port of this machine sees it, as it would a cookie). Made by `ipc/connect`.

import { readEvents } from './sse';
import { ApiError, settle, type LiveListener, type Method, type Transport } from './transport';
import type { LiveEvent, TryEvent } from './types';

const PREFIX = '/admin/v1';
const SLOT = 'switchyard.console-token';
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Settled once the ticket of the address was handed in; every call waits for it. */
let entering: Promise<void> | null = null;

/** 32 random bytes as 43 letters, digits, `-` and `_`. */
function freshToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Takes a ticket out of the address (`#ticket=…`) and hands it in with a token of our own making. It is good once, so that the browser's
 * history holds nothing of use; a refused one leaves the tab as it was. */
function takeTicket(): void {
  const ticket = /^#ticket=([\w-]+)$/.exec(location.hash)?.[1];
  if (!ticket) return;
  history.replaceState(null, '', location.pathname);
  const token = freshToken();
  entering = fetch(`${PREFIX}/console/session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ticket}`, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
  }).then(
    (answer) => {
      if (answer.ok) setConsoleToken(token);
    },
    () => undefined,
  );
}

/** Whether this tab has a token, or is getting one with the ticket of its address. */
export function hasConsoleToken(): boolean {
  takeTicket();
  return entering !== null || sessionStorage.getItem(SLOT) !== null;
}

/** Keeps the token for this tab, or forgets it. */
export function setConsoleToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(SLOT);
  else sessionStorage.setItem(SLOT, token);
}

/** How long to wait before trying again after that many failures. */
export function backoff(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 8));
}

async function send(method: Method, path: string, body: unknown, signal: AbortSignal | null, accept: string): Promise<Response> {
  await entering;
  try {
    return await fetch(PREFIX + path, {
      method,
      headers: {
        accept,
        authorization: `Bearer ${sessionStorage.getItem(SLOT) ?? ''}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal,
    });
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new ApiError(0, 'unreachable', 'Switchyard does not answer');
  }
}

async function settled<T>(response: Response): Promise<T> {
  const text = await response.text();
  let body: unknown = null;
  try {
    body = text === '' ? null : JSON.parse(text);
  } catch {
    // Not ours: the status alone has to do.
  }
  return settle<T>(response.status, body);
}

async function stream(path: string, body: unknown, onEvent: (event: TryEvent) => void, abort: AbortSignal): Promise<void> {
  try {
    const response = await send('POST', path, body, abort, 'text/event-stream');
    if (!response.ok || !response.body) return await settled<void>(response);
    for await (const event of readEvents<TryEvent>(response.body)) onEvent(event);
  } catch (problem) {
    if (!abort.aborted) throw problem;
  }
}

function listen(listener: LiveListener): () => void {
  const abort = new AbortController();
  let failures = 0;
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const run = async () => {
    while (!abort.signal.aborted) {
      listener.connection(failures === 0 ? 'connecting' : 'lost');
      try {
        const response = await send('GET', '/events', undefined, abort.signal, 'text/event-stream');
        if (!response.ok || !response.body) await settled<void>(response);
        else {
          listener.connection('connected');
          // What happened meanwhile is unknown: the listeners load anew.
          if (failures > 0) listener.event({ type: 'lagged' });
          failures = 0;
          for await (const event of readEvents<LiveEvent>(response.body)) listener.event(event);
        }
      } catch (problem) {
        if (abort.signal.aborted) return;
        if (problem instanceof ApiError && problem.status === 401) return listener.connection('lost');
      }
      failures += 1;
      await pause(backoff(failures));
    }
  };
  void run();
  return () => abort.abort();
}

export function httpTransport(): Transport {
  return {
    kind: 'console',
    desktop: null,
    call: async <T>(method: Method, path: string, body?: unknown) =>
      settled<T>(await send(method, path, body, null, 'application/json')),
    stream,
    listen,
  };
}
