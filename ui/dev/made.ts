// Realistic answers for development and pictures: everybody here is made up.
import type * as T from '../src/ipc/types';

export const NOW = Date.now();
const H = 3_600_000;
const D = 24 * H;

const quota = (p: number, pIn: number, s: number, sIn: number, plan: string): T.Quota => ({
  buckets: plan === 'team' ? [{ name: 'gpt-5.4-mini', primary: { used_percent: 12, length_s: 18_000, resets_at: NOW + pIn }, secondary: null }] : [], credits: plan === 'team' ? { balance: '42.5', has: true, unlimited: false } : null, plan, captured_at: NOW - 90_000, source: 'header',
  primary: { used_percent: p, length_s: 18_000, resets_at: NOW + pIn },
  secondary: { used_percent: s, length_s: 604_800, resets_at: NOW + sIn },
});

const base: T.Account = {
  active: false, added_at: NOW - 60 * D, allowed_models: null, base_url: null, cancelled: 3, demo: false, email: null, enabled: true, excluded: false, expires_at: NOW + 9 * D,
  export_count: 0, exported_at: null, failures: 4, format: 'codex', group: null, health: 'active', hold: null, id: '', kind: 'codex_oauth', known_models: ['gpt-5.6-sol', 'gpt-5.5', 'gpt-5.4-mini'],
  label: '', last_error: null, last_success_at: NOW - 60_000, last_used_at: NOW - 45_000, notes: null, plan: 'plus', position: 0, priority: 50, proxy: null, quota: null, reason: null,
  balance: null, limits: [], score: 80, slots: null, refreshable: true, remaining_percent: null, requests: 812, reserve_percent: null, running: 0, successes: 803, usable_again_at: null,
};

export const spent = (requests: number, reached = false): T.Spent => ({ requests, prompt_tokens: requests * 9800, completion_tokens: requests * 610, cost: '1.92', reached, since: NOW - 14 * H, until: NOW + 10 * H, unknown_usage: 0, unpriced: 0 });

export const accounts: T.Account[] = [
  { ...base, id: 'a1', label: 'work@example.com', email: 'w•••@example.com', active: true, running: 2, quota: quota(38, 2.3 * H, 59, 3.2 * D, 'team'), reserve_percent: 10 },
  { ...base, score: 0, id: 'a2', label: 'home@example.org', email: 'h•••@example.org', position: 1, health: 'exhausted', reason: 'quota used up', usable_again_at: NOW + 1.2 * H, hold: { guessed: false, source: 'quota', until: NOW + 1.2 * H }, quota: quota(100, 1.2 * H, 82, 1.6 * D, 'plus'), last_error: { at: NOW - H, code: 'usage_limit' } },
  { ...base, id: 'a3', label: 'studio-with-a-rather-long-name@mail.example.com', email: 's•••@mail.example.com', position: 2, quota: quota(74, 4.1 * H, 21, 5.8 * D, 'pro'), excluded: true },
  { ...base, id: 'a4', label: 'old@example.net', email: 'o•••@example.net', position: 3, health: 'needs_login', reason: 'refresh refused', quota: null, expires_at: NOW - 2 * D, last_used_at: NOW - 3 * D },
  { ...base, id: 'r1', label: 'Office relay', kind: 'relay', format: 'openai', base_url: 'https://relay.example.com/v1', position: 4, plan: null, expires_at: null, known_models: ['gpt-5.5', 'claude-sonnet-5'], requests: 140, failures: 11, slots: 4, group: 'team', balance: { adapter: 'openai_billing', amounts: [{ currency: 'USD', total: '12.4031', granted: '2.00', topped_up: '10.4031' }], checked_at: NOW - 240_000, chosen: true, error: null, low: false, ok: true, threshold: '0.20', unavailable: false }, limits: [{ limit: { requests: 500, model: 'gpt-5*', period_days: 1 }, used: spent(412) }, { limit: { cost: '20', period_days: 30 }, used: { ...spent(1980), cost: '6.118' } }] },
  { ...base, id: 'r2', label: 'Backup relay', kind: 'relay', format: 'anthropic', base_url: 'https://backup.example.net', position: 5, plan: null, expires_at: null, health: 'cooling', reason: 'failures', usable_again_at: NOW + 180_000, known_models: ['claude-sonnet-5'], balance: { adapter: 'deepseek', amounts: [{ currency: 'CNY', total: '0.11', granted: null, topped_up: null }], checked_at: NOW - 40_000, chosen: false, error: null, low: true, ok: true, threshold: '0.20', unavailable: false } },
  { ...base, id: 'z1', label: 'Z.AI coding', kind: 'zai', format: 'openai', base_url: 'https://zai.example.com/api/coding/paas/v4', position: 6, plan: null, expires_at: null, known_models: ['glm-4.5', 'glm-4.5-air'], enabled: false, health: 'disabled', reason: 'switched off' },
];

