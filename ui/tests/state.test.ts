// Reading preferences, addresses, server-sent events, late answers, and the two languages having the same texts.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backoff } from '../src/ipc/http';
import { query } from '../src/ipc/client';
import { SseReader } from '../src/ipc/sse';
import { settle } from '../src/ipc/transport';
import { en } from '../src/messages/en';
import { zh } from '../src/messages/zh';
import { readPrefs } from '../src/state/prefs.svelte';
import { Resource } from '../src/state/resource.svelte';
import { told } from '../src/state/told';
import { link, parse } from '../src/state/route.svelte';

describe('preferences', () => {
  it.each([null, '', '{', '[]', '{"theme":"pink","textScale":900}'])('%j gives the defaults', (text) => expect(readPrefs(text)).toMatchObject({ theme: 'system', textScale: 100 }));
  it('takes what is allowed', () => expect(readPrefs('{"theme":"dark","numbers":"used"}')).toMatchObject({ theme: 'dark', numbers: 'used' }));
});

describe('addresses', () => {
  it.each([
    ['', 'overview', null], ['#/usage', 'usage', null], ['#/accounts/a%2Fb', 'accounts', 'a/b'], ['#/nowhere/x', 'overview', null], ['#/models', 'models', null], ['#/settings/gateway', 'settings', 'gateway'],
  ])('%j', (hash, page, rest) => expect(parse(hash)).toEqual({ page, rest }));
  it('goes there and back', () => expect(parse(link('accounts', 'signin:ä/1'))).toEqual({ page: 'accounts', rest: 'signin:ä/1' }));
  it('a query has only what is present', () => expect(query({ a: 1, b: null, c: undefined, d: '', e: 'x y' })).toBe('?a=1&e=x%20y'));
});

describe('the wire', () => {
  it('any split of a stream gives the same events', () => {
    const text = 'data: {"a":1}\n\n: ping\n\ndata: x\ndata: y\r\n\r\n';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const reader = new SseReader();
      expect([...reader.push(text.slice(0, cut)), ...reader.push(text.slice(cut))]).toEqual(['{"a":1}', 'x\ny']);
    }
  });
  it('waits longer each time, up to a limit', () => expect([0, 1, 3, 50].map(backoff)).toEqual([500, 1000, 4000, 15_000]));
  it('an error keeps its code and its next step', () => {
    const body = { error: { code: 'vault_locked', message: 'locked', action: 'unlock_vault' } };
    expect(() => settle(423, body)).toThrow(expect.objectContaining({ status: 423, code: 'vault_locked', action: 'unlock_vault' }));
    expect(() => settle(500, null)).toThrow(expect.objectContaining({ code: 'http_500' }));
  });
});

describe('the console’s ticket', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
    sessionStorage.clear();
    history.replaceState(null, '', '/');
  });
  const open = async (hash: string, entered: number) => {
    history.replaceState(null, '', `/${hash}`);
    const sent: { url: string; authorization: string; body: string }[] = [];
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
      sent.push({ url, authorization: (init.headers as Record<string, string>)['authorization'] ?? '', body: String(init.body) });
      return new Response(url.endsWith('/session') ? null : '{}', { status: url.endsWith('/session') ? entered : 200 });
    });
    const http = await import('../src/ipc/http');
    return { sent, known: http.hasConsoleToken(), call: () => http.httpTransport().call('GET', '/status') };
  };
  it('is exchanged once for a token of the page’s own, before the first call', async () => {
    const { sent, known, call } = await open('#ticket=abc-1', 204);
    expect([known, location.hash]).toEqual([true, '']);
    await call();
    const token = sessionStorage.getItem('switchyard.console-token') ?? '';
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(sent.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/admin/v1/console/session', 'Bearer abc-1'], ['/admin/v1/status', `Bearer ${token}`],
    ]);
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({ token });
  });
  it('a used one leaves the tab as it was', async () => {
    sessionStorage.setItem('switchyard.console-token', 'before');
    const { sent, call } = await open('#ticket=abc-1', 401);
    await call();
    expect(sent[1]?.authorization).toBe('Bearer before');
  });
  it('without one the page asks', async () => expect((await open('#/usage', 204)).known).toBe(false));
});

describe('a loaded value', () => {
  it('a late answer of an older question is dropped', async () => {
    const answers: ((value: number) => void)[] = [];
    const one = new Resource(() => new Promise<number>((resolve) => answers.push(resolve)));
    const first = one.load();
    const second = one.load();
    answers[1]?.(2);
    answers[0]?.(1);
    await Promise.all([first, second]);
    expect(one.value).toBe(2);
  });
  it('an error keeps the last value', async () => {
    let fail = false;
    const one = new Resource(async () => {
      if (fail) throw new Error('no');
      return 1;
    });
    await one.load();
    fail = true;
    await one.load();
    expect([one.value, one.error?.code, one.loading]).toEqual([1, 'failed', false]);
  });
});

describe('languages', () => {
  const shape = (value: unknown): unknown => (typeof value === 'object' && value ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)])) : typeof value);
  it('have the same texts', () => expect(shape(zh)).toEqual(shape(en)));
  it('an unknown code is shown as words', () => expect(en.reason('some_new_code')).toBe('some new code'));
});

describe('notices', () => {
  const notice = { type: 'notice' as const, account: { id: 'a', label: 'work' }, back_at: null, level: 'info' as const, percent: null, port: null, reason: null, text: 'as the program says it' };
  it.each([
    [{ code: 'quota_warning', percent: 80, reason: '5h' }, 'work: 20 % left of its 5 h quota'], [{ code: 'recovered' }, 'work is back'], [{ code: 'all_exhausted' }, 'No account has quota left.'],
    [{ code: 'port_changed', port: 8788 }, 'The port was busy: clients must use port 8788 now'], [{ code: 'switched' }, null],
  ] as const)('%j', (more, text) => expect(told({ ...notice, ...more })?.replaceAll('\u202f', ' ') ?? null).toBe(text));
});
