// What a quota window means: what is left, how serious that is, and whether the reading still counts.
// Pure. Called by meters, lists and charts.

import type { Account, Quota, QuotaWindow, WindowName } from '../ipc/types';

export type Severity = 'calm' | 'warn' | 'full';
export type NumbersMode = 'remaining' | 'used';

/** Green under 70 % used, amber under 90, red from there: the same everywhere. */
export function severity(used: number): Severity {
  if (used >= 90) return 'full';
  return used >= 70 ? 'warn' : 'calm';
}

/** The number to show for a used percentage. */
export function shown(mode: NumbersMode, used: number): number {
  const clamped = Math.min(100, Math.max(0, used));
  return mode === 'used' ? clamped : 100 - clamped;
}

export interface NamedWindow {
  name: WindowName;
  window: QuotaWindow;
  /** Its reset has passed since it was read: nobody knows (F42). */
  stale: boolean;
}

/** The known windows of a reading, or of the part of it for some models, short one first. */
export function windows(quota: Pick<Quota, WindowName> | null | undefined, now: number): NamedWindow[] {
  if (!quota) return [];
  const names: WindowName[] = ['primary', 'secondary'];
  return names.flatMap((name) => {
    const window = quota[name];
    if (!window) return [];
    return [{ name, window, stale: window.resets_at != null && window.resets_at <= now }];
  });
}

/** The fullest window that still counts, in percent; `null` when nothing is known. */
export function fullest(account: Account, now: number): number | null {
  const known = windows(account.quota, now).filter(({ stale }) => !stale);
  return known.length === 0 ? null : Math.max(...known.map(({ window }) => window.used_percent));
}

/** The next moment at which an account gets something back. */
export function nextReset(account: Account, now: number): number | null {
  const times = windows(account.quota, now)
    .filter(({ stale, window }) => !stale && window.resets_at != null)
    .map(({ window }) => window.resets_at as number);
  return times.length === 0 ? null : Math.min(...times);
}
