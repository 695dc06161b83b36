// The shapes of the admin API's answers and events, as the page uses them. Times are milliseconds since the epoch.
// Not a place for behaviour. Everything else imports types from here, so that the generated file has one reader.

export type Millis = number;
export type Maybe<T> = T | null | undefined;

export type AccountKind = 'codex_oauth' | 'relay' | 'zai' | 'provider_key';
export type Health = 'unknown' | 'active' | 'cooling' | 'exhausted' | 'needs_login' | 'attention' | 'banned' | 'disabled';
export type Format = 'codex' | 'responses' | 'openai' | 'anthropic' | 'gemini';
export type WindowName = 'primary' | 'secondary';

export interface QuotaWindow {
  used_percent: number;
  length_s?: Maybe<number>;
  resets_at?: Maybe<Millis>;
}

export interface Quota {
  plan?: Maybe<string>;
  primary?: Maybe<QuotaWindow>;
  secondary?: Maybe<QuotaWindow>;
  captured_at: Millis;
  source: string;
}

export interface LastError {
  code: string;
  status?: Maybe<number>;
  at: Millis;
}

export interface Account {
  id: string;
  kind: AccountKind;
  label: string;
  enabled: boolean;
  active: boolean;
  health: Health;
  reason?: Maybe<string>;
  usable_again_at?: Maybe<Millis>;
  format: Format;
  base_url?: Maybe<string>;
  email?: Maybe<string>;
  plan?: Maybe<string>;
  position: number;
  priority: number;
  group?: Maybe<string>;
  allowed_models?: Maybe<string[]>;
  known_models?: Maybe<string[]>;
  quota?: Maybe<Quota>;
  remaining_percent?: Maybe<number>;
  expires_at?: Maybe<Millis>;
  refreshable: boolean;
  added_at: Millis;
  last_used_at?: Maybe<Millis>;
  running: number;
  requests: number;
  successes: number;
  failures: number;
  proxy?: Maybe<string>;
  excluded?: boolean;
  reserve_percent?: Maybe<number>;
  notes?: Maybe<string>;
  demo?: boolean;
  last_error?: Maybe<LastError>;
}

export interface Urls {
  openai: string;
  anthropic: string;
  gemini: string;
}

export type IconState = 'running' | 'working' | 'low' | 'attention' | 'stopped';

export interface Status {
  version: string;
  url: string;
  serving: boolean;
  running: number;
  policy: string;
  vault: string;
  home: string;
  accounts: Account[];
  notices: string[];
  paused: boolean;
  paused_until?: Maybe<Millis>;
  auto_switch: boolean;
  automatic: boolean;
  key_masked?: Maybe<string>;
  urls: Urls;
  desktop: boolean;
  demo: boolean;
  icon_state: string;
}

export interface Attempt {
  account?: Maybe<string>;
  outcome: string;
  status?: Maybe<number>;
  duration_ms: number;
  reason?: Maybe<string>;
}

export interface RequestRow {
  request_id: string;
  started_at: Millis;
  key?: Maybe<string>;
  endpoint: string;
  model?: Maybe<string>;
  served_model?: Maybe<string>;
  account?: Maybe<string>;
  status?: Maybe<number>;
  outcome: string;
  error_code?: Maybe<string>;
  stream: boolean;
  first_byte_ms?: Maybe<number>;
  duration_ms: number;
  input_tokens?: Maybe<number>;
  output_tokens?: Maybe<number>;
  losses: string[];
  attempts: Attempt[];
  skipped?: Maybe<{ account: string; reason: string }[]>;
}

export interface Explain {
  id: string;
  label: string;
  rank?: Maybe<number>;
  reason?: Maybe<string>;
}

export interface ImportItem {
  item: number;
  action: string;
  kind: string;
  label: string;
  email?: Maybe<string>;
  plan?: Maybe<string>;
  expires_at?: Maybe<Millis>;
  id?: Maybe<string>;
}

export interface ImportReport {
  added: number;
  updated: number;
  failed: number;
  errors: string[];
  items: ImportItem[];
}

export type SettingValue = string | number | boolean | string[] | null;

export interface Setting {
  key: string;
  value: unknown;
  default: unknown;
  source: string;
  locked_by?: Maybe<string>;
  apply: string;
  allowed: string;
  doc: string;
}

export interface GatewayKey {
  name: string;
  masked: string;
  created_at: Millis;
  enabled: boolean;
}

