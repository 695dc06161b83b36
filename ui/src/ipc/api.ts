// Made by `cargo xtask codegen` from the admin API's description (openapi.json). Changes here are lost.

/** One account as lists and the drawer show it. */
export interface Account {
  /** The one that the active-account policy uses first. */
  active: boolean;
  added_at: number;
  /** Exact names or prefixes with `*`; null is all. */
  allowed_models: string[] | null;
  /** What is left of its money, where somebody tells. */
  balance: Balance | null;
  /** Base URL of a key account. */
  base_url: string | null;
  cancelled: number;
  /** Simulated; goes away with the demo accounts. */
  demo: boolean;
  /** E-mail of a sign-in, masked. */
  email: string | null;
  /** Switched on by the person. */
  enabled: boolean;
  /** Neither leaves nor becomes the active account by itself. */
  excluded: boolean;
  /** End of its access token. */
  expires_at: number | null;
  export_count: number;
  /** When its credential was last exported. */
  exported_at: number | null;
  failures: number;
  format: Dialect;
  group: string | null;
  health: Health;
  /** What keeps it from serving now and until when; nothing when only a person can help. */
  hold: AccountHold | null;
  /** Stable id. */
  id: string;
  kind: Kind;
  /** What its upstream offers, as far as known. */
  known_models: string[] | null;
  /** The person's name for it. */
  label: string;
  last_error: LastError | null;
  last_success_at: number | null;
  last_used_at: number | null;
  /** Usage limits of the person's own, with what was used of them. */
  limits: LimitState[];
  /** The person's own words. */
  notes: string | null;
  /** Plan its provider names. */
  plan: string | null;
  /** Place in the person's order, from 0. */
  position: number;
  /** Lower is used first; 50 unless the person says otherwise. */
  priority: number;
  /** Its own proxy without a password, `direct`, or null for the general one. */
  proxy: string | null;
  quota: Quota | null;
  /** Why it is not simply healthy, for people. */
  reason: string | null;
  /** Whether an expired token can be renewed without the person. */
  refreshable: boolean;
  /** What is left of the tightest known window, in percent. */
  remaining_percent: number | null;
  requests: number;
  /** Share of each quota window that requests leave alone, in percent. */
  reserve_percent: number | null;
  /** Requests running on it. */
  running: number;
  /** Health score, 0 to 100: the lowest of what is known about its limits; 0 is not selectable. */
  score: number;
  /** Requests it may run at once; null: what `rotation.account_slots` says. */
  slots: number | null;
  successes: number;
  /** When time alone makes it usable again. */
  usable_again_at: number | null;
}

/** A rest of an account. */
export interface AccountHold {
  /** A cooldown is guessed; an exhausted quota is known. */
  guessed: boolean;
  source: Hold;
  until: number;
}

/** How an account is spoken to. */
export interface AccountOptions {
  /** How its key is carried; null for a sign-in. */
  auth: string | null;
  /** Whether that was chosen; otherwise it is the format's own form. */
  auth_chosen: boolean;
  /** What it was said to serve: chat, embeddings, images; empty: what its format lets expect. */
  capabilities: string[];
  /** Its own default effort. */
  effort: string | null;
  /** Headers sent along. */
  headers: HeaderLine[];
  id: string;
  /** What to know of it. */
  notice: string | null;
  /** The preset it was added from. */
  preset: string | null;
  /** Thinking suffixes of model names are read. */
  reads_suffixes: boolean;
  /** Where its requests go. */
  request_url: string | null;
  /** Models that take turns. */
  turns: ModelTurns | null;
  /** Further formats of the same key. */
  wires: Wire[];
}

/** What to change of it; a field that is absent stays, null clears it. */
export interface AccountOptionsPatch {
  /** `bearer`, `x-api-key`, `x-goog-api-key` or `query`; cleared: the format's own form. */
  auth?: string | null;
  /** chat, embeddings, images; in place of all that was said, empty is nothing said. */
  capabilities?: string[] | null;
  /** none, minimal, low, medium, high, xhigh or max. */
  effort?: string | null;
  /** In place of all that are there. */
  headers?: HeaderLine[] | null;
  reads_suffixes?: boolean | null;
  turns?: ModelTurns | null;
  /** In place of all that are there. */
  wires?: Wire[] | null;
}

/** What to change of an account; a field that is absent stays, null clears it. */
export interface AccountPatch {
  allowed_models?: string[] | null;
  excluded?: boolean | null;
  group?: string | null;
  /** 1 to 64 characters; cannot be cleared. */
  label?: string | null;
  notes?: string | null;
  priority?: number | null;
  proxy?: string | null;
  reserve_percent?: number | null;
  /** 1 to 1000 requests at once; null: the general setting. */
  slots?: number | null;
}

/** What became of several keys. */
export interface AccountsAdded {
  /** The new accounts, with their balances where somebody tells them. */
  accounts: Account[];
  /** Keys that were given twice, or are accounts already: dropped. */
  duplicates: number;
  /** Lines that could not be added. */
  failed: LineFailed[];
}

/** Something changed. */
export type AdminEvent =
  /** An account is new or looks different. */
  | { type: "account_changed"; account: Account }
  /** An account is gone. */
  | { type: "account_removed"; id: string }
  /** The order of the accounts changed: ids from the first to the last. */
  | { type: "accounts_ordered"; ids: string[] }
  /** Another account is the active one. */
  | { type: "switched"; switch: Switch }
  /** A newer reading of an account's quota. */
  | { type: "quota"; account_id: string; quota: Quota }
  /** A request is being served. */
  | { type: "request_started"; request: StartedRequest }
  /** A request has ended. */
  | { type: "request_finished"; request: RequestRow }
  /** The gateway's own state changed. */
  | { type: "status"; status: Status }
  /** A task over several accounts or items goes on. It is over when `done` is `total`. */
  | { type: "progress"; done: number; label: string | null; task: string; total: number }
  /** Something to tell the person. */
  | { type: "notice"; account: Named | null; back_at: number | null; code: NoticeCode; level: Level; percent: number | null; port: number | null; reason: string | null; text: string }
  /** A setting has another value. */
  | { type: "settings_changed"; key: string }
  /** A sign-in goes on or has ended: ask where it stands. */
  | { type: "sign_in"; id: string }
  /** The reader was too slow and missed events: look at everything again. */
  | { type: "lagged" };