/** A key account that took over from the last sign-in (F49). */
export const standIn: T.SwitchRow = { at: NOW - 60_000, automatic: true, avoided: false, from: { id: 'a1', label: 'work@example.com' }, to: { id: 'r1', label: 'Office relay' }, reason: 'exhausted', back_at: NOW + 2 * H };

export const switches: T.SwitchRow[] = [
  { at: NOW - 42 * 60_000, automatic: true, avoided: false, from: { id: 'a2', label: 'home@example.org' }, to: { id: 'a1', label: 'work@example.com' }, reason: 'exhausted', back_at: NOW + 1.2 * H },
  { at: NOW - 5 * H, automatic: false, avoided: false, from: { id: 'a1', label: 'work@example.com' }, to: { id: 'a2', label: 'home@example.org' }, reason: 'manual', back_at: null },
  { at: NOW - 26 * H, automatic: true, avoided: true, from: { id: 'a3', label: 'studio-with-a-rather-long-name@mail.example.com' }, to: { id: 'a1', label: 'work@example.com' }, reason: 'threshold', back_at: null },
];

export function status(list: T.Account[]): T.Status {
  return {
    accounts: list, auto_switch: true, automatic: false, demo: list.some(({ demo }) => demo), desktop: true, home: '/home/me/.local/share/switchyard', icon_state: 'running', key_masked: 'sk-sw…3f9c', notices: [],
    saving_power: false, waiting: 1, groups: [{ name: 'team', limit: 4, running: 2 }], offline: false, paused: false, paused_until: null, policy: 'active', running: 3, serving: true, url: 'http://127.0.0.1:8787', vault: 'OS keychain', version: '0.1.0',
    urls: { openai: 'http://127.0.0.1:8787/v1', anthropic: 'http://127.0.0.1:8787', gemini: 'http://127.0.0.1:8787' },
  };
}

const wave = (i: number, a: number, b: number) => Math.max(0, Math.round(a + b * Math.sin(i / 3.1) + b * 0.7 * Math.sin(i / 1.3)));

export const today: T.Today = {
  requests: 846, errors: 7, tokens_in: 8_420_000, tokens_out: 512_300,
  spark: Array.from({ length: 48 }, (_, i) => ({ t: NOW - (48 - i) * 1_800_000, requests: i < 14 ? (i % 5 === 0 ? 2 : 0) : wave(i, 24, 14), errors: i % 17 === 11 ? 2 : 0 })),
};

export function overview(list: T.Account[]): T.Overview {
  const resets = list.flatMap((one) =>
    (['primary', 'secondary'] as const).flatMap((window) => {
      const found = one.quota?.[window];
      return found?.resets_at ? [{ account_id: one.id, label: one.label, window, length_s: found.length_s, resets_at: found.resets_at, used_percent: found.used_percent }] : [];
    }),
  );
  const attention: T.Attention[] = list.filter(({ health }) => health === 'needs_login').map(({ id, label }) => ({ account_id: id, label, problem: 'needs_login', action: 'sign_in', detail: null }));
  const none = list.length === 0;
  return { status: status(list), active: list.find(({ active }) => active) ?? null, resets, attention, today: none ? { ...today, requests: 0, errors: 0, tokens_in: 0, tokens_out: 0, spark: today.spark.map((one) => ({ ...one, requests: 0, errors: 0 })) } : today, switches: none ? [] : switches };
}

