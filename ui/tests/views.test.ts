// What the forms send: presets, several keys, aliases, limits, options and rules of keys, against the in-memory server.
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { accounts, keys } from '../dev/made';
import { fakeTransport } from '../dev/server';
import type { LiveListener, Transport } from '../src/ipc/transport';
import { app } from '../src/state/app.svelte';
import AccountLimits from '../src/views/accounts/AccountLimits.svelte';
import AccountMoney from '../src/views/accounts/AccountMoney.svelte';
import AccountSpoken from '../src/views/accounts/AccountSpoken.svelte';
import SignInSheet from '../src/views/accounts/SignInSheet.svelte';
import RelaySheet from '../src/views/accounts/RelaySheet.svelte';
import Models from '../src/views/models/Models.svelte';
import Routing from '../src/views/Routing.svelte';
import KeyRules from '../src/views/settings/KeyRules.svelte';
import Backups from '../src/views/settings/Backups.svelte';
import CarryInSheet from '../src/views/settings/CarryInSheet.svelte';
import CarryOutSheet from '../src/views/settings/CarryOutSheet.svelte';
import ClearCard from '../src/views/settings/ClearCard.svelte';
import Diagnostics from '../src/views/settings/Diagnostics.svelte';
import Keys from '../src/views/settings/Keys.svelte';
import Reach from '../src/views/settings/Reach.svelte';

type Sent = { method: string; path: string; body: unknown };
let sent: Sent[] = [];
let stop = () => undefined as void;
let asked: string[] = [];
let live: LiveListener;
const relay = accounts.find(({ id }) => id === 'r1')!;

beforeEach(() => {
  HTMLDialogElement.prototype.showModal = vi.fn();
  const inner = fakeTransport();
  sent = [];
  asked = [];
  const transport: Transport = {
    ...inner,
    call: (method, path, body) => {
      if (method !== 'GET') sent.push({ method, path, body });
      else asked.push(path);
      return inner.call(method, path, body);
    },
    listen(listener) {
      live = listener;
      return inner.listen(listener);
    },
  };
  stop = app.start(transport);
});
afterEach(() => {
  stop();
  cleanup();
});
const last = async (method: string, path: string) => {
  await waitFor(() => expect(sent.some((one) => one.method === method && one.path === path)).toBe(true));
  return sent.findLast((one) => one.method === method && one.path === path)?.body;
};
const fill = (label: string | RegExp, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });
const press = (name: string | RegExp) => fireEvent.click(screen.getByRole('button', { name, hidden: true }));

describe('adding keys', () => {
  const choose = async (name: string) => {
    await screen.findByText('OpenRouter');
    await fireEvent.change(screen.getByLabelText('Provider'), { target: { value: name } });
  };
  it('a preset fills the form, says what to know, and is named to the program (F103, F110)', async () => {
    render(RelaySheet, { onclose: () => undefined });
    await choose('zai-coding');
    expect(screen.getByRole('note', { hidden: true }).textContent).toContain('coding tools only');
    await fill('API key', 'secret-1');
    await press('Add');
    expect(await last('POST', '/accounts')).toMatchObject({ kind: 'zai', label: 'Z.AI, coding plan', base_url: 'https://zai.example.com/api/coding/paas/v4', format: 'openai', group: 'zai', preset: 'zai-coding', auth: null, key: 'secret-1' });
  });
  it('a changed address is no preset any more', async () => {
    render(RelaySheet, { onclose: () => undefined });
    await choose('anthropic');
    await fill('Base URL', 'https://other.example.com/v1');
    await fill('API key', 'secret-1');
    await press('Add');
    expect(await last('POST', '/accounts')).toMatchObject({ format: 'anthropic', preset: null });
  });
  it('what runs here needs no key', async () => {
    render(RelaySheet, { onclose: () => undefined });
    await choose('ollama');
    await press('Add');
    expect(await last('POST', '/accounts')).toMatchObject({ preset: 'ollama', key: '' });
  });
  it('several keys are added at once; the result holds none of them (F113)', async () => {
    render(RelaySheet, { onclose: () => undefined });
    await choose('openrouter');
    await fireEvent.click(screen.getByRole('radio', { name: 'Several keys', hidden: true }));
    await fill('API keys', 'secret-1\nsecret-2\n\nsecret-1');
    expect(screen.getByText('2 different keys')).toBeTruthy();
    await press('Add');
    expect(await last('POST', '/accounts/many')).toMatchObject({ kind: 'provider', keys: 'secret-1\nsecret-2\n\nsecret-1', label: 'OpenRouter' });
    await screen.findByRole('table', { hidden: true });
    expect(document.body.textContent).toContain('1 duplicate dropped');
    expect(document.body.textContent).toContain('Line 3');
    expect(document.body.innerHTML).not.toContain('secret-');
  });
  it('another form of the key goes with all of several', async () => {
    render(RelaySheet, { onclose: () => undefined });
    await choose('openrouter');
    await fireEvent.change(screen.getByLabelText('Key is sent as'), { target: { value: 'x-api-key' } });
    await fireEvent.click(screen.getByRole('radio', { name: 'Several keys', hidden: true }));
    await fill('API keys', 'secret-1');
    await press('Add');
    expect(await last('POST', '/accounts/many')).toMatchObject({ auth: 'x-api-key', preset: 'openrouter' });
  });
});