/** An alias as it was set. */
export interface Alias {
  /** Labels of the accounts that would serve it now, best first. */
  accounts: string[];
  /** The name clients write. */
  alias: string;
  /** The only group that serves it; null: everybody. */
  group: string | null;
  /** The model at the end of the chain. */
  leads_to: string;
  /** The name it stands for, which may be an alias too. */
  model: string;
}

/** Where an alias is to lead. */
export interface AliasTarget {
  /** The only group that serves it. */
  group?: string | null;
  /** A model, or another alias. */
  model: string;
}

/** An amount in one currency. */
export interface Amount {
  /** `USD`, `CNY`. */
  currency: string;
  /** Of it, what was given. */
  granted: string | null;
  /** Of it, what was paid for. */
  topped_up: string | null;
  /** What is left, a decimal text. */
  total: string;
}

/** One account tried for a request. */
export interface Attempt {
  /** Its label then. */
  account: string | null;
  account_id: string | null;
  duration_ms: number;
  /** The outcome's code. */
  outcome: string;
  /** What happened, in words. */
  reason: string | null;
  /** HTTP status of its answer. */
  status: number | null;
}

/** An account that needs the person, with the one thing to do. */
export interface Attention {
  account_id: string;
  action: AttentionAction;
  /** In words, when there are any. */
  detail: string | null;
  label: string;
  problem: Problem;
}

/** The one thing to do about it. */
export type AttentionAction = "sign_in" | "try_now" | "open";

/** One backup of the database in the home folder. It holds no secret. */
export interface Backup {
  bytes: number;
  made_at: number;
  /** By which it is asked for. */
  name: string;
  sort: BackupSort;
}

/** An account in a backup of the database. */
export interface BackupAccount {
  /** Its credential is in the vault; without one it has to sign in again. */
  credential: boolean;
  /** Masked. */
  email: string | null;
  /** It is here now, too. */
  here: boolean;
  kind: Kind;
  label: string;
}

/** What putting a backup in the database's place would bring. */
export interface BackupPreview {
  accounts: BackupAccount[];
  backup: Backup;
  last_request_at: number | null;
  /** Labels of accounts that are here and not in it. */
  removed: string[];
}

/** Where settings and accounts go. */
export interface BackupRequest {
  /** Seals the file, which then holds the secrets too; without it the file holds none. */
  passphrase?: string | null;
  /** Whole path of the file to write. */
  path: string;
}

export type BackupSort = "daily" | "by_hand" | "migration";

/** What was written. */
export interface BackupWritten {
  accounts: number;
  path: string;
  /** Secrets are in it, under the passphrase. */
  secrets: boolean;
  settings: number;
}

/** The backups of the home. */
export interface Backups {
  /** Newest first. */
  backups: Backup[];
  /** Read-only mode: the newest backup that can be read, to be put in the place of the database that cannot. */
  offered: string | null;
  /** A backup takes the database's place at the next start. */
  pending: boolean;
}

/** What is left of an account's money, as last read (F111). */
export interface Balance {
  /** Who is asked: `siliconflow`, `deepseek`, `moonshot`, `openrouter`, `zai`, `openai_billing`, or a rule. */
  adapter: string;
  /** One for each currency; none where money does not limit the key. */
  amounts: Amount[];
  /** When the amounts were read. */
  checked_at: number | null;
  /** The person chose the adapter; otherwise the account's host did. */
  chosen: boolean;
  /** Why the last question brought nothing; the amounts are then older. */
  error: string | null;
  /** It is at or below it. */
  low: boolean;
  /** The last question was answered. */
  ok: boolean;
  /** At or below it the account does not serve, a decimal text (F112). */
  threshold: string;
  /** The provider says that the account cannot be used. */
  unavailable: boolean;
}

/** What to change; a field that is absent stays, null clears it. */
export interface BalancePatch {
  /** An adapter's word, `none` to ask nobody, or a rule: path or URL, `#`, `total=` and a JSON pointer, and `&used=` (a JSON pointer), `&per=` (units of the answer for one of the currency), `&currency=`, `&send_key=yes` (to another host than the account's own). Null: by the account's host. */
  adapter?: string | null;
  /** A decimal text; null: 0.20. */
  threshold?: string | null;
}

/** How asking all providers for balances ended, in accounts. */
export interface BalancesQueried {
  /** Brought nothing; each account says why. */
  failed: number;
  /** Answered. */
  ok: number;
}

/** A limit of its own for some models. */
export interface Bucket {
  /** The provider's name for it. */
  name: string;
  primary: Window | null;
  secondary: Window | null;
}

/** How much went. */
export interface Cleared {
  count: number;
}

/** Bought credits beside the plan. */
export interface Credits {
  /** In the provider's own spelling. */
  balance: string | null;
  has: boolean;
  unlimited: boolean;
}

/** Which simulated accounts were added. */
export interface Demo {
  accounts: Account[];
}

/** The diagnostic bundle, redacted. */
export interface Diagnostics {
  /** As it would be saved. */
  text: string;
}

/** A bundle that was shown, and where it goes. */
export interface DiagnosticsRequest {
  /** Whole path of the file to write. */
  path: string;
  /** What was shown. */
  text: string;
}

export type Dialect = "codex" | "responses" | "openai" | "anthropic" | "gemini";

/** How much to think. */
export type Effort = "low" | "medium" | "high";

export type End = "completed" | "failed" | "cancelled";