export function history(from: number, to: number, id: string | null): T.QuotaHistory {
  const account = accounts.find((one) => one.id === id) ?? accounts[0];
  const make = (window: T.WindowName, length: number, end: number, bucket: string | null = null): T.HistorySeries => {
    const reset = account?.quota?.[window]?.resets_at ?? to;
    const points: [number, number][] = [];
    const resets: number[] = [];
    const gap: [number, number] = [from + (to - from) * 0.34, from + (to - from) * 0.39];
    const step = (to - from) / 240;
    for (let t = from; t <= to; t += step) {
      const phase = (((t - reset) % length) + length) % length / length;
      const last = t > reset - length;
      if (t > gap[0] && t < gap[1]) continue;
      points.push([t, Math.min(100, phase ** 1.25 * (last ? end / Math.max(0.05, (((to - reset) % length) + length) % length / length) ** 1.25 : 88))]);
    }
    for (let t = reset - length; t > from; t -= length) resets.push(t);
    return { account_id: account?.id ?? '', label: account?.label ?? '', bucket, window, length_s: length / 1000, points, gaps: [gap], resets };
  };
  return {
    series: [make('primary', 5 * H, account?.quota?.primary?.used_percent ?? 30), make('secondary', 7 * D, account?.quota?.secondary?.used_percent ?? 50), ...(account?.quota?.buckets ?? []).map(({ name }) => make('primary', 11 * H, 12, name))],
    forecast: [{ account_id: account?.id ?? '', bucket: null, window: 'primary', empty_at: NOW + 1.7 * H }],
    from, to,
  } as T.QuotaHistory;
}

const sums = (key: string, label: string, requests: number): T.UsageRow => ({ key, label, requests, successes: Math.round(requests * 0.95), failures: Math.round(requests * 0.02), cancelled: Math.round(requests * 0.03), input_tokens: requests * 9800, output_tokens: requests * 610, cached_tokens: requests * 7200, reasoning_tokens: requests * 220, unknown_usage: Math.round(requests * 0.01), cost: requests > 200 ? (requests * 0.0131).toFixed(4) : null, unpriced: requests > 200 ? 4 : requests, images: requests > 200 ? 12 : 0 });

export function usage(from: number, to: number, group: string): T.Usage {
  const names: Record<string, [string, string, number][]> = {
    account: accounts.slice(0, 5).map((one, i) => [one.id, one.label, [1420, 910, 388, 60, 140][i] ?? 10]),
    model: [['gpt-5.6-sol', 'gpt-5.6-sol', 1900], ['gpt-5.5', 'gpt-5.5', 720], ['claude-sonnet-5', 'claude-sonnet-5', 298]],
    client: [['default', 'default', 2100], ['editor', 'editor', 660], ['ci', 'ci', 158]],
    route: [['/v1/responses', '/v1/responses', 1900], ['/v1/messages', '/v1/messages', 860], ['/v1/chat/completions', '/v1/chat/completions', 158]],
  };
  const rows = (names[group] ?? []).map(([key, label, n]) => sums(key, label, n));
  const days = Array.from({ length: Math.max(1, Math.round((to - from) / D)) }, (_, i) => ({ day: Math.floor(from / D) * D + i * D, rows: [sums('all', 'all', wave(i + 4, 380, 140))] }));
  return { rows, days };
}

const MODELS = ['gpt-5.6-sol', 'gpt-5.5', 'claude-sonnet-5', 'gpt-5.4-mini'];
export const journal: T.RequestRow[] = Array.from({ length: 60 }, (_, i) => {
  const failed = i % 13 === 5;
  const cancelled = i % 17 === 9;
  const moved = i % 9 === 2;
  const account = accounts[[0, 0, 2, 4][i % 4] ?? 0] ?? base;
  const first = 240 + ((i * 137) % 1900);
  return {
    account: account.label, account_id: account.id, dialect: 'responses', duration_ms: first + 900 + ((i * 911) % 14_000), endpoint: i % 5 === 3 ? '/v1/messages' : '/v1/responses', error_code: failed ? 'usage_limit' : null, first_byte_ms: failed ? null : first,
    input_tokens: failed ? null : 1200 + ((i * 7919) % 42_000), output_tokens: failed ? null : 40 + ((i * 331) % 2400), cached_tokens: failed ? null : 900, reasoning_tokens: null, key: ['default', 'editor', 'ci'][i % 3] ?? null, losses: [],
    model: MODELS[i % 4] ?? null, model_served: i % 4 === 3 ? 'gpt-5.5' : (MODELS[i % 4] ?? null), outcome: failed ? 'failed' : cancelled ? 'cancelled' : 'completed', request_id: `req_${(0x51a3c7 + i * 7919).toString(16)}`, seq: 600 - i, started_at: NOW - i * 71_000, status: failed ? 429 : cancelled ? null : 200, stream: true,
    attempts: [...(moved ? [{ account: 'home@example.org', account_id: 'a2', duration_ms: 180, outcome: 'usage_limit', reason: null, status: 429 }] : []), { account: account.label, account_id: account.id, duration_ms: first + 900, outcome: failed ? 'usage_limit' : 'success', reason: null, status: failed ? 429 : 200 }],
  } as T.RequestRow;
});