describe('an account', () => {
  it('a limit is added to those that are there, and one is taken away (F72)', async () => {
    render(AccountLimits, { account: relay });
    await press('Add limit');
    await fireEvent.change(screen.getByLabelText('Limit'), { target: { value: 'cost' } });
    await fill('At most', '2.5');
    await fill('Model', 'gpt-5.5');
    await fireEvent.submit(screen.getByLabelText('At most').closest('form')!);
    const body = (await last('PUT', '/accounts/r1/limits')) as { limits: unknown[] };
    expect(body.limits).toEqual([...relay.limits.map(({ limit }) => limit), { cost: '2.5', period_days: 30, model: 'gpt-5.5' }]);
    sent = [];
    await press('Remove the limit: Requests');
    expect(((await last('PUT', '/accounts/r1/limits')) as { limits: unknown[] }).limits).toEqual([relay.limits[1]?.limit]);
  });
  it('a threshold is a decimal text (F112)', async () => {
    render(AccountMoney, { account: relay });
    await fireEvent.change(screen.getByLabelText('Too little at'), { target: { value: '1.50' } });
    expect(await last('PATCH', '/accounts/r1/balance')).toEqual({ threshold: '1.50' });
  });
  it('a rule of the person reads the balance where no adapter does (F111)', async () => {
    render(AccountMoney, { account: relay });
    await fireEvent.change(screen.getByLabelText('Asked at'), { target: { value: '#' } });
    expect(sent).toEqual([]);
    await fireEvent.change(screen.getByLabelText('Rule'), { target: { value: '/api/self#total=/data/quota' } });
    expect(await last('PATCH', '/accounts/r1/balance')).toEqual({ adapter: '/api/self#total=/data/quota' });
  });
  it('only changed options are sent; a line without a value is refused here', async () => {
    render(AccountSpoken, { account: relay });
    await screen.findByLabelText('Headers sent along');
    await fill('Headers sent along', 'x-team');
    await press('Save');
    expect(screen.getByRole('alert').textContent).toBe('Each line is name: value.');
    await fill('Headers sent along', 'x-team: night');
    await press('Save');
    expect(await last('PATCH', '/accounts/r1/options')).toEqual({ headers: [{ name: 'x-team', value: 'night' }] });
  });
});

describe('names of models (F92)', () => {
  it('an alias is set; a circle is told under the form', async () => {
    render(Models);
    await screen.findByLabelText('Alias');
    await fill('Alias', 'loop');
    await fill('Model or alias', 'loop');
    const form = screen.getByLabelText('Alias').closest('form')!;
    await fireEvent.submit(form);
    expect((await within(form).findByRole('alert')).textContent).toContain('circle');
    await fill('Model or alias', 'gpt-5.5');
    await fireEvent.submit(form);
    await waitFor(() => expect(sent.at(-1)).toEqual({ method: 'PUT', path: '/models/aliases/loop', body: { model: 'gpt-5.5', group: null } }));
    await screen.findByRole('button', { name: 'Change loop' });
  });
});

describe('routing', () => {
  it('shows all eight ways and sends the chosen one (F33–F37)', async () => {
    render(Routing);
    const radios = await screen.findAllByRole('radio');
    expect(radios).toHaveLength(8);
    await fireEvent.click(screen.getByRole('radio', { name: /^Pace-aware/ }));
    expect(await last('PUT', '/settings/rotation.mode')).toEqual({ value: 'pace_aware' });
  });
  it('says for each skipped account until when and who told so, and tries it at once', async () => {
    render(Routing);
    await waitFor(() => expect(document.body.textContent).toContain('guessed from failures'));
    await press('Try home@example.org now');
    expect(await last('POST', '/accounts/a2/try-now')).toBeUndefined();
  });
});

describe('explain', () => {
  it('takes a name that no list holds', async () => {
    render(Routing);
    const model = await screen.findByLabelText('Model');
    const asked = vi.spyOn(app.api, 'explain');
    await fireEvent.change(model, { target: { value: 'work@example.com/my-model' } });
    await waitFor(() => expect(asked).toHaveBeenCalledWith('work@example.com/my-model'));
  });
});