/** The body of every error answer. */
export interface ErrorAnswer {
  error: ErrorBody;
}

/** What went wrong. */
export interface ErrorBody {
  /** The one thing to do about it, as a code such as `unlock_vault`. */
  action: string | null;
  code: ErrorCode;
  /** What went wrong and what to do, for people. */
  message: string;
}

/** What kind of refusal it is. */
export type ErrorCode = "not_found" | "invalid" | "provider" | "vault_locked" | "home_locked" | "unauthorized" | "forbidden" | "failed";

/** Whether an account could serve a model now. */
export interface Explain {
  /** Why it has its place, in words; null when it is skipped. */
  because: string | null;
  /** The same as a code. */
  code: string | null;
  id: string;
  label: string;
  /** Its place among the candidates, from 1; null when it is skipped. */
  rank: number | null;
  /** Why it is skipped, in words. */
  reason: string | null;
  /** What that reason was learnt from, such as `header`, `query`, `usage_limit` or `failures`; null for what the person or the request says. */
  source: string | null;
  /** When the reason it is skipped for ends by itself; null when time alone does not end it or nobody knows. */
  until: number | null;
}

/** An export into a file; desktop and command line only (F9). */
export interface ExportRequest {
  /** Null: all. */
  ids?: string[] | null;
  /** Seals the file. */
  passphrase?: string | null;
  /** The new file with its whole path; it will be readable by its owner only. A file that is there is replaced. */
  path: string;
}

/** The file that was written. */
export interface Exported {
  count: number;
  path: string;
}

/** When a window will be used up if the last hour goes on; hidden with fewer than three readings (F69). */
export interface Forecast {
  account_id: string;
  bucket: string | null;
  /** Null: not before it resets. */
  empty_at: number | null;
  window: WindowName;
}

/** How much of a group's limit is in use. */
export interface GroupUse {
  /** Most at once. */
  limit: number;
  name: string;
  /** Requests running on its accounts. */
  running: number;
}

/** A header sent along. Never a secret. */
export interface HeaderLine {
  name: string;
  value: string;
}

export type Health = "unknown" | "active" | "cooling" | "exhausted" | "needs_login" | "attention" | "banned" | "disabled";

/** Quota over time, and where it is heading. */
export interface History {
  forecast: Forecast[];
  from: number;
  series: Series[];
  to: number;
}

export type Hold = "rate_limit" | "usage_limit" | "quota" | "payment" | "challenge" | "forbidden" | "failures" | "overload" | "refresh";

export type Icon = "stopped" | "offline" | "attention" | "low" | "working" | "running";

/** What an import came to, or would come to. */
export interface Import {
  added: number;
  /** At most 48 lines. */
  errors: string[];
  failed: number;
  items: ImportItem[];
  updated: number;
}

export type ImportAction = "new" | "update" | "duplicate_in_file";

/** An import of files; desktop and command line only. */
export interface ImportFiles {
  dry_run?: boolean;
  /** Opens a sealed export. */
  passphrase?: string | null;
  /** Files, folders or ZIP files, with their whole paths. */
  paths: string[];
  verify?: boolean;
}

/** One item of it. */
export interface ImportItem {
  action: ImportAction;
  /** Masked. */
  email: string | null;
  expires_at: number | null;
  /** The account, once it is written. */
  id: string | null;
  /** From 1. */
  item: number;
  kind: Kind;
  label: string;
  plan: string | null;
}

/** An import of pasted or dropped text. */
export interface ImportRequest {
  /** Only says what would happen. */
  dry_run?: boolean;
  /** Opens a sealed export. */
  passphrase?: string | null;
  /** Any of the known shapes. */
  text: string;
  /** Asks the providers afterwards; never a model call. */
  verify?: boolean;
}

export type Kept = "kept" | "restored" | "missing";

/** A gateway key as it may be shown. */
export interface Key {
  /** Exact names, or beginnings with `*`; null is all. */
  allowed_models: string[] | null;
  budget: KeyBudgetState | null;
  created_at: number;
  /** Refused when false. */
  enabled: boolean;
  /** It is refused because of that. */
  expired: boolean;
  /** Refused from then on. */
  expires_at: number | null;
  /** The variable that holds it, if it cannot be replaced or removed here. */
  locked_by: string | null;
  /** First and last characters only. */
  masked: string;
  /** Requests it may run at once; null is any number. */
  max_concurrency: number | null;
  name: string;
}

/** What a key may use in a period; at least one of the two is limited. */
export interface KeyBudget {
  /** Days of a period, 1 to 366; null is 30. */
  period_days?: number | null;
  /** Tokens in and out. */
  tokens?: number | null;
  /** Estimated cost in USD, a decimal text. Models without a price cost nothing here. */
  usd?: string | null;
}

/** The budget of a key with what was used of it. */
export interface KeyBudgetState {
  budget: KeyBudget;
  used: Spent;
}

/** What a key may do; a field that is absent stays as it is, null lifts the rule. */
export interface KeyPatch {
  allowed_models?: string[] | null;
  budget?: KeyBudget | null;
  enabled?: boolean | null;
  /** Refused from then on. */
  expires_at?: number | null;
  /** 1 to 10,000. */
  max_concurrency?: number | null;
}

export type Kind = "codex_oauth" | "relay" | "zai" | "provider_key";

/** The last failure laid to an account. */
export interface LastError {
  at: number;
  /** The outcome's code. */
  code: string;
}

/** How fast one account has answered with one model. Only requests that ended well count. */
export interface Latency {
  account_id: string;
  account_label: string;
  /** From the request's arrival to the end of its answer. */
  average_ms: number;
  /** Up to the first byte of the answer; null when it is not known. */
  first_byte_average_ms: number | null;
  first_byte_p95_ms: number | null;
  /** The model that served. */
  model: string;
  /** 95 of 100 took no longer. */
  p95_ms: number;
  requests: number;
  /** Tokens out, while answers came; null where providers told no usage. */
  tokens_per_second: number | null;
}

