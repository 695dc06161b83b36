// The names under which the page uses the admin API's types. The shapes themselves are generated (`api.ts`).
// Everything else imports types from here, so that the generated file has one reader.

import type * as Api from './api';

export type Millis = number;
export type AccountKind = Api.Kind;
export type Format = Api.Dialect;
export type QuotaWindow = Api.Window;
export type GatewayKey = Api.Key;
export type HistorySeries = Api.Series;
export type QuotaHistory = Api.History;
export type SwitchRow = Api.Switch;
export type ImportReport = Api.Import;
export type RefreshLine = Api.Refreshed;
export type LiveEvent = Api.AdminEvent;
/** A key to make: the generated type cannot say that it is a name with rules. */
export type NewKey = { name: string } & Api.KeyPatch;
export type UsageGroup = 'account' | 'model' | 'client' | 'route' | 'day';
export type {
  Account, AccountOptions, AccountOptionsPatch, AccountPatch, AccountsAdded, Alias, Amount, Attempt, Attention, Backup, BackupPreview, Backups, BackupWritten, Balance, BalancePatch, Effort, Explain, Forecast, Health, ImportItem, KeyPatch, Latency, Limit, LimitState, Model, ModelList, ModelNames, NewAccount, NewAccounts, Overview, Quota, Reached, RelayPreset, RelayPreview,
  RequestRow, Reset, Restored, Rotation, Setting, SignIn, Spent, Status, TestResult, Today, TryEvent, TryRequest, Urls, Usage, UsageDay, UsageRow, WindowName,
} from './api';

/** What the shell says about this desktop. Not part of the admin API. */
export interface DesktopState {
  autostart: boolean;
  tray: boolean;
  notifications: boolean;
  platform: string;
}
