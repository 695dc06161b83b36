// The messages and number forms of the chosen language. English is in the first chunk, the other languages load when chosen.
// Called by every view: `words.m.accounts.title`, `words.f.percent(62)`.

import * as format from '../domain/format';
import type { Locale } from '../domain/format';
import { en, type Messages } from '../messages/en';
import { clockState } from './clock.svelte';
import { prefs } from './prefs.svelte';

const LATER: Record<Exclude<Locale, 'en'>, () => Promise<Messages>> = {
  zh: async () => (await import('../messages/zh')).zh,
};

class Words {
  m: Messages = $state.raw(en);
  locale: Locale = $state('en');

  /** Follows the chosen language. The texts change when they are there, all at once. */
  follow(): void {
    $effect(() => {
      const wanted = prefs.locale;
      if (wanted === 'en') this.take('en', en);
      else void LATER[wanted]().then((messages) => prefs.locale === wanted && this.take(wanted, messages));
    });
  }

  /** Loads the language before the first paint. */
  async begin(): Promise<void> {
    const wanted = prefs.locale;
    this.take(wanted, wanted === 'en' ? en : await LATER[wanted]());
  }

  readonly f = {
    count: (value: number) => format.count(this.locale, value),
    bytes: (value: number) => format.bytes(this.locale, value),
    compact: (value: number) => format.compact(this.locale, value),
    percent: (value: number) => format.percent(this.locale, value),
    latency: (ms: number) => format.latency(this.locale, ms),
    span: (ms: number) => format.span(this.locale, ms),
    spanShort: (ms: number) => format.spanShort(this.locale, ms),
    windowLength: (seconds: number) => format.windowLength(this.locale, seconds),
    clock: (at: number) => format.clock(this.locale, at),
    clockSeconds: (at: number) => format.clockSeconds(this.locale, at),
    when: (at: number) => format.when(this.locale, at, clockState.now),
    full: (at: number) => format.full(this.locale, at),
    day: (day: string) => format.dayLabel(this.locale, day),
  };

  private take(locale: Locale, messages: Messages): void {
    this.locale = locale;
    this.m = messages;
  }
}

export const words = new Words();