const setting = (key: string, value: unknown, allowed: string, doc: string, source: T.Setting['source'] = 'default'): T.Setting => ({ key, value, default: value, source, locked_by: source === 'env' ? 'SWITCHYARD_LOG_LEVEL' : null, apply: key.startsWith('server.host') || key === 'server.port' ? 'restart' : 'live', allowed, doc });
export const settings: T.Setting[] = [
  setting('server.host', '127.0.0.1', 'an IP address or a host name', 'Address the gateway listens on. Anything but loopback lets other machines in.'),
  setting('server.port', 8787, '0 to 65535', 'Port the gateway listens on; where it is taken, the next free one of the following 20.', 'file'),
  setting('server.account_header', true, 'true or false', 'Answers name the account that served them in x-switchyard-account.'),
  setting('rotation.mode', 'active', 'active, round_robin, most_headroom, least_recently_used, fill_first, least_used, priority, pace_aware', 'How an account is chosen for a request.'),
  setting('auto_switch.enabled', true, 'true or false', 'The active account changes by itself when it is exhausted.', 'file'),
  setting('retry.max', 2, '0 to 20', 'Further attempts after the first one, each on another account.'),
  setting('retry.deadline_s', 120, '1 to 3600 seconds', 'Time for all attempts together, up to the first byte of the answer.'),
  setting('timeouts.connect_s', 5, '1 to 120 seconds', 'Time to connect to an upstream.'),
  setting('proxy.enabled', false, 'true or false', 'Upstreams are reached through proxy.url.'),
  setting('proxy.no_proxy', 'localhost,127.0.0.1,::1', 'host, .suffix, IP, CIDR or *', 'What is reached directly, with commas.'),
  setting('limits.body_mib', 32, '1 to 1024 MiB', 'Largest request body, decoded.'),
  setting('backup.keep', 7, '0 to 100 backups', 'Daily backups of the database that are kept in the home; each day one is made. 0: none is made.'),
  setting('import.folder', null, 'the whole path of a folder', 'Account files that appear in this folder are imported within 30 seconds. The files are never changed.'),
  setting('log.level', 'info', 'error, warn, info, debug', 'What is logged.', 'env'),
  setting('rotation.within_tier', 'round_robin', 'round_robin, most_headroom, least_recently_used, fill_first, least_used, pace_aware', 'How an account is chosen among those of one priority, in the mode priority.'),
  setting('rotation.account_slots', 0, '0 to 1000 requests', 'Requests at once on an account that has no number of its own. 0: no limit.'),
  setting('rotation.group_limits', ['team=4'], 'group=number each, such as team=4', 'Requests at once over all accounts of a group.', 'file'),
  setting('rotation.spacing_ms', 0, '0 to 60000 milliseconds', 'Least time between two starts on one account, give or take 30 %. 0: none.'),
  setting('rotation.most_requests', 0, '0 to 100000 requests', 'Requests at once over all accounts; above it the answer is 503. 0: no limit.'),
  setting('rotation.queue_wait_s', 30, '0 to 600 seconds', 'How long a request waits, first come first served, while every account that could serve it is busy. 0: it fails at once.'),
  setting('rotation.queue_length', 100, '0 to 10000 requests', 'How many requests may wait for a busy account; the next one fails at once.'),
  setting('quota.query_min', 15, '0 to 1440 minutes', 'How often the providers of sign-ins are asked for their quota; it costs none. 0: never by itself.'),
  setting('balance.poll', true, 'true or false', 'Providers are asked by themselves what is left of an account’s money.'),
  setting('usage.prices', [], 'model=input/cached/output, such as my-model=1.25/0.125/10', 'Prices in USD for a million tokens (input, cached input, output), beside and before those the program knows.'),
  setting('models.default', null, 'a model name', 'Model of requests that name none.'),
  setting('models.patterns', ['claude-*opus*=gpt-5.6-sol', 'claude-*=gpt-5.5'], 'pattern=model, where * in the pattern stands for anything', 'Names of other vendors’ models that sign-ins serve with a model of theirs; the first match counts.', 'file'),
  setting('models.list_suffixes', false, 'true or false', 'The model list also names sign-ins’ models with every thinking suffix.'),
  setting('models.direct_only', false, 'true or false', 'Key accounts serve requests of their own format only; nothing is translated for them.'),
  setting('thinking.default_effort', null, 'none, minimal, low, medium, high, xhigh or max', 'Reasoning effort of sign-ins where neither the model’s name nor the request says one.'),
  setting('thinking.output', 'field', 'field, think_tags, off', 'How translated Chat answers show reasoning: in a field of its own, in <think> tags, or not.'),
  setting('journal.rows', 2000, '0 to 1000000 rows', 'Requests kept in the journal.'),
];

