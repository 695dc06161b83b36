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
export type UsageGroup = 'account' | 'model' | 'client' | 'day';
export type {
  Account, AccountPatch, Attempt, Attention, Explain, Forecast, Health, ImportItem, Model, NewAccount, Overview, Quota, RelayPreview,
  RequestRow, Reset, Rotation, Setting, SignIn, Status, TestResult, Today, TryEvent, TryRequest, Urls, Usage, UsageDay, UsageRow, WindowName,
} from './api';

/** What the shell says about this desktop. Not part of the admin API. */
export interface DesktopState {
  autostart: boolean;
  tray: boolean;
  notifications: boolean;
  platform: string;
}
