// How this person wants the window to look: theme, language, remaining or used, text size, masked addresses.
// Kept in the program's settings where it knows the key (`ui.*`, so that tray and window agree) and in this page's own storage for
// the next first paint. Called by nearly everything that draws.

import type { Client } from '../ipc/client';
import type { Setting } from '../ipc/types';
import type { Locale } from '../domain/format';
import type { NumbersMode } from '../domain/quota';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'system' | Locale;

export interface Prefs {
  theme: Theme;
  language: Language;
  numbers: NumbersMode;
  textScale: 100 | 125 | 150 | 200;
  hideEmails: boolean;
  guideDone: boolean;
}

const SLOT = 'switchyard.prefs';
const FIRST: Prefs = {
  theme: 'system',
  language: 'system',
  numbers: 'remaining',
  textScale: 100,
  hideEmails: false,
  guideDone: false,
};

const ALLOWED: { [K in keyof Prefs]: readonly Prefs[K][] } = {
  theme: ['system', 'light', 'dark'],
  language: ['system', 'en', 'zh'],
  numbers: ['remaining', 'used'],
  textScale: [100, 125, 150, 200],
  hideEmails: [true, false],
  guideDone: [true, false],
};

/** The program's setting behind a preference. */
const KEYS: { [K in keyof Prefs]: string } = {
  theme: 'ui.theme',
  language: 'ui.language',
  numbers: 'ui.numbers',
  textScale: 'ui.text_scale',
  hideEmails: 'ui.hide_emails',
  guideDone: 'ui.guide_done',
};

/** Only known keys with allowed values; anything else is the default. */
export function readPrefs(text: string | null): Prefs {
  const prefs = { ...FIRST };
  let found: Record<string, unknown> = {};
  try {
    found = JSON.parse(text ?? '{}') as Record<string, unknown>;
  } catch {
    return prefs;
  }
  for (const key of Object.keys(FIRST) as (keyof Prefs)[]) take(prefs, key, found?.[key]);
  return prefs;
}

function take<K extends keyof Prefs>(prefs: Prefs, key: K, value: unknown): void {
  const allowed = ALLOWED[key].find((one) => one === value);
  if (allowed !== undefined) prefs[key] = allowed;
}

const stored = (): string | null => {
  try {
    return localStorage.getItem(SLOT);
  } catch {
    return null;
  }
};

class PrefsState {
  current: Prefs = $state(readPrefs(stored()));
  private systemDark = $state(typeof matchMedia === 'function' && matchMedia('(prefers-color-scheme: dark)').matches);
  private known = new Set<string>();
  private client: Client | null = null;

  get dark(): boolean {
    return this.current.theme === 'dark' || (this.current.theme === 'system' && this.systemDark);
  }

  get locale(): Locale {
    if (this.current.language !== 'system') return this.current.language;
    return (navigator.language ?? 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';
  }

  set<K extends keyof Prefs>(key: K, value: Prefs[K]): void {
    this.current[key] = value;
    this.keep();
    // The page is right already; a refusal is shown by the Settings page when it next loads.
    if (this.client && this.known.has(KEYS[key])) this.client.setSetting(KEYS[key], String(value)).catch(() => undefined);
  }

  /** Takes over what the program knows; keys it does not have stay the page's own. */
  adopt(client: Client, settings: Setting[]): void {
    this.client = client;
    this.known = new Set(settings.map(({ key }) => key));
    for (const key of Object.keys(KEYS) as (keyof Prefs)[]) {
      const setting = settings.find((one) => one.key === KEYS[key]);
      const value = key === 'textScale' && setting ? Number(setting.value) : setting?.value;
      if (setting && setting.source !== 'default') take(this.current, key, value);
    }
    this.keep();
  }

  /** Writes the look onto the document, now and whenever it changes. */
  apply(): void {
    $effect(() => this.scale());
    $effect(() => {
      document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
      document.documentElement.lang = this.locale === 'zh' ? 'zh-CN' : 'en';
    });
    $effect(() => {
      const media = matchMedia('(prefers-color-scheme: dark)');
      const change = () => (this.systemDark = media.matches);
      media.addEventListener('change', change);
      return () => media.removeEventListener('change', change);
    });
  }

  /** Sets the text size; before the first paint too, so that the frame is laid out once. */
  scale(): void {
    const frame = document.getElementById('app');
    document.documentElement.style.setProperty('--text-scale', String(this.current.textScale / 100));
    if (!frame) return;
    // Chromium keeps the answers of container questions when only the length of their unit changes: it is made to ask again.
    frame.style.containerType = 'normal';
    void frame.offsetWidth;
    frame.style.containerType = '';
  }

  private keep(): void {
    try {
      localStorage.setItem(SLOT, JSON.stringify(this.current));
    } catch {
      // A page without storage forgets; nothing else is lost.
    }
  }
}

export const prefs = new PrefsState();
