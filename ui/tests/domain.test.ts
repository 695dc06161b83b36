// Numbers, times, quota meaning, list rules, chart columns and tables: pure functions, row by row.
import { describe, expect, it } from 'vitest';
import { byKind, heldBy, maskEmails, ownAuth, matchesState, matchesText, moved, sorted, stepped } from '../src/domain/accounts';
import { columns, lanes, lineLook, place, sparkPath } from '../src/domain/chart';
import { amounts, headerLines, localTime, money, namesOrNull, numberOrNull, passphraseFault, standsIn } from '../src/domain/form';
import { limitLines, newLimit } from '../src/domain/limits';
import * as f from '../src/domain/format';
import { fullest, severity, shown, windows } from '../src/domain/quota';
import { grouped, type Section } from '../src/domain/settings';
import { clientCards } from '../src/domain/snippets';
import { csv, json } from '../src/domain/table';
import type { Setting } from '../src/ipc/types';
import { accounts, standIn, switches } from '../dev/made';

const plain = (text: string) => text.replaceAll(/[\u202f\u00a0]/g, ' ');

describe('numbers and times', () => {
  it.each([
    [0, '0 %'], [0.2, '1 %'], [61.6, '62 %'], [99.7, '99 %'], [100, '100 %'], [140, '100 %'], [-3, '0 %'],
  ])('percent %d', (value, text) => expect(plain(f.percent('en', value))).toBe(text));
  it.each([
    [20_000, '< 1 min'], [12 * f.MINUTE, '12 min'], [3 * f.HOUR + 12 * f.MINUTE, '3 h 12 min'], [2 * f.DAY + 4 * f.HOUR + 5 * f.MINUTE, '2 d 4 h'], [2 * f.DAY + 5 * f.MINUTE, '2 d'],
  ])('span %d', (ms, text) => expect(plain(f.span('en', ms))).toBe(text));
  it('span in Chinese', () => expect(f.span('zh', 3 * f.HOUR + 12 * f.MINUTE)).toBe('3小时12分钟'));
  it('short span', () => expect(plain(f.spanShort('en', 3 * f.HOUR + 12 * f.MINUTE))).toBe('3 h'));
  it.each([[0, '0:00'], [61_000, '1:01'], [300_000, '5:00'], [-5, '0:00']])('countdown %d', (ms, text) => expect(f.countdown(ms)).toBe(text));
  it.each([[840, '840 ms'], [3240, '3.2 s'], [65_000, '1 min 5 s']])('latency %d', (ms, text) => expect(plain(f.latency('en', ms))).toBe(text));
  it.each([[18_000, '5 h'], [604_800, '7 d']])('window %d', (s, text) => expect(plain(f.windowLength('en', s))).toBe(text));
  it.each([[999, '999'], [8_420_000, '8.42M']])('compact %d', (value, text) => expect(f.compact('en', value)).toBe(text));
  it('a day away names the weekday', () => {
    const now = new Date(2026, 10, 21, 12, 0).getTime();
    expect(f.when('en', now + f.HOUR, now)).toBe('13:00');
    expect(f.when('en', now + 2 * f.DAY, now)).toBe('Mon 12:00');
    expect(f.when('en', now + 20 * f.DAY, now)).toBe('11 Dec 12:00');
  });
});

describe('quota (F42, F69)', () => {
  it.each([[0, 'calm'], [69.9, 'calm'], [70, 'warn'], [89.9, 'warn'], [90, 'full']])('%d %% used is %s', (used, word) => expect(severity(used)).toBe(word));
  it('shows what is left or what is used', () => {
    expect([shown('remaining', 38), shown('used', 38), shown('remaining', 130)]).toEqual([62, 38, 0]);
  });
  it('a window whose reset has passed is unknown', () => {
    const account = accounts[0]!;
    const later = (account.quota?.primary?.resets_at ?? 0) + 1;
    expect(windows(account.quota, later)[0]?.stale).toBe(true);
    expect(fullest(account, later)).toBe(account.quota?.secondary?.used_percent);
  });
});

