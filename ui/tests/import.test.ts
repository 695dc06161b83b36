// The import sheet: what is dropped on it becomes a preview first, and accounts only on the person's word (F4, F5, F10).
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeTransport } from '../dev/server';
import type { Transport } from '../src/ipc/transport';
import { app } from '../src/state/app.svelte';
import ImportSheet from '../src/views/accounts/ImportSheet.svelte';

type Sent = { path: string; body: { text?: string; paths?: string[]; dry_run?: boolean } };
let sent: Sent[] = [];
let stop = () => undefined as void;
let drop: ((paths: string[]) => void) | undefined;

function open(desktop: boolean) {
  HTMLDialogElement.prototype.showModal = vi.fn();
  const inner = fakeTransport();
  sent = [];
  const transport: Transport = {
    ...inner,
    desktop: desktop
      ? ({
          onDrop: (take: (paths: string[]) => void) => {
            drop = take;
            return () => (drop = undefined);
          },
        } as unknown as Transport['desktop'])
      : null,
    call: (method, path, body) => {
      if (method === 'POST' && path.startsWith('/accounts/import')) sent.push({ path, body: body as Sent['body'] });
      return inner.call(method, path, body);
    },
  };
  stop = app.start(transport);
  render(ImportSheet, { paths: [], onclose: () => undefined });
}
beforeEach(() => (drop = undefined));
afterEach(() => {
  stop();
  cleanup();
});
const zone = () => document.querySelector('.drop')!;
// The test's DOM has no `File.text`.
const file = (name: string, text: string) => Object.assign(new File([text], name), { text: () => Promise.resolve(text) });
const files = (...texts: string[]) => ({ dataTransfer: { files: texts.map((text, at) => file(`${at}.json`, text)) } });

describe('dropping files', () => {
  it('on the console their text is previewed, and taken in only when asked', async () => {
    open(false);
    await fireEvent.dragOver(zone());
    expect(zone().classList).toContain('hover');
    await fireEvent.drop(zone(), files('{"a":1}', '[{"b":2},{"c":3}]'));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ text: '[{"a":1},{"b":2},{"c":3}]', dry_run: true });
    const take = await screen.findByRole('button', { name: /^Import \d/, hidden: true });
    await fireEvent.click(take);
    await waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.body).toMatchObject({ text: '[{"a":1},{"b":2},{"c":3}]', dry_run: false });
  });
  it('an archive is for the application, which is said', async () => {
    open(false);
    await fireEvent.drop(zone(), { dataTransfer: { files: [new File(['x'], 'accounts.ZIP')] } });
    expect((await screen.findByRole('alert', { hidden: true })).textContent).toMatch(/^Archives/);
    expect(sent).toHaveLength(0);
  });
  it('in the application the paths are read by the program', async () => {
    open(true);
    await waitFor(() => expect(drop).toBeDefined());
    drop?.(['/home/me/accounts.zip']);
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ path: '/accounts/import/files', body: { paths: ['/home/me/accounts.zip'], dry_run: true } });
  });
});
