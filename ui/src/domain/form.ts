// What people type into forms, read: numbers that may be missing, lists in lines, amounts of money. Pure; called by views.

import type { Account, Amount, SwitchRow } from '../ipc/types';

/** A number field's value: the browser gives a number, or nothing at all. */
export function numberOrNull(value: unknown): number | null {
  if (value === '' || value === null || value === undefined) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** The program takes no shorter one. */
export const SHORTEST_PASSPHRASE = 8;

/** What is wrong with a passphrase that was typed twice, as far as it was typed. */
export function passphraseFault(phrase: string, again: string): 'short' | 'differ' | null {
  if (phrase !== '' && phrase.length < SHORTEST_PASSPHRASE) return 'short';
  return again !== '' && phrase !== again ? 'differ' : null;
}

/** Names with commas, spaces or line ends between them; `null` for none. */
export function namesOrNull(text: string): string[] | null {
  const names = text.split(/[\s,]+/).filter(Boolean);
  return names.length > 0 ? names : null;
}

/** `name: value` lines as pairs; a line without a colon is a name alone. */
export function headerLines(text: string): { name: string; value: string }[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const at = line.indexOf(':');
      return at < 0 ? { name: line, value: '' } : { name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
    });
}

const SIGNS: Record<string, string> = { USD: '$', CNY: '¥', EUR: '€', GBP: '£' };

/** `$12.40`, `¥0.0011`, `3 XYZ`: the digits as they were told, a fraction cut to two places, below one to four. */
export function money(total: string, currency: string): string {
  const places = /^-?0*\./.test(total) ? 4 : 2;
  const short = total.replace(/\.(\d*)$/, (_, digits: string) => `.${digits.slice(0, places).padEnd(2, '0')}`);
  const sign = SIGNS[currency.toUpperCase()];
  if (!sign) return `${short} ${currency}`;
  return short.startsWith('-') ? `-${sign}${short.slice(1)}` : sign + short;
}

export const amounts = (list: Amount[]): string => list.map(({ total, currency }) => money(total, currency)).join(' · ');

/** Whether a key account serves because every sign-in is used up (F49): the last automatic switches came from a sign-in. */
export function standsIn(active: Account | null, switches: SwitchRow[], accounts: Account[]): boolean {
  if (!active || active.kind === 'codex_oauth' || switches[0]?.to.id !== active.id) return false;
  for (const one of switches) {
    if (!one.automatic || !one.from) return false;
    const from = accounts.find(({ id }) => id === one.from?.id);
    if (from?.kind === 'codex_oauth') return true;
    if (!from) return false;
  }
  return false;
}

/** The `datetime-local` text of a moment, in this machine's time; empty for none. */
export function localTime(at: number | null | undefined): string {
  if (at == null) return '';
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