export interface Model {
  id: string;
  owned_by: string;
  accounts?: string[];
  dialects?: string[];
  source?: Maybe<string>;
}

export interface HistorySeries {
  account_id: string;
  label: string;
  window: WindowName;
  length_s?: Maybe<number>;
  points: number[][];
  gaps: number[][];
  resets: Millis[];
}

export interface Forecast {
  account_id: string;
  window: WindowName;
  empty_at?: Maybe<Millis>;
}

export interface QuotaHistory {
  series: HistorySeries[];
  forecast: Forecast[];
}

export type UsageGroup = 'account' | 'model' | 'client' | 'day';

export interface UsageRow {
  key: string;
  label: string;
  requests: number;
  successes: number;
  failures: number;
  cancelled: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  reasoning_tokens: number;
  unknown_usage: number;
}

export interface UsageDay {
  day: string;
  rows: UsageRow[];
}

export interface Usage {
  rows: UsageRow[];
  days: UsageDay[];
}

export interface SparkPoint {
  t: Millis;
  requests: number;
  errors: number;
}

export interface Today {
  requests: number;
  tokens_in: number;
  tokens_out: number;
  errors: number;
  spark: SparkPoint[];
}

export interface NamedAccount {
  id: string;
  label: string;
}

export interface SwitchRow {
  at: Millis;
  from?: Maybe<NamedAccount>;
  to: NamedAccount;
  reason: string;
  automatic: boolean;
  back_at?: Maybe<Millis>;
}

export interface Reset {
  account_id: string;
  label: string;
  window: WindowName;
  resets_at: Millis;
  used_percent: number;
}

export interface Attention {
  account_id: string;
  label: string;
  problem: string;
  action: string;
}

export interface Overview {
  status: Status;
  active?: Maybe<Account>;
  resets: Reset[];
  attention: Attention[];
  today: Today;
  switches: SwitchRow[];
}

export type SignInState = 'waiting' | 'exchanging' | 'done' | 'failed' | 'expired' | 'cancelled';

export interface SignInStart {
  id: string;
  url: string;
  expires_at: Millis;
  user_code?: Maybe<string>;
  verification_url?: Maybe<string>;
}

export interface SignInProgress {
  state: SignInState;
  account?: Maybe<Account>;
  error?: Maybe<string>;
}

export interface RelayPreview {
  urls: Record<string, string>;
  problem?: Maybe<string>;
}

export interface TestResult {
  ok: boolean;
  status?: Maybe<number>;
  latency_ms: number;
  first_byte_ms?: Maybe<number>;
  text?: Maybe<string>;
  error?: Maybe<string>;
}

export interface RefreshLine {
  id: string;
  label: string;
  result: string;
  reason?: Maybe<string>;
}

export interface TryRequest {
  protocol: string;
  model: string;
  account_id?: Maybe<string>;
  prompt: string;
  image?: Maybe<string>;
  stream: boolean;
  tools?: boolean;
  thinking?: boolean;
}

/** One event of a running `POST /try`. */
export interface TryEvent {
  event: 'head' | 'delta' | 'thinking' | 'tool' | 'image' | 'usage' | 'done' | 'error';
  text?: Maybe<string>;
  status?: Maybe<number>;
  account?: Maybe<string>;
  headers?: Maybe<string[][]>;
  curl?: Maybe<string>;
  raw?: Maybe<string>;
  name?: Maybe<string>;
  url?: Maybe<string>;
  input_tokens?: Maybe<number>;
  output_tokens?: Maybe<number>;
  first_byte_ms?: Maybe<number>;
  duration_ms?: Maybe<number>;
  message?: Maybe<string>;
}

/** What the program tells the page on its own. */
export type LiveEvent =
  | { type: 'account_changed'; account: Account }
  | { type: 'account_removed'; id: string }
  | ({ type: 'switched' } & SwitchRow)
  | { type: 'quota'; account_id: string; quota: Quota }
  | { type: 'request_started'; request: RequestRow }
  | { type: 'request_finished'; request: RequestRow }
  | { type: 'status'; status: Status }
  | { type: 'progress'; task: string; done: number; total: number; label?: Maybe<string> }
  | { type: 'notice'; level: string; code: string; text: string }
  | { type: 'settings_changed'; key: string }
  | { type: 'lagged' };

export interface DesktopState {
  autostart: boolean;
  tray: boolean;
  notifications: boolean;
  platform: string;
}
