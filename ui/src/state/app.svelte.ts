// What the whole page shares: the connection, the first look (`/overview`) kept fresh by events, and how actions are run.
// Not a cache of everything: lists that one page needs live in that page. Called by the frame and by views.

import { client, type Client } from '../ipc/client';
import { ApiError, type Connection, type Desktop, type Transport } from '../ipc/transport';
import type { Account, LiveEvent, Overview, SwitchRow } from '../ipc/types';
import { shownName } from './names';
import { notes } from './notes.svelte';
import { prefs } from './prefs.svelte';
import { Resource } from './resource.svelte';
import { told } from './told';
import { words } from './words.svelte';

export interface Progress {
  task: string;
  done: number;
  total: number;
  label: string | null;
}

const GATHER_MS = 800;

class AppState {
  api!: Client;
  transport!: Transport;
  connection: Connection = $state('connecting');
  overview!: Resource<Overview>;
  accounts: Account[] = $state.raw([]);
  progress: Progress[] = $state.raw([]);
  private listeners = new Set<(event: LiveEvent) => void>();
  private gathering: ReturnType<typeof setTimeout> | undefined;

  get desktop(): Desktop | null {
    return this.transport.desktop;
  }

  /** Loads the first look and begins to listen. Gives back how to stop. */
  start(transport: Transport): () => void {
    this.transport = transport;
    this.api = client(transport);
    this.overview = new Resource(async () => {
      const overview = await this.api.overview();
      this.accounts = overview.status.accounts;
      return overview;
    });
    void this.overview.load();
    void this.api.settings().then(
      (settings) => prefs.adopt(this.api, settings),
      () => undefined,
    );
    return transport.listen({
      event: (event) => this.take(event),
      connection: (state) => (this.connection = state),
    });
  }

  /** Hears every event until the returned function is called. */
  hear(listener: (event: LiveEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Runs an action; a failure becomes a note with the program's own next step. `true` when it worked. */
  async act(work: () => Promise<unknown>, done?: string): Promise<boolean> {
    try {
      await work();
      if (done) notes.add('ok', done);
      return true;
    } catch (problem) {
      notes.add('bad', this.explain(problem));
      return false;
    }
  }

  /** A note with one thing to do about it. */
  note(text: string, label: string, run: () => void): void {
    notes.add('plain', text, { label, run });
  }

  /** A problem in the person's language where its code is known, in the program's words otherwise. */
  explain(problem: unknown): string {
    if (!(problem instanceof ApiError)) return String(problem);
    const known = words.m.errors[problem.code as keyof typeof words.m.errors];
    // The program's own English sentence says more than the code; in another language the code's text is kinder. `action` is a code.
    const ours = known && known !== words.m.errors['failed'] && (problem.status === 0 || words.locale !== 'en');
    return ours ? known : problem.message;
  }

  /** An answer to an action that carries the changed account. */
  changed(account: Account): void {
    this.put(account);
    this.gather();
  }

  account(id: string): Account | undefined {
    return this.accounts.find((account) => account.id === id);
  }

  private put(account: Account): void {
    const known = this.accounts.some(({ id }) => id === account.id);
    const others = account.active ? this.accounts.map((one) => (one.active ? { ...one, active: false } : one)) : this.accounts;
    this.accounts = known ? others.map((one) => (one.id === account.id ? account : one)) : [...others, account];
  }

  /** Several events at once make one question. */
  private gather(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      if (document.hidden) document.addEventListener('visibilitychange', () => this.gather(), { once: true });
      else void this.overview.load();
    }, GATHER_MS);
  }

  private take(event: LiveEvent): void {
    switch (event.type) {
      case 'account_changed':
        this.put(event.account);
        this.gather();
        break;
      case 'account_removed':
        this.accounts = this.accounts.filter(({ id }) => id !== event.id);
        this.gather();
        break;
      case 'quota':
        this.accounts = this.accounts.map((one) => (one.id === event.account_id ? { ...one, quota: event.quota } : one));
        this.gather();
        break;
      case 'switched':
        this.switched(event.switch);
        break;
      case 'progress':
        this.progressed(event);
        break;
      case 'accounts_ordered':
        this.accounts = this.accounts.map((one) => ({ ...one, position: event.ids.indexOf(one.id) }));
        break;
      case 'sign_in':
        break;
      case 'notice': {
        const text = told(event);
        if (text) notes.add(event.level === 'error' ? 'bad' : 'plain', text);
        break;
      }
      default:
        this.gather();
    }
    for (const listener of this.listeners) listener(event);
  }

  private switched(event: SwitchRow): void {
    const text = words.m.switches.sentence(event.from ? shownName(event.from.label) : null, shownName(event.to.label), words.m.reason(event.reason));
    const undo = () => void this.act(() => this.api.undoSwitch());
    if (!event.automatic) notes.say(text);
    else notes.add('plain', text, { label: words.m.common.undo, run: undo });
    this.gather();
  }

  private progressed(event: Extract<LiveEvent, { type: 'progress' }>): void {
    const rest = this.progress.filter(({ task }) => task !== event.task);
    const { task, done, total, label } = event;
    const name = words.m.tasks[task] ?? task;
    if (done >= total) notes.say(`${name}: ${words.m.common.done}`);
    else if (rest.length === this.progress.length) notes.say(name);
    this.progress = done >= total ? rest : [...rest, { task, done, total, label: label ?? null }];
  }
}

export const app = new AppState();