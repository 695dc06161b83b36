// Copying: by the shell where the text holds a secret or where the program knows it better, by the page otherwise.

import { app } from './app.svelte';
import { notes } from './notes.svelte';
import { words } from './words.svelte';

export interface Copied {
  /** What the page shows and may copy itself. */
  text?: string;
  /** What the shell copies instead: `url:openai`, `key:NAME`, `curl:TEXT`. */
  shell?: string;
}

/** `true` when it is on the clipboard. */
export async function copy({ text, shell }: Copied): Promise<boolean> {
  try {
    if (shell && app.desktop) await app.desktop.copyText(shell);
    else if (text !== undefined) await navigator.clipboard.writeText(text);
    else throw new Error('nothing to copy');
    return true;
  } catch {
    notes.add('bad', words.m.common.copyFailed);
    return false;
  }
}
