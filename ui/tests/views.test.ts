// What the forms send: presets, several keys, aliases, limits, options and rules of keys, against the in-memory server.
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { accounts, keys } from '../dev/made';
import { fakeTransport } from '../dev/server';
import type { Transport } from '../src/ipc/transport';
import { app } from '../src/state/app.svelte';
import AccountLimits from '../src/views/accounts/AccountLimits.svelte';
import AccountMoney from '../src/views/accounts/AccountMoney.svelte';
import AccountSpoken from '../src/views/accounts/AccountSpoken.svelte';
import RelaySheet from '../src/views/accounts/RelaySheet.svelte';
import Models from '../src/views/models/Models.svelte';
import Routing from '../src/views/Routing.svelte';
import KeyRules from '../src/views/settings/KeyRules.svelte';
import Keys from '../src/views/settings/Keys.svelte';

type Sent = { method: string; path: string; body: unknown };
let sent: Sent[] = [];
let stop = () => undefined as void;
const relay = accounts.find(({ id }) => id === 'r1')!;

beforeEach(() => {
  HTMLDialogElement.prototype.showModal = vi.fn();
  const inner = fakeTransport();
  sent = [];
  const transport: Transport = {
    ...inner,
    call: (method, path, body) => {
      if (method !== 'GET') sent.push({ method, path, body });
      return inner.call(method, path, body);
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
  it('another form of the key is set on each of several', async () => {
    render(RelaySheet, { onclose: () => undefined });
    await choose('openrouter');
    await fireEvent.change(screen.getByLabelText('Key is sent as'), { target: { value: 'x-api-key' } });
    await fireEvent.click(screen.getByRole('radio', { name: 'Several keys', hidden: true }));
    await fill('API keys', 'secret-1');
    await press('Add');
    expect(await last('PATCH', '/accounts/m0/options')).toEqual({ auth: 'x-api-key' });
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
