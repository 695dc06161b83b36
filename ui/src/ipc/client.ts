// Every call of the admin API by name, over whichever transport was chosen. No state, no text for people.
// Called by the state layer and by views that act.

import type { Transport } from './transport';
import type * as T from './types';

const enc = encodeURIComponent;

/** `?a=1&b=2` of what is present. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return pairs.length === 0 ? '' : `?${pairs.map(([key, value]) => `${enc(key)}=${enc(String(value))}`).join('&')}`;
}

export interface JournalFilter {
  limit?: number;
  before?: number | null;
  account?: string | null;
  outcome?: string | null;
  text?: string | null;
}

export type Client = ReturnType<typeof client>;

export function client(transport: Transport) {
  const get = <R>(path: string) => transport.call<R>('GET', path);
  const post = <R>(path: string, body?: unknown) => transport.call<R>('POST', path, body);
  const del = (path: string) => transport.call<void>('DELETE', path);
  const account = (id: string) => `/accounts/${enc(id)}`;
  return {
    overview: () => get<T.Overview>('/overview'),
    status: () => get<T.Status>('/status'),
    pause: (seconds: number | null) => post<T.Status>('/pause', { seconds }),
    resume: () => post<T.Status>('/resume'),

    accounts: () => get<T.Account[]>('/accounts'),
    account: (id: string) => get<T.Account>(account(id)),
    addAccount: (body: T.NewAccount) => post<T.Account>('/accounts', body),
    addAccounts: (body: T.NewAccounts) => post<T.AccountsAdded>('/accounts/many', body),
    patchAccount: (id: string, patch: T.AccountPatch) => transport.call<T.Account>('PATCH', account(id), patch),
    removeAccount: (id: string) => del(account(id)),
    activate: (id: string) => post<T.Account>(`${account(id)}/activate`),
    setEnabled: (id: string, on: boolean) => post<T.Account>(`${account(id)}/${on ? 'enable' : 'disable'}`),
    refresh: (id: string) => post<T.RefreshLine[]>(`${account(id)}/refresh`),
    refreshAll: () => post<T.RefreshLine[]>('/accounts/refresh'),
    queryQuota: (id: string) => post<T.Account>(`${account(id)}/quota`),
    queryAllQuota: () => post<unknown>('/accounts/quota'),
    queryBalance: (id: string) => post<T.Account>(`${account(id)}/balance`),
    patchBalance: (id: string, patch: T.BalancePatch) => transport.call<T.Account>('PATCH', `${account(id)}/balance`, patch),
    queryAllBalances: () => post<unknown>('/accounts/balance'),
    setLimits: (id: string, limits: T.Limit[]) => transport.call<T.Account>('PUT', `${account(id)}/limits`, { limits }),
    options: (id: string) => get<T.AccountOptions>(`${account(id)}/options`),
    patchOptions: (id: string, patch: T.AccountOptionsPatch) => transport.call<T.AccountOptions>('PATCH', `${account(id)}/options`, patch),
    testAccount: (id: string, body: { model?: string; prompt?: string }) => post<T.TestResult>(`${account(id)}/test`, body),
    tryNow: (id: string) => post<T.Account>(`${account(id)}/try-now`),
    order: (ids: string[]) => post<T.Account[]>('/accounts/order', { ids }),
    importText: (text: string, dry_run: boolean, verify: boolean, passphrase: string | null) =>
      post<T.ImportReport>('/accounts/import', { text, dry_run, verify, passphrase }),
    importCodex: (dry_run: boolean) => post<T.ImportReport>(`/accounts/import-codex${query({ dry_run })}`),
    importFiles: (paths: string[], dry_run: boolean, verify: boolean, passphrase: string | null) =>
      post<T.ImportReport>('/accounts/import/files', { paths, dry_run, verify, passphrase }),
    exportAccounts: (ids: string[] | null, path: string, passphrase: string | null) =>
      post<{ path: string; count: number }>('/accounts/export', { ids, path, passphrase }),

    presets: () => get<T.RelayPreset[]>('/presets'),
    relayPreview: (base_url: string, format: T.Format) => post<T.RelayPreview>('/relay/preview', { base_url, format }),
    relayModels: (body: { base_url: string; format: T.Format; key: string; proxy?: string | null; auth?: string | null }) =>
      post<{ models: string[] }>('/relay/models', body),

    signIn: (kind: 'browser' | 'device', account_id: string | null) => post<T.SignIn>('/signin', { kind, account_id }),
    signInProgress: (id: string) => get<T.SignIn>(`/signin/${enc(id)}`),
    signInPaste: (id: string, text: string) => post<T.SignIn>(`/signin/${enc(id)}/paste`, { text }),
    signInAdd: (id: string) => post<T.SignIn>(`/signin/${enc(id)}/add`),
    signInCancel: (id: string) => del(`/signin/${enc(id)}`),

    quotaHistory: (from: number, to: number, id: string | null) =>
      get<T.QuotaHistory>(`/quota/history${query({ account: id, from, to, buckets: true })}`),
    usage: (from: number, to: number, group: T.UsageGroup) => get<T.Usage>(`/usage${query({ from, to, group })}`),
    switches: (limit: number) => get<T.SwitchRow[]>(`/switches${query({ limit })}`),
    undoSwitch: () => post<unknown>('/switches/undo'),
    journal: (filter: JournalFilter) => get<T.RequestRow[]>(`/journal${query({ ...filter })}`),
    models: () => get<T.Model[]>('/models'),
    modelNames: () => get<T.ModelNames>('/models/names'),
    modelLists: () => get<T.ModelList[]>('/models/lists'),
    refreshModels: (id: string | null) => post<T.ModelList[]>('/models/refresh', { account: id }),
    setAlias: (alias: string, model: string, group: string | null) => transport.call<T.Alias>('PUT', `/models/aliases/${enc(alias)}`, { model, group }),
    removeAlias: (alias: string) => del(`/models/aliases/${enc(alias)}`),
    explain: (model: string) => get<T.Explain[]>(`/explain${query({ model })}`),

    keys: () => get<T.GatewayKey[]>('/keys'),
    addKey: (key: T.NewKey) => post<T.GatewayKey>('/keys', key),
    patchKey: (name: string, patch: T.KeyPatch) => transport.call<T.GatewayKey>('PATCH', `/keys/${enc(name)}`, patch),
    revokeKey: (name: string) => del(`/keys/${enc(name)}`),
    settings: () => get<T.Setting[]>('/settings'),
    setSetting: (key: string, value: string) => transport.call<T.Setting>('PUT', `/settings/${enc(key)}`, { value }),
    unsetSetting: (key: string) => del(`/settings/${enc(key)}`),

    backups: () => get<T.Backups>('/backups'),
    makeBackup: () => post<T.Backup>('/backups'),
    backup: (name: string) => get<T.BackupPreview>(`/backups/${enc(name)}`),
    restoreBackup: (name: string) => post<void>(`/backups/${enc(name)}/restore`),
    saveBackupFile: (path: string, passphrase: string | null) => post<T.BackupWritten>('/backup/file', { path, passphrase }),
    restoreBackupFile: (path: string, passphrase: string | null, dry_run: boolean) => post<T.Restored>('/backup/file/restore', { path, passphrase, dry_run }),
    clearJournal: () => transport.call<{ count: number }>('DELETE', '/journal'),
    clearUsage: () => transport.call<{ count: number }>('DELETE', '/usage'),
    clearQuotaHistory: () => transport.call<{ count: number }>('DELETE', '/quota/history'),
    logOutAll: () => post<{ count: number }>('/accounts/log-out'),
    factoryReset: (confirm: string) => post<void>('/reset', { confirm }),
    testProxy: (url: string | null, account: string | null) => post<T.Reached>('/proxy/test', { url, account }),
    testNetwork: () => post<T.Reached[]>('/network/test'),
    diagnostics: () => get<{ text: string }>('/diagnostics'),
    saveDiagnostics: (path: string, text: string) => post<void>('/diagnostics/file', { path, text }),

    addDemo: () => post<unknown>('/demo/accounts'),
    removeDemo: () => del('/demo/accounts'),
  };
}
