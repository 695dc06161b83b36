// Geometry and columns of the charts: time scale, gaps, reset marks, ticks. Pure; called by the chart components.

import type { HistorySeries, Reset } from '../ipc/types';
import { DAY, HOUR, type Locale, clock, dayLabel } from './format';

export interface Columns {
  /** Seconds, ascending, shared by all lines. */
  times: number[];
  /** One column per line; `null` where nothing is known. */
  lines: (number | null | undefined)[][];
}

/**
 * One shared time axis for several lines. A point that only another line has is `undefined` (joined across), a gap and a reset are
 * `null` (broken), so that nothing is drawn where nothing was read and a reset is not a slope.
 */
export function columns(series: HistorySeries[], used: boolean): Columns {
  const marks = series.map((one) => {
    const values = new Map<number, number | null>();
    for (const [t, value] of one.points) {
      if (t !== undefined && value !== undefined) values.set(Math.round(t / 1000), used ? value : 100 - value);
    }
    for (const [from, to] of one.gaps) {
      if (from !== undefined && to !== undefined) values.set(Math.round((from + to) / 2000), null);
    }
    // Just before a reset the line ends; what follows is another window.
    for (const at of one.resets) {
      const second = Math.round(at / 1000) - 1;
      if (!values.has(second)) values.set(second, null);
    }
    return values;
  });
  const times = [...new Set(marks.flatMap((values) => [...values.keys()]))].sort((a, b) => a - b);
  return { times, lines: marks.map((values) => times.map((t) => (values.has(t) ? values.get(t) : undefined))) };
}

/** How the line of one window is drawn: the plan's own two in colours of their own, each model's limit in one colour with its long window dashed. */
export function lineLook(series: Pick<HistorySeries, 'bucket' | 'window'>[], index: number): { colour: string; dashed: boolean } {
  const one = series[index];
  if (!one || one.bucket === null) return { colour: one?.window === 'secondary' ? '--series-2' : '--accent', dashed: false };
  const names = [...new Set(series.flatMap(({ bucket }) => bucket ?? []))];
  return { colour: `--series-${3 + (names.indexOf(one.bucket) % 3)}`, dashed: one.window === 'secondary' };
}

/** Where a moment stands between now (0) and the horizon (1). The root makes room for the near, which matters most. */
export function place(at: number, now: number, horizon: number): number {
  return Math.sqrt(Math.min(1, Math.max(0, (at - now) / horizon)));
}

/** The end of the next-reset line: the furthest reset, at least six hours. */
export function horizonOf(resets: Reset[], now: number): number {
  return Math.max(6 * HOUR, ...resets.map(({ resets_at }) => resets_at - now)) * 1.04;
}

/** Spans at which the next-reset line has a mark. */
export function resetTicks(horizon: number): number[] {
  return [HOUR, 5 * HOUR, DAY, 3 * DAY, 7 * DAY].filter((tick) => tick < horizon * 0.97);
}

/** Puts labels into as few lanes as let none touch another; `width` is the share of the line that one label takes. */
export function lanes(places: number[], width: number): number[] {
  const ends: number[] = [];
  return places.map((at) => {
    const left = Math.min(at, 1 - width);
    const free = ends.findIndex((end) => end <= left);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = left + width;
    return lane;
  });
}

/** An SVG path over a 100 × 100 box from values; empty with fewer than two. */
export function sparkPath(values: number[], top: number): { line: string; area: string } {
  if (values.length < 2) return { line: '', area: '' };
  const x = (index: number) => ((index / (values.length - 1)) * 100).toFixed(2);
  const y = (value: number) => (100 - (Math.max(0, value) / Math.max(1, top)) * 92).toFixed(2);
  const line = values.map((value, index) => `${index === 0 ? 'M' : 'L'}${x(index)} ${y(value)}`).join('');
  return { line, area: `${line}L100 100L0 100Z` };
}

/** A round number at or above the largest value, for the top of an axis. */
export function niceTop(value: number): number {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 4, 5, 8, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

/** The label of a moment on an axis that spans `length`. */
export function axisLabel(locale: Locale, at: number, length: number): string {
  if (length <= 2 * DAY) return clock(locale, at);
  const date = new Date(at);
  const day = `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
  return dayLabel(locale, day);
}
