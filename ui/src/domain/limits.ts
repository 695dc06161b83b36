// A usage limit as lines that can be shown: what is counted, how much was used, how much may be. Pure; called by the account drawer and the keys.

import type { Limit, Spent } from '../ipc/types';

export const LIMIT_KINDS = ['requests', 'total_tokens', 'prompt_tokens', 'completion_tokens', 'cost'] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

export interface LimitLine {
  kind: LimitKind;
  used: number;
  most: number;
}

export function usedOf(kind: LimitKind, spent: Spent): number {
  switch (kind) {
    case 'requests':
      return spent.requests;
    case 'prompt_tokens':
      return spent.prompt_tokens;
    case 'completion_tokens':
      return spent.completion_tokens;
    case 'total_tokens':
      return spent.prompt_tokens + spent.completion_tokens;
    case 'cost':
      return Number(spent.cost);
  }
}

/** What a limit limits, in a fixed order. */
export function limitLines(limit: Limit, spent: Spent): LimitLine[] {
  return LIMIT_KINDS.flatMap((kind) => {
    const most = limit[kind];
    return most == null ? [] : [{ kind, used: usedOf(kind, spent), most: Number(most) }];
  });
}

/** A new limit of one kind. */
export function newLimit(kind: LimitKind, most: number, days: number | null, model: string): Limit {
  return { [kind]: kind === 'cost' ? String(most) : most, period_days: days, model: model.trim() || null };
}
