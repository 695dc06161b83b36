// Account names as this person wants to see them: whole, or with the e-mail addresses in them masked.

import { maskEmails } from '../domain/accounts';
import { prefs } from './prefs.svelte';

export function shownName(name: string): string {
  return prefs.current.hideEmails ? maskEmails(name) : name;
}