export type Level = "info" | "warning" | "error";

/** A limit on the usage of an account. What is null is not limited; at least one is. */
export interface Limit {
  /** Tokens out. */
  completion_tokens?: number | null;
  /** Estimated cost in USD, a decimal text. */
  cost?: string | null;
  /** Only this model: its name, or a beginning and `*`; null is the whole account. */
  model?: string | null;
  /** Days of a period, 1 to 366; null is 30. */
  period_days?: number | null;
  /** Tokens in. */
  prompt_tokens?: number | null;
  requests?: number | null;
  /** Both. */
  total_tokens?: number | null;
}

/** A limit of an account with what was used of it. */
export interface LimitState {
  limit: Limit;
  used: Spent;
}

/** All limits of an account, in the place of those it had. */
export interface Limits {
  limits: Limit[];
}

/** A line that could not be added. */
export interface LineFailed {
  /** From 1. */
  line: number;
  message: string;
}

/** A model clients can name. */
export interface Model {
  /** Labels of the enabled accounts that offer it. */
  accounts: string[];
  /** Dialects those accounts speak. */
  dialects: Dialect[];
  id: string;
  owned_by: string;
  source: ModelSource;
}

/** The models of one account, and where the list comes from. */
export interface ModelList {
  /** When it was told, as far as known. */
  at: number | null;
  /** The account. */
  id: string;
  label: string;
  models: string[];
  /** Why the last question had no answer; the list is then the one before. */
  problem: string | null;
  /** `upstream` (told since this start), `stored`, `codex_cli`, `built_in` or `none`. */
  source: string;
}

/** What names of models mean now. */
export interface ModelNames {
  aliases: Alias[];
  /** The effort of sign-ins where nothing else says one. */
  default_effort: string | null;
  /** The model of requests that name none. */
  default_model: string | null;
  /** The thinking levels that may stand behind a model's name. */
  levels: Record<string, unknown>;
  /** The first match counts. */
  patterns: Pattern[];
}

export type ModelSource = "upstream" | "allowed";

/** Models that stand for one another: each serves some requests in a row. */
export interface ModelTurns {
  /** Requests in a row; 5 unless you say otherwise. */
  every?: number;
  /** Two or more, each named in full. */
  models: string[];
}

/** An account by its two names. */
export interface Named {
  id: string;
  /** Its label then. */
  label: string;
}

/** A relay or key account to add. The same base URL and key update the account that is there (F2). */
export interface NewAccount {
  /** How the key is carried; null: as the format does. */
  auth?: string | null;
  /** A preset may say it. */
  base_url?: string;
  /** Its own default effort. */
  effort?: string | null;
  /** `openai`, `responses`, `anthropic`, `gemini` or `codex`; a preset may say it. */
  format?: string;
  group?: string | null;
  /** Headers sent along. Never a secret. */
  headers?: HeaderLine[];
  /** Write-only: no answer shows it again. */
  key: string;
  /** `relay`, `zai` or `provider`; a preset may say it. */
  kind?: string;
  /** 1 to 64 characters. */
  label: string;
  /** Models it may serve; null is all. */
  models?: string[] | null;
  /** A preset's name: it says what is left out. */
  preset?: string | null;
  priority?: number | null;
  /** Its own proxy without a password, or `direct`. */
  proxy?: string | null;
  /** Thinking suffixes of model names are read. */
  reads_suffixes?: boolean;
}

/** Several keys of one provider or relay (F113): each becomes an account of the group. */
export interface NewAccounts {
  /** How the keys are carried; null: as the format does. */
  auth?: string | null;
  /** A preset may say it. */
  base_url?: string;
  /** `openai`, `responses`, `anthropic`, `gemini` or `codex`; a preset may say it. */
  format?: string;
  /** The preset's, or the label, when nothing is said. */
  group?: string | null;
  /** One key a line. Write-only: no answer shows them again. */
  keys: string;
  /** `relay`, `zai` or `provider`; a preset may say it. */
  kind?: string;
  /** What their labels begin with; a number follows. */
  label: string;
  /** Models they may serve; null is all. */
  models?: string[] | null;
  /** A preset's name: it says what is left out. */
  preset?: string | null;
  priority?: number | null;
  /** Their own proxy without a password, or `direct`. */
  proxy?: string | null;
}

/** A key to make. */
export type NewKey = unknown;

export type NoticeCode = "switched" | "quota_warning" | "all_exhausted" | "needs_sign_in" | "recovered" | "port_changed" | "balance_low";

/** The new order. */
export interface OrderRequest {
  /** These first; the rest follow as they were. */
  ids: string[];
}

/** The first page in one answer. */
export interface Overview {
  active: Account | null;
  attention: Attention[];
  /** The next reset of every known window, soonest first. */
  resets: Reset[];
  status: Status;
  /** The last five. */
  switches: Switch[];
  today: Today;
}

/** What the browser ended on: the address, `code#state`, a query string or the bare code. */
export interface PasteRequest {
  text: string;
}

/** A name pattern and the model that stands for it on sign-ins. */
export interface Pattern {
  model: string;
  pattern: string;
}

/** How long to refuse requests. */
export interface PauseRequest {
  /** Null: until resumed. */
  seconds?: number | null;
}

/** What is wrong. */
export type Problem = "needs_login" | "banned" | "failing";

/** A proxy to test. */
export interface ProxyTest {
  /** The account whose host is to be reached; left out: the ChatGPT backend's. */
  account?: string | null;
  /** As it would be saved, or `direct`; left out: the saved one, also while it is switched off. */
  url?: string | null;
}

/** The last reading of an account's quota. */
export interface Quota {
  buckets: Bucket[];
  captured_at: number;
  credits: Credits | null;
  plan: string | null;
  primary: Window | null;
  secondary: Window | null;
  source: Source;
}