describe('the account list (F14, F131)', () => {
  const now = Date.now();
  it('filters by state', () => expect(accounts.filter((one) => matchesState(one, 'exhausted')).map(({ id }) => id)).toEqual(['a2']));
  it('needs every word', () => expect(accounts.filter((one) => matchesText(one, 'relay office')).map(({ id }) => id)).toEqual(['r1']));
  it('a healthy account that may not serve says why (F72, F112)', () => {
    const relay = accounts.find(({ id }) => id === 'r1')!;
    const reached = relay.limits.map((one) => ({ ...one, used: { ...one.used, reached: true, until: 7 } }));
    expect(heldBy(relay)).toBeNull();
    expect(heldBy({ ...relay, limits: reached })).toEqual({ code: 'own_limit', until: 7 });
    expect(heldBy({ ...relay, limits: reached.filter(({ limit }) => limit.model) })).toBeNull();
    expect(heldBy({ ...relay, balance: { ...relay.balance!, low: true } })).toEqual({ code: 'balance_low', until: null });
    expect(matchesState({ ...relay, balance: { ...relay.balance!, unavailable: true } }, 'usable')).toBe(false);
    expect(heldBy({ ...relay, enabled: false, balance: { ...relay.balance!, low: true } })).toBeNull();
  });
  it('sorts by what is left, the unknown last', () => expect(sorted(accounts, 'left', now).map(({ id }) => id).slice(0, 3)).toEqual(['a1', 'a3', 'a2']));
  it('groups by kind in a fixed order', () => expect(byKind([...accounts].reverse()).map(({ kind }) => kind)).toEqual(['codex_oauth', 'relay', 'zai']));
  it.each([
    [['a', 'b', 'c'], 'c', 'a', ['c', 'a', 'b']],
    [['a', 'b', 'c'], 'a', null, ['b', 'c', 'a']],
    [['a', 'b'], 'a', 'a', ['a', 'b']],
  ])('moves in %j', (ids, id, before, result) => expect(moved(ids, id, before)).toEqual(result));
  it('steps stop at the ends', () => {
    expect(stepped(['a', 'b'], 'a', -1)).toEqual(['a', 'b']);
    expect(stepped(['a', 'b'], 'a', 1)).toEqual(['b', 'a']);
  });
  it('masks addresses', () => expect(maskEmails('work@example.com (old)')).toBe('w•••@•••.com (old)'));
});

describe('charts (F69)', () => {
  const one = { account_id: 'a', label: 'a', bucket: null, window: 'primary' as const, length_s: 1, points: [[1000, 10], [2000, 20], [9000, 40]] as [number, number][], gaps: [[3000, 8000]] as [number, number][], resets: [] };
  it('a gap breaks the line', () => expect(columns([one], true)).toEqual({ times: [1, 2, 6, 9], lines: [[10, 20, null, 40]] }));
  it('what only another line knows is joined across', () => {
    const two = { ...one, points: [[1500, 5]] as [number, number][], gaps: [] };
    expect(columns([one, two], false).lines[1]).toEqual([undefined, 95, undefined, undefined]);
  });
  it('a reset breaks the line', () => expect(columns([{ ...one, gaps: [], resets: [6000] }], true).lines[0]).toContain(null));
  it('the near has more room', () => expect(place(10, 0, 100)).toBeGreaterThan(0.3));
  it('labels do not touch', () => expect(lanes([0, 0.05, 0.5, 0.97], 0.2)).toEqual([0, 1, 0, 0]));
  it('no line from one value', () => expect(sparkPath([1], 1).line).toBe(''));
});

describe('forms', () => {
  it.each([['', null], [null, null], [undefined, null], [4, 4], ['0', 0], ['x', null]])('the number of %j', (value, number) => expect(numberOrNull(value)).toBe(number));
  it.each([['', null], [' , ', null], ['a, b\nc*', ['a', 'b', 'c*']]])('the names of %j', (text, names) => expect(namesOrNull(text)).toEqual(names));
  it('headers by line', () => expect(headerLines('x-a: 1:2\n\nbare')).toEqual([{ name: 'x-a', value: '1:2' }, { name: 'bare', value: '' }]));
  it('a moment as the form wants it', () => expect([localTime(null), new Date(localTime(1_800_000_000_000)).getTime()]).toEqual(['', 1_800_000_000_000 - (1_800_000_000_000 % 60_000)]));
  it.each([['openai', 'bearer'], ['responses', 'bearer'], ['codex', 'bearer'], ['anthropic', 'x-api-key'], ['gemini', 'x-goog-api-key']] as const)('a key of %s goes as %s (F100)', (format, auth) => expect(ownAuth(format)).toBe(auth));
});

