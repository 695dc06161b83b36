// The in-memory server of development and tests: answers every call the page makes, with a little life in it.
// `?faces=loading|error|empty` shows the other faces; `?console` plays the browser console. Never in the shipped bundle.
import { ApiError, type Method, type Transport } from '../src/ipc/transport';
import type * as T from '../src/ipc/types';
import * as made from './made';

const faces = new URLSearchParams(location.search).get('faces');
let list: T.Account[] = faces === 'empty' ? [] : made.accounts.map((one) => ({ ...one }));
let aliases = made.names.aliases;
const standin = new URLSearchParams(location.search).has('standin');
let paused = false;
let started = 0;

const find = (id: string) => {
  const found = list.find((one) => one.id === id);
  if (!found) throw new ApiError(404, 'not_found', 'no such account');
  return found;
};
const change = (id: string, patch: Partial<T.Account>) => {
  find(id);
  list = list.map((one) => (one.id === id ? { ...one, ...patch } : one));
  return find(id);
};
const signIn = (state: T.SignIn['state']): T.SignIn => ({ account: null, error: null, expires_at: started + 300_000, id: 's1', kind: 'browser', listening: true, other: null, state, terms: list.length > 0, url: 'https://auth.example.com/authorize?state=…', user_code: 'QRTW-8KDM', verification_url: 'https://auth.example.com/device' });
const report = (dry: boolean): T.ImportReport => ({
  added: dry ? 0 : 2, updated: dry ? 0 : 1, failed: 0, errors: [],
  items: (['new', 'new', 'update', 'duplicate_in_file'] as const).map((action, i) => ({ action, email: null, expires_at: i === 1 ? made.NOW - 1000 : made.NOW + 8e8, id: null, item: i + 1, kind: 'codex_oauth' as const, label: ['lab@example.org', 'night@example.com', 'work@example.com', 'lab@example.org'][i] ?? '', plan: i === 1 ? 'plus' : 'team' })),
});

