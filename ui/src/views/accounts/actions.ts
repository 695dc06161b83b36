// What can be done with one account, the same in the list's menu and in the drawer. Called by `AccountRow` and `AccountDrawer`.

import type { MenuItem } from '../../components/Menu.svelte';
import type { Account } from '../../ipc/types';
import { app } from '../../state/app.svelte';
import { words } from '../../state/words.svelte';

export interface Opened {
  signIn: (account: Account) => void;
  remove: (accounts: Account[]) => void;
  exportThese: (accounts: Account[]) => void;
}

/** Runs an action that answers with the changed account. */
export function change(work: Promise<Account>, done?: string): Promise<boolean> {
  return app.act(async () => app.changed(await work), done);
}

export function menuOf(account: Account, opened: Opened): MenuItem[] {
  const { m } = words;
  const { api } = app;
  const oauth = account.kind === 'codex_oauth';
  const resting = account.health === 'cooling' || account.health === 'exhausted';
  const items: (MenuItem | false)[] = [
    { label: m.accounts.use, icon: 'check', disabled: account.active || !account.enabled, run: () => void change(api.activate(account.id)) },
    resting && { label: m.accounts.tryNow, icon: 'play', run: () => void change(api.tryNow(account.id), m.accounts.tryNowDone) },
    oauth && { label: m.accounts.queryQuota, icon: 'usage', run: () => void change(api.queryQuota(account.id)) },
    account.balance !== null && { label: m.money.refresh, icon: 'refresh', run: () => void change(api.queryBalance(account.id)) },
    oauth && { label: m.accounts.refreshToken, icon: 'refresh', run: () => void app.act(() => api.refresh(account.id), m.accounts.refreshed) },
    oauth && !account.demo && { label: m.accounts.signInAgain, icon: 'signin', run: () => opened.signIn(account) },
    {
      label: account.enabled ? m.accounts.disable : m.accounts.enable,
      icon: 'off',
      apart: true,
      run: () => void change(api.setEnabled(account.id, !account.enabled)),
    },
    app.desktop !== null && !account.demo && { label: m.accounts.export, icon: 'export', run: () => opened.exportThese([account]) },
    { label: m.accounts.remove, icon: 'trash', danger: true, run: () => opened.remove([account]) },
  ];
  return items.filter((item) => item !== false);
}