export const modelLists = (list: T.Account[]): T.ModelList[] => list.map(({ id, label, known_models, kind }, i) => ({
  id, label, models: known_models ?? [], at: i === 3 ? null : NOW - (i + 1) * 2.4 * H, source: i === 3 ? 'built_in' : kind === 'codex_oauth' ? 'upstream' : 'stored', problem: id === 'r2' ? 'The provider answered 503. The list is the one before.' : null,
}));
export const names: T.ModelNames = {
  aliases: [
    { alias: 'fast', model: 'gpt-5.4-mini', leads_to: 'gpt-5.4-mini', group: null, accounts: ['work@example.com', 'home@example.org'] },
    { alias: 'claude', model: 'fast', leads_to: 'gpt-5.4-mini', group: 'team', accounts: ['Office relay'] },
    { alias: 'big', model: 'gpt-6-not-there', leads_to: 'gpt-6-not-there', group: null, accounts: [] },
  ],
  default_effort: null, default_model: null, levels: {}, patterns: [{ pattern: 'claude-*', model: 'gpt-5.5' }],
};

export const models: T.Model[] = [...MODELS, 'glm-4.5'].map((id) => ({ id, owned_by: 'upstream', accounts: ['work@example.com'], dialects: ['responses'], source: 'upstream' }));

export const options = (one: T.Account): T.AccountOptions => ({
  capabilities: [], id: one.id, auth: one.kind === 'codex_oauth' ? null : 'bearer', auth_chosen: false, effort: null, headers: one.kind === 'relay' ? [{ name: 'x-team', value: 'studio' }] : [], notice: null, preset: null, reads_suffixes: false,
  request_url: one.base_url ? `${one.base_url}/chat/completions` : null, turns: one.id === 'r1' ? { models: ['gpt-5.5', 'claude-sonnet-5'], every: 5 } : null, wires: [],
});

const preset = (name: string, title: string, base_url: string, more: Partial<T.RelayPreset> = {}): T.RelayPreset => ({ name, title, base_url, auth: 'bearer', balance: null, format: 'openai', group: null, kind: 'provider_key', local: false, models: [], notice: null, ...more });
export const presets: T.RelayPreset[] = [
  preset('openrouter', 'OpenRouter', 'https://openrouter.example.com/api/v1', { balance: 'openrouter' }),
  preset('zai-coding', 'Z.AI, coding plan', 'https://zai.example.com/api/coding/paas/v4', { kind: 'zai', group: 'zai', balance: 'zai', notice: 'The coding plan is licensed for use in coding tools only. Use the general route for anything else.' }),
  preset('anthropic', 'Anthropic', 'https://anthropic.example.com/v1', { auth: 'x-api-key', format: 'anthropic' }),
  preset('ollama', 'Ollama', 'http://127.0.0.1:11434/v1', { local: true }),
];

