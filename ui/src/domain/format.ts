// Numbers, times and spans as people read them, per language. Pure: the present moment is an argument.
// Called by views and components through `state/words`.

export type Locale = 'en' | 'zh';

const TAG: Record<Locale, string> = { en: 'en-GB', zh: 'zh-CN' };
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const cache = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();

function dates(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const found = cache.get(key) ?? new Intl.DateTimeFormat(TAG[locale], options);
  cache.set(key, found);
  return found as Intl.DateTimeFormat;
}

function numbers(locale: Locale, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `n${locale}${JSON.stringify(options)}`;
  const found = cache.get(key) ?? new Intl.NumberFormat(TAG[locale], options);
  cache.set(key, found);
  return found as Intl.NumberFormat;
}

/** `1,234` */
export function count(locale: Locale, value: number): string {
  return numbers(locale, { maximumFractionDigits: 0 }).format(value);
}

/** `1.2k`, `3.4M`: three figures at most. */
export function compact(locale: Locale, value: number): string {
  if (Math.abs(value) < 1000) return count(locale, value);
  const options: Intl.NumberFormatOptions = { notation: 'compact', maximumSignificantDigits: 3 };
  // British English writes a small m for a million, which reads as milli.
  return new Intl.NumberFormat(locale === 'zh' ? 'zh-CN' : 'en-US', options).format(value);
}

/** `840 kB`, `1.2 MB`. */
export function bytes(locale: Locale, value: number): string {
  const [size, unit] = value < 1e6 ? [value / 1e3, 'kB'] : [value / 1e6, 'MB'];
  return `${numbers(locale, { maximumFractionDigits: size < 10 ? 1 : 0 }).format(size)}\u202f${unit}`;
}

/** `62 %` with a narrow space in English, `62%` in Chinese. Never `100 %` or `0 %` for what is nearly that. */
export function percent(locale: Locale, value: number): string {
  const clamped = Math.min(100, Math.max(0, value));
  const rounded = clamped > 99 && clamped < 100 ? 99 : clamped > 0 && clamped < 1 ? 1 : Math.round(clamped);
  return locale === 'zh' ? `${rounded}%` : `${rounded}\u202f%`;
}

/** `840 ms`, `3.2 s`, `2 min 5 s`. */
export function latency(locale: Locale, ms: number): string {
  if (ms < 1000) return `${count(locale, ms)}\u202fms`;
  if (ms < MINUTE) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)}\u202fs`;
  const minutes = Math.floor(ms / MINUTE);
  return `${minutes}\u202fmin ${Math.round((ms % MINUTE) / 1000)}\u202fs`;
}

/** The two largest units of a span: `2 d 4 h`, `3 h 12 min`, `12 min`; under a minute `< 1 min`. */
export function span(locale: Locale, ms: number): string {
  const unit = locale === 'zh' ? { d: '天', h: '小时', m: '分钟', less: '不到 1 分钟' } : { d: 'd', h: 'h', m: 'min', less: '< 1 min' };
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 1) return unit.less;
  const parts: [number, string][] = [
    [Math.floor(minutes / 1440), unit.d],
    [Math.floor((minutes % 1440) / 60), unit.h],
    [minutes % 60, unit.m],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  const gap = locale === 'zh' ? '' : '\u202f';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, name]) => `${value}${gap}${name}`)
    .join(locale === 'zh' ? '' : ' ');
}

/** The largest unit alone: `3 h`. */
export function spanShort(locale: Locale, ms: number): string {
  const unit = [DAY, HOUR, MINUTE].find((one) => ms >= one) ?? MINUTE;
  return span(locale, Math.floor(ms / unit) * unit);
}

/** A countdown to the second for short waits: `4:09`. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** Length of a quota window: `5 h`, `7 d`. */
export function windowLength(locale: Locale, seconds: number): string {
  const hours = Math.round(seconds / 3600);
  const zh = locale === 'zh';
  if (hours >= 48) return zh ? `${Math.round(hours / 24)}天` : `${Math.round(hours / 24)}\u202fd`;
  return zh ? `${Math.max(1, hours)}小时` : `${Math.max(1, hours)}\u202fh`;
}

/** `18:40` */
export function clock(locale: Locale, at: number): string {
  return dates(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
}

/** `18:40:07` */
export function clockSeconds(locale: Locale, at: number): string {
  return dates(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(at);
}

/** `18:40` today, `Tue 18:40` within six days, else `3 Dec 18:40`. */
export function when(locale: Locale, at: number, now: number): string {
  const day = new Date(at).toDateString();
  if (day === new Date(now).toDateString()) return clock(locale, at);
  const near = Math.abs(at - now) < 6 * DAY;
  const date = near ? dates(locale, { weekday: 'short' }) : dates(locale, { day: 'numeric', month: 'short' });
  return `${date.format(at)} ${clock(locale, at)}`;
}

/** Date and time in full, for tooltips and tables. */
export function full(locale: Locale, at: number): string {
  return dates(locale, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }).format(at);
}

/** `3 Dec` from `2026-12-03`. */
export function dayLabel(locale: Locale, day: string): string {
  const at = Date.parse(`${day}T12:00:00`);
  return Number.isNaN(at) ? day : dates(locale, { day: 'numeric', month: 'short' }).format(at);
}