/** How the question to one account ended. */
export interface QuotaAsked {
  id: string;
  label: string;
  /** `ok`, `limited`, `invalid`, `network` or `skipped`. */
  result: string;
}

/** How a query of all accounts ended, in numbers of accounts (F68). */
export interface QuotaQueried {
  invalid: number;
  /** Each account, in the order in which their answers came. */
  items: QuotaAsked[];
  limited: number;
  network: number;
  ok: number;
  skipped: number;
  /** It was stopped: accounts that are missing in `items` were not asked. */
  stopped: boolean;
}

export type Reach = "ok" | "limited" | "down";

/** How a host was reached. Nothing of an account was sent. */
export interface Reached {
  /** `scheme://host[:port]`. */
  host: string;
  latency_ms: number;
  /** Why there is no good answer. */
  problem: string | null;
  /** The proxy on the way, its password masked. */
  proxy: string | null;
  standing: Reach;
  status: number | null;
}

/** Which accounts are asked for their models. */
export interface RefreshModels {
  /** One by id or label; null: every enabled one. */
  account?: string | null;
}

/** What a refresh came to for one account (F20). */
export interface Refreshed {
  id: string;
  label: string;
  reason: string | null;
  result: TaskResult;
}

/** What it offers. */
export interface RelayModels {
  latency_ms: number;
  models: string[];
}

/** Asks a relay for its models with a key that is not kept. */
export interface RelayModelsRequest {
  /** How the key is carried; null: as the format does. */
  auth?: string | null;
  base_url: string;
  format: string;
  key: string;
  proxy?: string | null;
}

/** A known provider. */
export interface RelayPreset {
  /** `bearer`, `x-api-key`, `x-goog-api-key` or `query`. */
  auth: string;
  /** How its balance or quota is asked; null: it cannot be asked. */
  balance: string | null;
  base_url: string;
  format: string;
  /** The group its accounts share. */
  group: string | null;
  /** `relay`, `zai` or `provider_key`. */
  kind: string;
  /** It runs on this machine and needs no key. */
  local: boolean;
  models: string[];
  /** The word it is chosen by. */
  name: string;
  /** What to know before using it. */
  notice: string | null;
  /** Its name for people. */
  title: string;
}

/** Where requests will go. */
export interface RelayPreview {
  /** The normalised base URL. */
  base_url: string | null;
  /** Why it cannot be used, in words. */
  problem: string | null;
  urls: RelayUrls | null;
}

/** A base URL as typed. */
export interface RelayPreviewRequest {
  base_url: string;
  /** `openai`, `responses`, `anthropic`, `gemini` or `codex`. */
  format: string;
}

/** The addresses below a base URL. */
export interface RelayUrls {
  /** Where the model list is read. */
  models: string;
  /** Where a request of this format goes. */
  request: string;
}

/** A finished request. */
export interface RequestRow {
  /** Label of the account that served or was tried last. */
  account: string | null;
  account_id: string | null;
  attempts: Attempt[];
  cached_tokens: number | null;
  dialect: string;
  duration_ms: number;
  endpoint: string;
  error_code: string | null;
  first_byte_ms: number | null;
  input_tokens: number | null;
  /** Name of the gateway key. */
  key: string | null;
  /** What of the request did not reach the upstream, or of the answer the client, as it was, with the reason. */
  losses: string[];
  model: string | null;
  model_served: string | null;
  outcome: End;
  output_tokens: number | null;
  reasoning_tokens: number | null;
  request_id: string;
  /** Place in the journal, for `before`; 0 for one that has just ended. */
  seq: number;
  started_at: number;
  /** Status sent to the client. */
  status: number | null;
  stream: boolean;
}

/** A window that will begin afresh. */
export interface Reset {
  account_id: string;
  label: string;
  length_s: number | null;
  resets_at: number;
  used_percent: number;
  window: WindowName;
}

/** The word that a person's consent is. */
export interface ResetRequest {
  /** `factory reset`, so that no call by mistake does it. */
  confirm: string;
}

export type Restore = "new" | "update";

/** A file to restore. */
export interface RestoreRequest {
  /** Only say what would happen. */
  dry_run?: boolean;
  passphrase?: string | null;
  /** Whole path of the file. */
  path: string;
}

/** What a restore did, or would do. It removes nothing. */
export interface Restored {
  accounts: RestoredAccount[];
  /** Gateway keys that are added, or replaced by the file's. */
  keys: string[];
  /** The file was under a passphrase. */
  secrets: boolean;
  settings: RestoredSetting[];
}

/** An account of the file. */
export interface RestoredAccount {
  action: Restore;
  /** The vault's own is kept, the file's is taken, or there is none and it has to sign in. */
  credential: Kept;
  /** Masked. */
  email: string | null;
  kind: Kind;
  label: string;
}

/** A setting whose value in the file is another one. */
export interface RestoredSetting {
  from: unknown;
  /** Why it stays as it is: what locks it, or that it is unknown. */
  kept: string | null;
  key: string;
  to: unknown;
}

export type Rotation = "active" | "round_robin" | "most_headroom" | "least_recently_used" | "fill_first" | "least_used" | "priority" | "pace_aware";

/** One window of one account over time, at most 500 points. */
export interface Series {
  account_id: string;
  /** The provider's name of a limit of its own for some models; null is the plan. */
  bucket: string | null;
  /** Spans without a reading: draw no line across them. */
  gaps: ([number, number])[];
  label: string;
  length_s: number | null;
  /** Time and used percent. */
  points: ([number, number])[];
  /** When the window began afresh. */
  resets: number[];
  window: WindowName;
}

/** One setting. */
export interface Setting {
  /** Allowed values, in words. */
  allowed: string;
  apply: SettingApply;
  default: unknown;
  /** What it is for. */
  doc: string;
  key: string;
  /** The variable or flag that holds it, if it cannot be changed here. */
  locked_by: string | null;
  source: SettingSource;
  /** The value in force; a proxy's password is masked. */
  value: unknown;
}

