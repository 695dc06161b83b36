// A row that changes its place loses the focus with it: it is given back once the page is drawn anew. Called by lists that are ordered by keyboard.

import { tick } from 'svelte';

/** Runs the work, then puts the focus on the first of these elements that can take it. */
export async function keepFocus(work: Promise<unknown>, ...ids: string[]): Promise<void> {
  await work;
  await tick();
  for (const id of ids) {
    const found = document.getElementById(id);
    if (found && !(found instanceof HTMLButtonElement && found.disabled)) return found.focus();
  }
}