const plainKey: T.GatewayKey = { name: 'default', masked: 'sk-sw…3f9c', created_at: NOW - 6e9, enabled: true, expired: false, expires_at: null, allowed_models: null, max_concurrency: null, budget: null, locked_by: null };
export const keys: T.GatewayKey[] = [
  plainKey,
  { ...plainKey, name: 'editor', masked: 'sk-sw…a01d', created_at: NOW - 9e8, allowed_models: ['gpt-5*'], max_concurrency: 4, expires_at: NOW + 20 * D, budget: { budget: { tokens: 20_000_000, usd: '25', period_days: 30 }, used: { ...spent(1240), cost: '16.2231' } } },
  { ...plainKey, name: 'ci', masked: 'sk-sw…77be', enabled: false },
];

/** The first usable account serves; every other says why not, until when and who told so. */
export function explain(list: T.Account[]): T.Explain[] {
  const told = list.map((one): T.Explain => {
    const serves = one.health === 'active';
    const code = one.balance?.low ? 'balance_low' : one.health === 'disabled' ? 'disabled' : one.health;
    return { id: one.id, label: one.label, because: serves ? (one.active ? 'the active account' : 'next in your order after the active account') : null, code: serves ? null : code, reason: serves ? null : one.reason, rank: serves ? 1 : null, source: serves ? null : one.health === 'exhausted' ? 'header' : one.health === 'cooling' ? 'failures' : null, until: serves ? null : one.usable_again_at };
  });
  let rank = 0;
  return told.sort((a, b) => (a.rank ?? 99) - (b.rank ?? 99)).map((one) => (one.rank === null ? one : { ...one, rank: (rank += 1) }));
}

export const backups: T.Backup[] = [
  { name: 'b3', made_at: NOW - 9 * H, sort: 'daily', bytes: 1_240_000 },
  { name: 'b2', made_at: NOW - 20 * H, sort: 'by_hand', bytes: 1_180_000 },
  { name: 'b1', made_at: NOW - 33 * H, sort: 'migration', bytes: 880_000 },
];

export const backupPreview = (name: string): T.BackupPreview => ({
  backup: backups.find((one) => one.name === name) ?? (backups[0] as T.Backup), last_request_at: NOW - 9.1 * H, removed: ['Backup relay'],
  accounts: accounts.slice(0, 4).map(({ label, email, kind }, i) => ({ label, email, kind, here: i !== 2, credential: i !== 3 })),
});

export const restored: T.Restored = {
  secrets: false, keys: ['editor'],
  settings: [{ key: 'retry.max', from: 2, to: 4, kept: null }, { key: 'log.level', from: 'info', to: 'debug', kept: 'SWITCHYARD_LOG_LEVEL' }],
  accounts: accounts.slice(0, 3).map(({ label, email, kind }, i) => ({ label, email, kind, action: i === 0 ? 'update' : 'new', credential: (['kept', 'restored', 'missing'] as const)[i] ?? 'missing' })),
};

export const reached: T.Reached[] = [
  { host: 'https://chat.example.com', latency_ms: 184, problem: null, proxy: null, standing: 'ok', status: 200 },
  { host: 'https://relay.example.com', latency_ms: 92, problem: null, proxy: null, standing: 'limited', status: 403 },
  { host: 'https://backup.example.net', latency_ms: 5000, problem: 'The name is not known. Look at the address.', proxy: null, standing: 'down', status: null },
];

export const diagnostics = `Switchyard 0.1.0 · linux\n\n== Settings ==\nserver.port = 8787 (file)\n\n== Last 500 requests ==\n${journal.slice(0, 12).map((one) => `${new Date(one.started_at).toISOString()} ${one.model ?? '-'} ${one.status ?? '-'} ${one.duration_ms} ms`).join('\n')}\n`;

export const latency: T.Latency[] = accounts.slice(0, 5).map(({ id, label }, i) => ({
  account_id: id, account_label: label, model: MODELS[i % 4] ?? '', requests: [1420, 910, 388, 60, 140][i] ?? 1, average_ms: 2400 + i * 700, p95_ms: 8200 + i * 1900, first_byte_average_ms: i === 3 ? null : 420 + i * 90, first_byte_p95_ms: i === 3 ? null : 1300 + i * 200, tokens_per_second: i === 4 ? null : 92 - i * 11,
}));