export type SettingApply = "live" | "rebind" | "restart";

/** A new value. */
export interface SettingRequest {
  /** As it would be typed: `true`, `8787`, `a,b`. */
  value: string;
}

export type SettingSource = "default" | "file" | "env" | "flag";

/** A sign-in under way, or ended. */
export interface SignIn {
  /** The account, once it is done. */
  account: Account | null;
  /** What went wrong and what to do. */
  error: string | null;
  expires_at: number;
  id: string;
  kind: SignInKind;
  /** Whether the local address listens; if not, the address must be pasted. */
  listening: boolean;
  /** Who signed in instead of the account that was to; they can be added as an account of their own. */
  other: string | null;
  state: SignInState;
  /** Remind the person of the provider's terms: this would be their second sign-in (F31). */
  terms: boolean;
  /** The page to open. */
  url: string;
  /** What to type on the page (device code). */
  user_code: string | null;
  verification_url: string | null;
}

/** How the person signs in. */
export type SignInKind = "browser" | "device";

/** A sign-in to begin. */
export interface SignInRequest {
  /** Signs this account in again, in place. */
  account_id?: string | null;
  kind: SignInKind;
}

export type SignInState = "waiting" | "exchanging" | "done" | "failed" | "expired" | "cancelled";

export type Source = "header" | "stream" | "query" | "429";

/** One half hour. */
export interface Spark {
  errors: number;
  requests: number;
  t: number;
}

/** What was used in the present period. */
export interface Spent {
  /** Tokens out, as far as told. */
  completion_tokens: number;
  /** Estimated cost in USD of the requests that have a price, a decimal text. */
  cost: string;
  /** Tokens in, as far as told. */
  prompt_tokens: number;
  /** A limit is reached. */
  reached: boolean;
  requests: number;
  /** When the period began. */
  since: number;
  /** Requests whose usage was not told: in no sum. */
  unknown_usage: number;
  /** Requests whose model has no price: not in the cost. */
  unpriced: number;
  /** When it ends. */
  until: number;
}

/** A request that runs. */
export interface StartedRequest {
  dialect: string;
  endpoint: string;
  /** Name of the gateway key. */
  key: string;
  model: string;
  request_id: string;
  started_at: number;
  stream: boolean;
}

/** The gateway in one look. */
export interface Status {
  accounts: Account[];
  /** The active account changes by itself when it is used up. */
  auto_switch: boolean;
  /** The gateway chooses the account for each request; false: the active account goes first. */
  automatic: boolean;
  /** There are demo accounts. */
  demo: boolean;
  /** The answer goes to the desktop window. */
  desktop: boolean;
  /** Groups of accounts that have a limit. */
  groups: GroupUse[];
  /** The home folder. */
  home: string;
  icon_state: Icon;
  /** The default gateway key, first and last characters only. */
  key_masked: string | null;
  /** What deserves a warning, as sentences. */
  notices: string[];
  /** No account reaches the network. */
  offline: boolean;
  /** Requests are refused until the person resumes, or until `paused_until`. */
  paused: boolean;
  paused_until: number | null;
  policy: Rotation;
  /** Requests running. */
  running: number;
  /** The machine saves its battery: quota is not asked by itself meanwhile. */
  saving_power: boolean;
  /** Whether a listener runs. */
  serving: boolean;
  /** Address for clients, without a path. */
  url: string;
  /** Base URLs as clients want them. */
  urls: Urls;
  /** Where secrets are kept. */
  vault: string;
  version: string;
  /** Of these, those that wait for a busy account. */
  waiting: number;
}

/** A change of the active account (F48). */
export interface Switch {
  at: number;
  /** Nobody clicked. */
  automatic: boolean;
  /** The account that the local Codex CLI uses would have come first, and was passed over. */
  avoided: boolean;
  /** When the one left is usable again, as known then. */
  back_at: number | null;
  /** Null when there was none. */
  from: Named | null;
  /** A code such as `exhausted`, `threshold`, `refused`, `manual`, `undo`. */
  reason: string;
  to: Named;
}

export type TaskResult = "ok" | "skipped" | "failed";

/** A live test (F62, F104): it costs quota. */
export interface TestRequest {
  /** The account's first model when nothing is said. */
  model?: string | null;
  prompt?: string | null;
}

/** How the test ended. */
export interface TestResult {
  error: string | null;
  first_byte_ms: number | null;
  latency_ms: number;
  model: string | null;
  ok: boolean;
  status: number | null;
  text: string | null;
}

/** The last 24 hours. */
export interface Today {
  errors: number;
  requests: number;
  /** 48 half hours, oldest first. */
  spark: Spark[];
  tokens_in: number;
  tokens_out: number;
}

/** What comes back. Exactly one `done` or `error` ends it. */
export type TryEvent =
  /** The answer's head, without secrets. */
  | { event: "head"; account: string | null; curl: string; headers: ([string, string])[]; status: number }
  /** Text. */
  | { event: "delta"; text: string }
  /** Reasoning. */
  | { event: "thinking"; text: string }
  /** A whole tool call. */
  | { event: "tool"; arguments: string; name: string }
  /** An image, as a `data:` URL. */
  | { event: "image"; url: string }
  /** Tokens as the provider counted them. */
  | { event: "usage"; cached_tokens: number | null; input_tokens: number | null; output_tokens: number | null; reasoning_tokens: number | null }
  /** One line of the answer as it came. */
  | { event: "raw"; line: string }
  /** The end of an answer. */
  | { event: "done"; duration_ms: number; first_byte_ms: number | null }
  /** The end of an attempt that failed. */
  | { event: "error"; code: string; message: string; status: number | null };

/** Which dialect to speak to the gateway. */
export type TryProtocol = "chat" | "responses" | "messages" | "gemini" | "images";

