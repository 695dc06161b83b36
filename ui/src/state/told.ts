// What the program tells of itself, in the person's language and numbers. Called when a notice comes.

import { DAY, HOUR } from '../domain/format';
import { shown } from '../domain/quota';
import type { LiveEvent } from '../ipc/types';
import { shownName } from './names';
import { prefs } from './prefs.svelte';
import { words } from './words.svelte';

/** The sentence of a notice; `null` for one whose news the window shows by another event. */
export function told(notice: Extract<LiveEvent, { type: 'notice' }>): string | null {
  const { m, f } = words;
  const who = notice.account ? shownName(notice.account.label) : '';
  const back = notice.back_at === null ? null : f.when(notice.back_at);
  switch (notice.code) {
    // The switch itself is an event of its own, with what takes it back.
    case 'switched':
      return null;
    case 'quota_warning': {
      const mode = prefs.current.numbers;
      return m.told.quotaWarning(who, m.quota.spoken(mode, f.percent(shown(mode, notice.percent ?? 0)), null), windowOf(notice.reason));
    }
    case 'all_exhausted':
      return m.told.allExhausted(back);
    case 'needs_sign_in':
      return m.told.needsSignIn(who);
    case 'recovered':
      return m.told.recovered(who);
    case 'balance_low':
      return m.told.balanceLow(who);
    case 'port_changed':
      return notice.port === null ? notice.text : m.told.portChanged(notice.port);
  }
}

/** `5h` and `7d` as the page writes such spans everywhere. */
function windowOf(reason: string | null): string {
  const [, number, unit] = /^(\d+)([hd])$/.exec(reason ?? '') ?? [];
  return number ? words.f.windowLength((Number(number) * (unit === 'd' ? DAY : HOUR)) / 1000) : (reason ?? '');
}