describe('keys of the gateway (F27)', () => {
  it('a budget keeps what was not changed; empty lifts it', async () => {
    const key = keys.find(({ name }) => name === 'editor')!;
    render(KeyRules, { key, onchanged: () => undefined });
    await fill('Budget in USD', '30');
    await press('Save');
    expect(await last('PATCH', '/keys/editor')).toEqual({ budget: { tokens: 20_000_000, usd: '30', period_days: 30 } });
    sent = [];
    await fill('Budget in USD', '');
    await fill('Budget in tokens', '');
    await press('Save');
    expect(await last('PATCH', '/keys/editor')).toEqual({ budget: null });
  });
  it('shows what is used, and what is off', async () => {
    render(Keys);
    await screen.findByText('$16.22 of $25');
    expect(screen.getByText('off')).toBeTruthy();
  });
});

describe('what is kept', () => {
  it('a backup is looked into before it is put back (F124)', async () => {
    render(Backups);
    await fireEvent.click((await screen.findAllByRole('button', { name: /^Restore… / }))[0]!);
    await screen.findByText('Holds 4 accounts');
    expect(screen.getByText('1 account not in it')).toBeTruthy();
    expect(sent).toEqual([]);
    await press('Restore');
    await last('POST', '/backups/b3/restore');
  });
  it('each is cleared alone, after a question (F74)', async () => {
    render(ClearCard);
    await press('Clear… Quota history');
    expect(sent).toEqual([]);
    await press('Clear');
    await last('DELETE', '/quota/history');
    expect(sent).toHaveLength(1);
  });
  it('everything goes only after its word was typed (F129)', async () => {
    render(ClearCard);
    await press('Factory reset… Everything');
    const yes = screen.getByRole<HTMLButtonElement>('button', { name: 'Reset everything', hidden: true });
    expect(yes.disabled).toBe(true);
    await fireEvent.submit(yes.form!);
    expect(sent).toEqual([]);
    await fill(/^Type/, 'Factory reset');
    await fireEvent.submit(yes.form!);
    expect(await last('POST', '/reset')).toEqual({ confirm: 'factory reset' });
  });
  it('the bundle is shown, and what is saved is what was shown (F147)', async () => {
    render(Diagnostics);
    await press('Show…');
    const text = (await screen.findByRole('group', { name: 'Diagnostics', hidden: true })).textContent;
    await press('Save…');
    expect(await last('POST', '/diagnostics/file')).toEqual({ path: '/tmp/out.json', text });
  });
  it('a file without a passphrase is asked for by default; one that is too short is told (F125)', async () => {
    render(CarryOutSheet, { onclose: () => undefined });
    await fireEvent.click(screen.getByRole('checkbox', { hidden: true }));
    await fill('Passphrase', 'short');
    expect(screen.getByText('At least 8 characters')).toBeTruthy();
    await fireEvent.click(screen.getByRole('checkbox', { hidden: true }));
    await press('Save…');
    expect(await last('POST', '/backup/file')).toEqual({ path: '/tmp/out.json', passphrase: null });
  });
  it('a restore says first what would change', async () => {
    render(CarryInSheet, { onclose: () => undefined });
    await press('Choose file…');
    await screen.findByText('This would change. Nothing is written yet.');
    expect(sent.at(-1)?.body).toMatchObject({ dry_run: true });
    await press('Restore');
    await screen.findByText('Restored');
    expect(sent.at(-1)?.body).toMatchObject({ dry_run: false });
  });
  it('a proxy that is not saved yet is tested as it stands in the form (F120)', async () => {
    render(Reach, { of: { url: 'socks5://127.0.0.1:1080', account: 'r1' } });
    await press('Test the connection');
    expect(await last('POST', '/proxy/test')).toEqual({ url: 'socks5://127.0.0.1:1080', account: 'r1' });
    await screen.findByText(/through socks5/);
  });
});

describe('signing in', () => {
  it('is followed by what the program tells, not by asking again and again', async () => {
    render(SignInSheet, { account: null, onclose: () => undefined });
    const steps = () => asked.filter((path) => path === '/signin/s1').length;
    await waitFor(() => expect(steps()).toBe(1));
    live.event({ type: 'sign_in', id: 'another' });
    live.event({ type: 'sign_in', id: 's1' });
    await waitFor(() => expect(steps()).toBe(2));
  });
});

describe('a sheet', () => {
  it('gives the focus back where it came from', async () => {
    const button = document.body.appendChild(document.createElement('button'));
    button.focus();
    const sheet = render(ClearCard);
    await press('Clear… Requests');
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Clear the list of requests?'));
    await press('Cancel');
    await waitFor(() => expect(document.activeElement).toBe(button));
    sheet.unmount();
    button.remove();
  });
  it('what an account serves is said and taken back (F103)', async () => {
    render(AccountSpoken, { account: relay });
    await fireEvent.click(await screen.findByRole('checkbox', { name: 'Embeddings' }));
    await press('Save');
    expect(await last('PATCH', '/accounts/r1/options')).toEqual({ capabilities: ['embeddings'] });
  });
});
