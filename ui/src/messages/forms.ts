// Forms that messages share: counted words, and codes that are looked up.

/** `1 account`, `3 accounts`. */
export function many(n: number, one: string, more: string): string {
  return `${n} ${n === 1 ? one : more}`;
}

/** The text of a code; a code nobody knows yet is shown as words. */
export function looked(table: Record<string, string>, code: string): string {
  return table[code.trim().toLowerCase().replaceAll(' ', '_')] ?? code.replaceAll('_', ' ');
}
