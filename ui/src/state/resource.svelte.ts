// One asynchronous value with its four faces: loading, error, and ready (which a view may call empty).
// A late answer of an older question never replaces a newer one. Called by views.

import { untrack } from 'svelte';
import { ApiError } from '../ipc/transport';

export class Resource<T> {
  value: T | undefined = $state.raw();
  error: ApiError | undefined = $state.raw();
  busy = $state(false);
  private turn = 0;

  constructor(private readonly question: () => Promise<T>) {}

  /** Nothing to show yet, and nothing has gone wrong. */
  get loading(): boolean {
    return this.value === undefined && this.error === undefined;
  }

  /** Asks again; what is shown stays until the answer is here. */
  async load(): Promise<void> {
    const turn = ++this.turn;
    this.busy = true;
    try {
      // What the question reads must not become a cause to ask again: callers say when.
      const value = await untrack(() => this.question());
      if (turn !== this.turn) return;
      this.value = value;
      this.error = undefined;
    } catch (problem) {
      if (turn !== this.turn) return;
      this.error = problem instanceof ApiError ? problem : new ApiError(0, 'failed', String(problem));
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  /** Asks a new question: the old answer does not belong to it. */
  async restart(): Promise<void> {
    this.value = undefined;
    this.error = undefined;
    await this.load();
  }
}
