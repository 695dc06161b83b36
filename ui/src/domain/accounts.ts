// Filtering, sorting and grouping of the account list, and moving a row. Pure; called by the Accounts and Routing pages.

import type { Account, AccountKind, Format } from '../ipc/types';
import { fullest, nextReset } from './quota';

export type StateFilter = 'all' | 'usable' | 'exhausted' | 'cooling' | 'needs_login' | 'disabled' | 'demo';
/** Every dialect an account may speak, the most usual first. */
export const FORMATS: Format[] = ['openai', 'responses', 'anthropic', 'gemini', 'codex'];

/** How a key may be carried (F100). */
export type Auth = 'bearer' | 'x-api-key' | 'x-goog-api-key' | 'query';
export const AUTHS: Auth[] = ['bearer', 'x-api-key', 'x-goog-api-key', 'query'];

/** The form a format has of its own. */
export function ownAuth(format: Format): Auth {
  if (format === 'anthropic') return 'x-api-key';
  return format === 'gemini' ? 'x-goog-api-key' : 'bearer';
}

export type Sort = 'order' | 'name' | 'left' | 'reset' | 'used';
export const STATE_FILTERS: StateFilter[] = ['all', 'usable', 'exhausted', 'cooling', 'needs_login', 'disabled', 'demo'];
export const SORTS: Sort[] = ['order', 'name', 'left', 'reset', 'used'];

/** What keeps a healthy account from serving all the same: its balance, or a limit of the person's own on the whole account (F72, F112). */
export function heldBy(account: Account): { code: 'balance_low' | 'own_limit'; until: number | null } | null {
  if (!account.enabled || !SERVING.has(account.health)) return null;
  if (account.balance?.low || account.balance?.unavailable) return { code: 'balance_low', until: null };
  const reached = account.limits.filter(({ limit, used }) => used.reached && !limit.model);
  return reached.length > 0 ? { code: 'own_limit', until: Math.max(...reached.map(({ used }) => used.until)) } : null;
}

const SERVING = new Set<Account['health']>(['active', 'unknown', 'attention']);

/** Whether the account can serve now, as far as is known. */
export function usable(account: Account): boolean {
  return heldBy(account) === null && account.enabled && (account.health === 'active' || account.health === 'unknown' || account.health === 'attention');
}

export function matchesState(account: Account, filter: StateFilter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'usable':
      return usable(account);
    case 'needs_login':
      return account.health === 'needs_login' || account.health === 'banned';
    case 'disabled':
      return !account.enabled;
    case 'demo':
      return account.demo === true;
    default:
      return account.health === filter;
  }
}

/** Every word of the search must be somewhere in the account's name, address, plan, group or base URL. */
export function matchesText(account: Account, text: string): boolean {
  const place = [account.label, account.email, account.plan, account.group, account.base_url, account.format]
    .filter(Boolean)
    .join(' ')
    .toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => place.includes(word));
}

export function sorted(accounts: Account[], sort: Sort, now: number): Account[] {
  const by: Record<Sort, (a: Account, b: Account) => number> = {
    order: (a, b) => a.position - b.position,
    name: (a, b) => a.label.localeCompare(b.label),
    left: (a, b) => (fullest(a, now) ?? 101) - (fullest(b, now) ?? 101),
    reset: (a, b) => (nextReset(a, now) ?? Infinity) - (nextReset(b, now) ?? Infinity),
    used: (a, b) => (b.last_used_at ?? 0) - (a.last_used_at ?? 0),
  };
  return [...accounts].sort((a, b) => by[sort](a, b) || a.position - b.position);
}

const KINDS: AccountKind[] = ['codex_oauth', 'relay', 'zai', 'provider_key'];

/** Sections in a fixed order; empty ones are left out. */
export function byKind(accounts: Account[]): { kind: AccountKind; accounts: Account[] }[] {
  return KINDS.map((kind) => ({ kind, accounts: accounts.filter((account) => account.kind === kind) })).filter(
    (section) => section.accounts.length > 0,
  );
}

/** The list of ids with one moved before another; to the end when `before` is `null`. */
export function moved(ids: string[], id: string, before: string | null): string[] {
  if (id === before) return ids;
  const rest = ids.filter((other) => other !== id);
  const at = before === null ? rest.length : rest.indexOf(before);
  return at < 0 ? ids : [...rest.slice(0, at), id, ...rest.slice(at)];
}

/** The list with one id a step earlier or later. */
export function stepped(ids: string[], id: string, step: -1 | 1): string[] {
  const from = ids.indexOf(id);
  const to = from + step;
  if (from < 0 || to < 0 || to >= ids.length) return ids;
  const next = [...ids];
  next.splice(from, 1);
  next.splice(to, 0, id);
  return next;
}

/** The host of a base URL, for lists. */
export function host(url: string | null | undefined): string {
  try {
    return url ? new URL(url).host : '';
  } catch {
    return url ?? '';
  }
}

/** Every e-mail address in the text with all but its first letter and its domain's last part hidden. */
export function maskEmails(text: string): string {
  return text.replace(/([^\s@])[^\s@]*@[^\s@]*?(\.[a-z]{2,})\b/gi, '$1•••@•••$2');
}
