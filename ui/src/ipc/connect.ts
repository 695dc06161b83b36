// Chooses the transport once, at start: the desktop window when the page runs in one, the browser console otherwise.
// Development and tests put another file in this one's place (see vite.config.ts).

import { hasConsoleToken, httpTransport } from './http';
import { tauriTransport } from './tauri';
import type { Transport } from './transport';

export interface Connected {
  transport: Transport;
  /** The console has no token yet: ask for it first. */
  needsToken: boolean;
}

export function connect(): Connected {
  if ('__TAURI_INTERNALS__' in window) return { transport: tauriTransport(), needsToken: false };
  return { transport: httpTransport(), needsToken: !hasConsoleToken() };
}