/** A prompt to send. */
export interface TryRequest {
  /** Only this account; null lets the gateway choose. */
  account_id?: string | null;
  /** A `data:` URL. */
  image?: string | null;
  model: string;
  prompt: string;
  protocol: TryProtocol;
  stream?: boolean;
  thinking?: Effort | null;
  /** Offers one harmless function, to see a tool call. */
  tools?: boolean;
}

/** Base URLs for the kinds of client libraries. */
export interface Urls {
  anthropic: string;
  gemini: string;
  openai: string;
}

/** Sums over the whole span, and day by day. */
export interface Usage {
  /** Oldest first; days without requests are left out. */
  days: UsageDay[];
  /** Most requests first. */
  rows: UsageRow[];
}

/** One day. */
export interface UsageDay {
  /** Its first moment (UTC). */
  day: number;
  rows: UsageRow[];
}

/** One sum. */
export interface UsageRow {
  cached_tokens: number;
  cancelled: number;
  /** Estimated cost in USD at the present prices, a decimal text; null when no model in it has a price. */
  cost: string | null;
  failures: number;
  /** Pictures made, by the Images API and inside answers. */
  images: number;
  input_tokens: number;
  /** Account id, model, key name, path, or the first moment of a day. */
  key: string;
  /** What to show for it. */
  label: string;
  output_tokens: number;
  reasoning_tokens: number;
  requests: number;
  successes: number;
  /** Requests whose usage the provider did not tell; they are in none of the token sums. */
  unknown_usage: number;
  /** Requests whose model has no price: not in the cost. */
  unpriced: number;
}

/** One window of a plan. */
export interface Window {
  /** Length in seconds. Windows are told apart by this, not by their slot. */
  length_s: number | null;
  resets_at: number | null;
  used_percent: number;
}

export type WindowName = "primary" | "secondary";

/** A further format of an account. */
export interface Wire {
  /** Where it is spoken; null: the account's own base URL. */
  base_url?: string | null;
  /** `openai`, `responses`, `anthropic`, `gemini` or `codex`. */
  format: string;
}

