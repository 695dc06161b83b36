// Tables as CSV or JSON text for saving. Pure; called by the Usage and Requests pages.

export type Cell = string | number | null | undefined;

function cell(value: Cell): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  // A leading sign would be run as a formula by a spreadsheet.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(head: string[], rows: Cell[][]): string {
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

export function json(head: string[], rows: Cell[][]): string {
  const objects = rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index] ?? null])));
  return JSON.stringify(objects, null, 2) + '\n';
}