type Handler = (body: never, query: URLSearchParams, id: string) => unknown;
const routes: [string, RegExp, Handler][] = [
  ['GET', /^\/overview$/, () => {
    const o = made.overview(standin ? list.map((one) => ({ ...one, active: one.id === 'r1' })) : list);
    o.status.paused = paused;
    if (standin) o.switches = [made.standIn, ...o.switches];
    return o;
  }],
  ['GET', /^\/status$/, () => made.status(list)],
  ['POST', /^\/pause$/, () => { paused = true; return made.status(list); }],
  ['POST', /^\/resume$/, () => { paused = false; return made.status(list); }],
  ['GET', /^\/accounts$/, () => list],
  ['POST', /^\/accounts\/order$/, (body: { ids: string[] }) => (list = list.map((one) => ({ ...one, position: body.ids.indexOf(one.id) })))],
  ['POST', /^\/accounts\/import(-codex|\/files)?$/, (body: { dry_run?: boolean } | undefined, query) => report(body?.dry_run ?? query.get('dry_run') === 'true')],
  ['GET', /^\/presets$/, () => made.presets],
  ['POST', /^\/accounts\/many$/, (body: T.NewAccounts) => ({ accounts: body.keys.split(/\s+/).filter(Boolean).map((_, i) => ({ ...find('r1'), id: `m${i}`, label: `${body.label} ${i + 1}`, limits: [], position: list.length + i })), duplicates: 1, failed: [{ line: 3, message: 'That is not a key: it holds a space.' }] })],
  ['POST', /^\/accounts\/balance$/, () => ({ ok: 2, failed: 0 })],
  ['POST', /^\/accounts\/([^/]+)\/balance$/, (_b, _q, id) => find(id)],
  ['PATCH', /^\/accounts\/([^/]+)\/balance$/, (body: T.BalancePatch, _q, id) => change(id, { balance: { ...(find(id).balance as T.Balance), threshold: body.threshold ?? '0.20' } })],
  ['PUT', /^\/accounts\/([^/]+)\/limits$/, (body: { limits: T.Limit[] }, _q, id) => change(id, { limits: body.limits.map((limit) => ({ limit, used: made.spent(12) })) })],
  ['GET', /^\/accounts\/([^/]+)\/options$/, (_b, _q, id) => made.options(find(id))],
  ['PATCH', /^\/accounts\/([^/]+)\/options$/, (body: T.AccountOptionsPatch, _q, id) => ({ ...made.options(find(id)), ...body })],
  ['POST', /^\/accounts\/(quota|refresh)$/, () => []],
  ['POST', /^\/accounts$/, (body: T.NewAccount) => { const one = { ...find('r1'), id: `n${list.length}`, label: body.label, position: list.length }; list = [...list, one]; return one; }],
  ['PATCH', /^\/accounts\/([^/]+)$/, (body: Partial<T.Account>, _q, id) => change(id, body)],
  ['DELETE', /^\/accounts\/([^/]+)$/, (_b, _q, id) => { list = list.filter((one) => one.id !== id); return null; }],
  ['POST', /^\/accounts\/([^/]+)\/activate$/, (_b, _q, id) => { list = list.map((one) => ({ ...one, active: one.id === id })); return find(id); }],
  ['POST', /^\/accounts\/([^/]+)\/enable$/, (_b, _q, id) => change(id, { enabled: true, health: 'active', reason: null })],
  ['POST', /^\/accounts\/([^/]+)\/disable$/, (_b, _q, id) => change(id, { enabled: false, health: 'disabled', reason: 'switched off' })],
  ['POST', /^\/accounts\/([^/]+)\/try-now$/, (_b, _q, id) => change(id, { health: 'active', reason: null, usable_again_at: null })],
  ['POST', /^\/accounts\/([^/]+)\/test$/, () => ({ ok: true, status: 200, latency_ms: 1240, first_byte_ms: 420, model: 'gpt-5.5', text: 'Hello!', error: null })],
  ['POST', /^\/accounts\/([^/]+)\/(quota|refresh)$/, (_b, _q, id) => find(id)],
  ['POST', /^\/relay\/preview$/, (body: { base_url: string }) => ({ base_url: body.base_url, problem: /^https?:\/\/./.test(body.base_url) ? null : 'Begin with https://', urls: { request: `${body.base_url.replace(/\/+$/, '')}/chat/completions`, models: `${body.base_url.replace(/\/+$/, '')}/models` } })],
  ['POST', /^\/relay\/models$/, () => ({ latency_ms: 210, models: ['gpt-5.5', 'claude-sonnet-5', 'glm-4.5'] })],
  ['POST', /^\/signin$/, () => { started = Date.now(); return signIn('waiting'); }],
  ['GET', /^\/signin\//, () => signIn('waiting')],
  ['POST', /^\/signin\//, () => signIn('exchanging')],
  ['DELETE', /^\/signin\//, () => signIn('cancelled')],
  ['GET', /^\/quota\/history$/, (_b, query) => made.history(Number(query.get('from')), Number(query.get('to')), query.get('account'))],
  ['GET', /^\/usage$/, (_b, query) => (faces === 'empty' ? { rows: [], days: [] } : made.usage(Number(query.get('from')), Number(query.get('to')), query.get('group') ?? 'account'))],
  ['POST', /^\/switches\/undo$/, () => list[0]],
  ['GET', /^\/journal$/, (_b, query) => (faces === 'empty' ? [] : made.journal.filter((one) => (!query.get('outcome') || one.outcome === query.get('outcome')) && (!query.get('text') || one.model?.includes(query.get('text') ?? ''))))],
  ['GET', /^\/models\/names$/, () => (faces === 'empty' ? { ...made.names, aliases: [] } : { ...made.names, aliases })],
  ['GET', /^\/models\/lists$/, () => made.modelLists(list)],
  ['POST', /^\/models\/refresh$/, () => made.modelLists(list)],
  ['PUT', /^\/models\/aliases\/([^/]+)$/, (body: { model: string; group: string | null }, _q, alias) => {
    if (alias === body.model) throw new ApiError(400, 'invalid', `models.aliases goes in a circle: ${alias} → ${alias}. Allowed: chains of at most 20 that end at a model.`);
    const set: T.Alias = { alias, model: body.model, group: body.group, leads_to: body.model, accounts: ['work@example.com'] };
    aliases = [...aliases.filter((one) => one.alias !== alias), set];
    return set;
  }],
  ['DELETE', /^\/models\/aliases\/([^/]+)$/, (_b, _q, alias) => { aliases = aliases.filter((one) => one.alias !== alias); return null; }],
  ['GET', /^\/models$/, () => (faces === 'empty' ? [] : made.models)],
  ['GET', /^\/explain$/, () => made.explain(list)],
  ['GET', /^\/keys$/, () => made.keys],
  ['PATCH', /^\/keys\/([^/]+)$/, (body: T.KeyPatch, _q, name) => ({ ...made.keys.find((one) => one.name === name), enabled: body.enabled ?? true })],
  ['GET', /^\/settings$/, () => made.settings],
  ['PUT', /^\/settings\/(.+)$/, () => made.settings[0]],
  ['GET', /^\/backups$/, () => ({ backups: faces === 'empty' ? [] : made.backups, offered: null, pending: false })],
  ['POST', /^\/backups$/, () => made.backups[0]],
  ['GET', /^\/backups\/([^/]+)$/, (_b, _q, name) => made.backupPreview(name)],
  ['POST', /^\/backups\/([^/]+)\/restore$/, () => null],
  ['POST', /^\/backup\/file$/, (body: { path: string; passphrase: string | null }) => ({ path: body.path, accounts: 7, settings: 5, secrets: body.passphrase !== null })],
  ['POST', /^\/backup\/file\/restore$/, () => made.restored],
  ['DELETE', /^\/(journal|usage|quota\/history)$/, () => ({ count: 42 })],
  ['POST', /^\/accounts\/log-out$/, () => ({ count: 4 })],
  ['POST', /^\/reset$/, () => null],
  ['POST', /^\/proxy\/test$/, (body: { url: string | null }) => ({ ...made.reached[0], proxy: body.url })],
  ['POST', /^\/network\/test$/, () => made.reached],
  ['GET', /^\/diagnostics$/, () => ({ text: made.diagnostics })],
  ['POST', /^\/diagnostics\/file$/, () => null],
  ['POST', /^\/demo\/accounts$/, () => { list = [...list, { ...made.accounts[0], id: 'd1', label: 'Demo 1', demo: true, active: list.length === 0, position: list.length } as T.Account]; return { accounts: list }; }],
  ['DELETE', /^\/demo\/accounts$/, () => { list = list.filter(({ demo }) => !demo); return null; }],
];

async function call<R>(method: Method, path: string, body?: unknown): Promise<R> {
  await Promise.resolve();
  if (faces === 'loading') return new Promise<R>(() => undefined);
  if (faces === 'error') throw new ApiError(423, 'vault_locked', 'The vault is locked. Unlock it in the system’s keychain.');
  const url = new URL(path, 'http://fake');
  for (const [verb, shape, handler] of routes) {
    const found = verb === method && shape.exec(url.pathname);
    if (found) return structuredClone(handler(body as never, url.searchParams, decodeURIComponent(found[1] ?? ''))) as R;
  }
  throw new ApiError(404, 'not_found', `no fake answer for ${method} ${path}`);
}

async function stream(_path: string, _body: unknown, onEvent: (event: T.TryEvent) => void, abort: AbortSignal): Promise<void> {
  onEvent({ event: 'head', account: 'work@example.com', status: 200, curl: 'curl http://127.0.0.1:8787/v1/responses -H "Authorization: Bearer $SWITCHYARD_KEY" -d …', headers: [['content-type', 'text/event-stream'], ['x-request-id', 'req_51a3c7']] });
  for (const word of 'Hello! This answer came through the account that had the most room, word by word, so that you can watch how fast it is.'.split(/(?<= )/)) {
    if (abort.aborted) return;
    onEvent({ event: 'raw', line: `data: {"type":"response.output_text.delta","delta":"${word}"}` });
    onEvent({ event: 'delta', text: word });
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  onEvent({ event: 'usage', input_tokens: 21, output_tokens: 34, cached_tokens: 0, reasoning_tokens: 0 });
  onEvent({ event: 'done', first_byte_ms: 412, duration_ms: 1630 });
}

export function fakeTransport(): Transport {
  const console = new URLSearchParams(location.search).has('console');
  return {
    kind: console ? 'console' : 'desktop',
    desktop: console
      ? null
      : {
          state: async () => ({ autostart: true, tray: true, notifications: true, platform: 'linux' }),
          setAutostart: async () => undefined, openExternal: async () => undefined, pickFiles: async () => ['/tmp/accounts.json'], saveFile: async () => '/tmp/out.json', testNotification: async () => undefined, copyText: async () => undefined, onDrop: () => () => undefined,
        },
    call,
    stream,
    listen(listener) {
      listener.connection('connected');
      return () => undefined;
    },
  };
}