/** Every call: what goes into the path, the query and the body, and what comes out. */
export interface Calls {
  /** Every account in the person's order */
  "GET /accounts": { answer: Account[] };
  /** Adds a relay or key account */
  "POST /accounts": { body: NewAccount; answer: Account };
  /** Asks every provider that tells a balance; progress comes as events */
  "POST /accounts/balance": { answer: BalancesQueried };
  /** Writes accounts with their secrets into a file only its owner can read */
  "POST /accounts/export": { body: ExportRequest; answer: Exported };
  /** Imports pasted or dropped text, or says what that would do */
  "POST /accounts/import": { body: ImportRequest; answer: Import };
  /** Imports the sign-in of the Codex CLI on this computer */
  "POST /accounts/import-codex": { query: { dry_run?: boolean }; answer: Import };
  /** Imports files, folders or ZIP files as one batch, or says what that would do */
  "POST /accounts/import/files": { body: ImportFiles; answer: Import };
  /** Forgets the tokens of every sign-in; the accounts stay */
  "POST /accounts/log-out": { answer: Cleared };
  /** Adds one account for each key, one key a line, and asks for their balances */
  "POST /accounts/many": { body: NewAccounts; answer: AccountsAdded };
  /** Puts the named accounts first, in this order */
  "POST /accounts/order": { body: OrderRequest; answer: Account[] };
  /** Asks every provider now; progress comes as events */
  "POST /accounts/quota": { answer: QuotaQueried };
  /** Stops asking: what was read stays */
  "POST /accounts/quota/stop": { answer: null };
  /** Renews every enabled account's token now */
  "POST /accounts/refresh": { answer: Refreshed[] };
  /** One account by id, label or beginning of its id */
  "GET /accounts/{id}": { path: { id: string }; answer: Account };
  /** Changes what the person may change; absent stays, null clears */
  "PATCH /accounts/{id}": { path: { id: string }; body: AccountPatch; answer: Account };
  /** Removes an account and its credential */
  "DELETE /accounts/{id}": { path: { id: string }; answer: null };
  /** Makes it the active account */
  "POST /accounts/{id}/activate": { path: { id: string }; answer: Account };
  /** Asks this account's provider for its balance now; never a model call */
  "POST /accounts/{id}/balance": { path: { id: string }; answer: Account };
  /** Changes who is asked for the balance, and below what it is too little */
  "PATCH /accounts/{id}/balance": { path: { id: string }; body: BalancePatch; answer: Account };
  /** Switches it off */
  "POST /accounts/{id}/disable": { path: { id: string }; answer: Account };
  /** Switches it on */
  "POST /accounts/{id}/enable": { path: { id: string }; answer: Account };
  /** Sets the usage limits of an account in the place of all it had */
  "PUT /accounts/{id}/limits": { path: { id: string }; body: Limits; answer: Account };
  /** How an account is spoken to */
  "GET /accounts/{id}/options": { path: { id: string }; answer: AccountOptions };
  /** Changes how an account is spoken to; absent stays, null clears */
  "PATCH /accounts/{id}/options": { path: { id: string }; body: AccountOptionsPatch; answer: AccountOptions };
  /** Asks this account's provider now; never a model call */
  "POST /accounts/{id}/quota": { path: { id: string }; answer: Account };
  /** Renews its token now */
  "POST /accounts/{id}/refresh": { path: { id: string }; answer: Refreshed[] };
  /** Sends one short message through this account; it costs quota */
  "POST /accounts/{id}/test": { path: { id: string }; body: TestRequest; answer: TestResult };
  /** Forgets cooldown and exhaustion: the next request may use it */
  "POST /accounts/{id}/try-now": { path: { id: string }; answer: Account };
  /** Writes settings and accounts into a file only its owner can read: without secrets, or with them under a passphrase */
  "POST /backup/file": { body: BackupRequest; answer: BackupWritten };
  /** Restores such a file, or says what that would do */
  "POST /backup/file/restore": { body: RestoreRequest; answer: Restored };
  /** The backups of the database */
  "GET /backups": { answer: Backups };
  /** Makes a backup of the database now */
  "POST /backups": { answer: Backup };
  /** What is in a backup, and what it would change */
  "GET /backups/{name}": { path: { name: string }; answer: BackupPreview };
  /** Puts a backup in the database's place at the next start, also in read-only mode; what is there is kept beside it */
  "POST /backups/{name}/restore": { path: { name: string }; answer: null };
  /** Adds simulated accounts; nothing leaves this machine */
  "POST /demo/accounts": { answer: Demo };
  /** Removes every simulated account */
  "DELETE /demo/accounts": { answer: null };
  /** The diagnostic bundle as it would be saved */
  "GET /diagnostics": { answer: Diagnostics };
  /** Writes a bundle that was shown into a file only its owner can read */
  "POST /diagnostics/file": { body: DiagnosticsRequest; answer: null };
  /** Events as they happen */
  "GET /events": { stream: AdminEvent };
  /** Which account would serve a model now, and why the others would not */
  "GET /explain": { query: { model: string }; answer: Explain[] };
  /** Finished requests, newest first */
  "GET /journal": { query: { limit?: number; before?: number; account?: string; outcome?: string; text?: string }; answer: RequestRow[] };
  /** Clears the journal */
  "DELETE /journal": { answer: Cleared };
  /** All gateway keys */
  "GET /keys": { answer: Key[] };
  /** Makes a key; it is copied, never shown */
  "POST /keys": { body: NewKey; answer: Key };
  /** Changes what a key may do; absent stays, null lifts the rule */
  "PATCH /keys/{name}": { path: { name: string }; body: KeyPatch; answer: Key };
  /** Refuses a key from the next request on */
  "DELETE /keys/{name}": { path: { name: string }; answer: null };
  /** Models clients can name, and who offers them */
  "GET /models": { answer: Model[] };
  /** Sets an alias; it acts on the next request */
  "PUT /models/aliases/{alias}": { path: { alias: string }; body: AliasTarget; answer: Alias };
  /** Takes an alias back */
  "DELETE /models/aliases/{alias}": { path: { alias: string }; answer: null };
  /** Every account's models, and where the list comes from */
  "GET /models/lists": { answer: ModelList[] };
  /** Aliases, patterns, thinking levels and defaults */
  "GET /models/names": { answer: ModelNames };
  /** Asks accounts for their models now; what fails keeps its old list */
  "POST /models/refresh": { body: RefreshModels; answer: ModelList[] };
  /** Reaches every host that settings and accounts name */
  "POST /network/test": { answer: Reached[] };
  /** The first page in one answer */
  "GET /overview": { answer: Overview };
  /** Refuses requests for a while, or until resumed */
  "POST /pause": { body: PauseRequest; answer: Status };
  /** Known providers, to fill the form */
  "GET /presets": { answer: RelayPreset[] };
  /** Reaches a host through a proxy, also one that is not saved */
  "POST /proxy/test": { body: ProxyTest; answer: Reached };
  /** Accounts with their last readings */
  "GET /quota": { query: { refresh?: boolean }; answer: Account[] };
  /** Quota over time, and where it is heading */
  "GET /quota/history": { query: { account?: string; from?: number; to?: number; buckets?: boolean }; answer: History };
  /** Clears the history of quota */
  "DELETE /quota/history": { answer: Cleared };
  /** Lists what a relay offers; the key is used once and not kept */
  "POST /relay/models": { body: RelayModelsRequest; answer: RelayModels };
  /** Where requests to a base URL will go */
  "POST /relay/preview": { body: RelayPreviewRequest; answer: RelayPreview };
  /** Back to the beginning: accounts, credentials, keys, settings, history, backups and logs go */
  "POST /reset": { body: ResetRequest; answer: null };
  /** Serves again */
  "POST /resume": { answer: Status };
  /** Every setting */
  "GET /settings": { answer: Setting[] };
  /** One setting */
  "GET /settings/{key}": { path: { key: string }; answer: Setting };
  /** Changes a setting */
  "PUT /settings/{key}": { path: { key: string }; body: SettingRequest; answer: Setting };
  /** Puts a setting back to its default */
  "DELETE /settings/{key}": { path: { key: string }; answer: Setting };
  /** Begins a sign-in; one under way is given up */
  "POST /signin": { body: SignInRequest; answer: SignIn };
  /** Where a sign-in stands */
  "GET /signin/{id}": { path: { id: string }; answer: SignIn };
  /** Gives it up */
  "DELETE /signin/{id}": { path: { id: string }; answer: SignIn };
  /** Adds who signed in instead of the account that was to */
  "POST /signin/{id}/add": { path: { id: string }; answer: SignIn };
  /** Takes what the browser ended on */
  "POST /signin/{id}/paste": { path: { id: string }; body: PasteRequest; answer: SignIn };
  /** The gateway in one look */
  "GET /status": { answer: Status };
  /** Changes of the active account, newest first */
  "GET /switches": { query: { limit?: number }; answer: Switch[] };
  /** Takes the last switch back */
  "POST /switches/undo": { answer: Account };
  /** Sends a prompt and streams what comes back; it costs quota. Hanging up cancels it upstream */
  "POST /try": { body: TryRequest; stream: TryEvent };
  /** Sums over a span of days */
  "GET /usage": { query: { from?: number; to?: number; group?: "account" | "model" | "client" | "route" | "day"; account?: string }; answer: Usage };
  /** Clears the sums by day; what limits and budgets have counted stays */
  "DELETE /usage": { answer: Cleared };
  /** How fast each account has answered with each model, the busiest first */
  "GET /usage/latency": { query: { from?: number }; answer: Latency[] };
  /** The last 24 hours */
  "GET /usage/today": { answer: Today };
}

/** A method and a path of the admin API. */
export type Call = keyof Calls;
