// Under which subject a setting is shown, and beside which others. Pure; called by the Settings page.

import type { Setting } from '../ipc/types';

export const SECTIONS = ['general', 'gateway', 'notifications', 'data', 'advanced', 'about'] as const;
export type Section = (typeof SECTIONS)[number];
export type Group = (typeof GROUPS)[number][0];

/** Groups in the order in which they are shown: the beginnings of their keys, and the section. `null`: another page shows them. */
const GROUPS = [
  ['elsewhere', null, ['ui.', 'rotation.', 'auto_switch.', 'retry.', 'affinity.', 'models.', 'thinking.', 'zai.']],
  ['server', 'gateway', ['server.']],
  ['proxy', 'gateway', ['proxy.']],
  ['timeouts', 'gateway', ['timeouts.']],
  ['limits', 'gateway', ['limits.']],
  ['notifications', 'notifications', ['notif']],
  ['backup', 'data', ['backup.']],
  ['watch', 'data', ['watch.', 'import.']],
  ['journal', 'data', ['journal.']],
  ['usage', 'data', ['usage.']],
  ['log', 'data', ['log.']],
  ['quota', 'advanced', ['quota.', 'balance.', 'health.', 'refresh.']],
  ['codex', 'advanced', ['codex.']],
  ['other', 'advanced', ['']],
] as const;

/** The settings of one section, group by group; empty groups are left out. */
export function grouped(settings: Setting[], section: Section): { group: Group; settings: Setting[] }[] {
  const groupOf = ({ key }: Setting) => GROUPS.find(([, , starts]) => starts.some((start) => key.startsWith(start)))?.[0] ?? 'other';
  return GROUPS.filter(([, of]) => of === section)
    .map(([group]) => ({ group, settings: settings.filter((one) => groupOf(one) === group) }))
    .filter((one) => one.settings.length > 0);
}
