// The transport of the desktop window: the program's own admin router, in process, through one command.
// Not an HTTP client: no socket and no key is involved. Made by `ipc/connect`.

import { invoke } from '@tauri-apps/api/core';
import { listen, type UnlistenFn } from '@tauri-apps/api/event';
import { ApiError, settle, type Desktop, type LiveListener, type Method, type Transport } from './transport';
import type { DesktopState, LiveEvent, TryEvent } from './types';

interface Reply {
  status: number;
  body: unknown;
}

interface StreamMessage {
  data?: TryEvent;
  end?: boolean;
  error?: { code: string; message: string };
}

/** Listening begins asynchronously; ending it must work before it has begun. */
function stopLater(started: Promise<UnlistenFn>): () => void {
  return () => void started.then((stop) => stop());
}

const desktop: Desktop = {
  state: () => invoke<DesktopState>('desktop_state'),
  setAutostart: (on) => invoke('set_autostart', { on }),
  openExternal: (url) => invoke('open_external', { url }),
  pickFiles: (kind) => invoke<string[]>('pick_file', { kind }),
  saveFile: (name) => invoke<string | null>('save_file_dialog', { name }),
  testNotification: () => invoke('test_notification'),
  copyText: (what) => invoke('copy_text', { what }),
  onDrop(listener, hover) {
    const stops = [
      listen<{ paths: string[] }>('tauri://drag-drop', ({ payload }) => {
        hover(false);
        listener(payload.paths);
      }),
      listen('tauri://drag-enter', () => hover(true)),
      listen('tauri://drag-leave', () => hover(false)),
    ].map(stopLater);
    return () => stops.forEach((stop) => stop());
  },
};

async function call<T>(method: Method, path: string, body?: unknown): Promise<T> {
  let reply: Reply;
  try {
    reply = await invoke<Reply>('api', { method, path, body: body ?? null });
  } catch (problem) {
    throw new ApiError(0, 'unreachable', String(problem));
  }
  return settle<T>(reply.status, reply.body);
}

async function stream(
  path: string,
  body: unknown,
  onEvent: (event: TryEvent) => void,
  abort: AbortSignal,
): Promise<void> {
  const id = crypto.randomUUID();
  let resolve = () => {};
  let reject: (problem: ApiError) => void = () => {};
  const finished = new Promise<void>((yes, no) => ((resolve = yes), (reject = no)));
  const stop = await listen<StreamMessage>(`stream:${id}`, ({ payload }) => {
    if (payload.data) onEvent(payload.data);
    if (payload.error) reject(new ApiError(0, payload.error.code, payload.error.message));
    if (payload.end) resolve();
  });
  const cancel = () => {
    void invoke('api_stream_cancel', { id });
    resolve();
  };
  abort.addEventListener('abort', cancel, { once: true });
  try {
    await invoke('api_stream', { id, path, body });
    await finished;
  } finally {
    abort.removeEventListener('abort', cancel);
    stop();
  }
}

export function tauriTransport(): Transport {
  return {
    kind: 'desktop',
    desktop,
    call,
    stream,
    listen(listener: LiveListener) {
      listener.connection('connected');
      return stopLater(listen<LiveEvent>('switchyard', ({ payload }) => listener.event(payload)));
    },
  };
}