describe('money and limits (F27, F72, F111)', () => {
  it.each([['12.4031', 'USD', '$12.40'], ['-0.5', 'USD', '-$0.50'], ['1234.567', 'USD', '$1234.56'], ['0.123456789', 'CNY', '¥0.1234'], ['3', 'XYZ', '3 XYZ']])('%s %s', (total, currency, text) => expect(money(total, currency)).toBe(text));
  it('several currencies stand side by side', () => expect(amounts([{ currency: 'USD', total: '1', granted: null, topped_up: null }, { currency: 'CNY', total: '2', granted: null, topped_up: null }])).toBe('$1 · ¥2'));
  const spent = { requests: 3, prompt_tokens: 10, completion_tokens: 5, cost: '0.25', reached: false, since: 0, until: 1, unknown_usage: 0, unpriced: 0 };
  it('a limit says what it counts', () => {
    expect(limitLines({ total_tokens: 100, cost: '2' }, spent)).toEqual([{ kind: 'total_tokens', used: 15, most: 100 }, { kind: 'cost', used: 0.25, most: 2 }]);
    expect(newLimit('cost', 2.5, 7, ' ')).toEqual({ cost: '2.5', period_days: 7, model: null });
    expect(newLimit('requests', 500, null, 'gpt-5*')).toEqual({ requests: 500, period_days: null, model: 'gpt-5*' });
  });
});

describe('a key account that stands in for sign-ins (F49)', () => {
  const relay = accounts.find(({ id }) => id === 'r1') ?? null;
  it.each([
    ['took over by itself', relay, [standIn, ...switches], true],
    ['was chosen by hand', relay, [{ ...standIn, automatic: false }], false],
    ['took over from another key that had', relay, [{ ...standIn, from: { id: 'r2', label: '' } }, { ...standIn, to: { id: 'r2', label: '' } }], true],
    ['is not the one switched to', relay, switches, false],
    ['a sign-in never stands in', accounts[0] ?? null, [{ ...standIn, to: { id: 'a1', label: '' } }], false],
    ['nobody is active', null, [standIn], false],
  ])('%s', (_name, active, list, expected) => expect(standsIn(active, list, accounts)).toBe(expected));
});

describe('texts to take away', () => {
  it('CSV quotes, and disarms formulas', () => expect(csv(['a', 'b'], [['x,"y"', '=1+1'], [null, -3]])).toBe('a,b\r\n"x,""y""",\'=1+1\r\n,-3\r\n'));
  it('JSON names its cells', () => expect(JSON.parse(json(['a'], [[1]]))).toEqual([{ a: 1 }]));
  it('snippets hold the address and never a key', () => {
    const urls = { openai: 'http://127.0.0.1:8787/v1', anthropic: 'http://127.0.0.1:8787', gemini: 'http://127.0.0.1:8787' };
    const all = clientCards(urls, 'm').flatMap(({ snippets }) => snippets);
    expect(all.filter(({ text }) => text.includes('127.0.0.1:8787')).length).toBeGreaterThanOrEqual(10);
    expect(all.some(({ text }) => /sk-/.test(text))).toBe(false);
  });
});

describe('lines of the quota chart', () => {
  const lines = [
    { bucket: null, window: 'primary' }, { bucket: null, window: 'secondary' }, { bucket: 'mini', window: 'primary' }, { bucket: 'mini', window: 'secondary' }, { bucket: 'spark', window: 'primary' },
  ] as const;
  it("a model's limit has one colour, its long window dashed; the plan's own keep theirs", () =>
    expect(lines.map((_, index) => lineLook([...lines], index))).toEqual([
      { colour: '--accent', dashed: false }, { colour: '--series-2', dashed: false }, { colour: '--series-3', dashed: false }, { colour: '--series-3', dashed: true }, { colour: '--series-4', dashed: false },
    ]));
});

describe('settings by subject', () => {
  const keys = (section: Section) => grouped(['server.port', 'proxy.url', 'ui.theme', 'backup.keep', 'codex.base_url', 'something.new'].map((key) => ({ key }) as Setting), section).map(({ group, settings }) => [group, settings.map(({ key }) => key)]);
  it.each([
    ['gateway', [['server', ['server.port']], ['proxy', ['proxy.url']]]],
    ['data', [['backup', ['backup.keep']]]],
    ['advanced', [['codex', ['codex.base_url']], ['other', ['something.new']]]],
    ['general', []],
  ] as const)('%s', (section, found) => expect(keys(section)).toEqual(found));
});

describe('a passphrase typed twice', () => {
  it.each([['', '', null], ['short', '', 'short'], ['long enough', '', null], ['long enough', 'long', 'differ'], ['long enough', 'long enough', null]] as const)('%j %j', (phrase, again, fault) => expect(passphraseFault(phrase, again)).toBe(fault));
});
