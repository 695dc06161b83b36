// A page that nobody touches and of which nothing is told asks the program nothing: every question is asked once.
import { cleanup, render } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeTransport } from '../dev/server';
import { app } from '../src/state/app.svelte';
import Accounts from '../src/views/accounts/Accounts.svelte';
import Clients from '../src/views/Clients.svelte';
import Models from '../src/views/models/Models.svelte';
import Overview from '../src/views/Overview.svelte';
import Requests from '../src/views/requests/Requests.svelte';
import Routing from '../src/views/Routing.svelte';
import Settings from '../src/views/settings/Settings.svelte';
import Try from '../src/views/test/Try.svelte';
import Usage from '../src/views/usage/Usage.svelte';

let asked: string[] = [];
let stop = () => undefined as void;

beforeEach(() => {
  vi.useFakeTimers();
  // What draws charts is not part of the question; it needs a canvas.
  vi.mock('../src/views/usage/plot', () => ({ Plot: class { setSize() {} destroy() {} } }));
  vi.stubGlobal('ResizeObserver', class { observe() {} unobserve() {} disconnect() {} });
  const inner = fakeTransport();
  asked = [];
  stop = app.start({
    ...inner,
    call: (method, path, body) => {
      asked.push(`${method} ${path.replace(/\d{9,}/g, 'T')}`);
      return inner.call(method, path, body);
    },
  });
});
afterEach(() => {
  stop();
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('an idle page', () => {
  it.each([
    ['Overview', Overview], ['Accounts', Accounts], ['Usage', Usage], ['Requests', Requests], ['Test', Try], ['Clients', Clients], ['Models', Models], ['Routing', Routing], ['Settings', Settings],
  ])('%s', async (_, page) => {
    render(page as typeof Overview);
    await vi.advanceTimersByTimeAsync(3000);
    const begun = asked.length;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(asked.slice(begun)).toEqual([]);
    // Settings are the frame's question and the page's; an explanation is asked anew once the accounts are known.
    const many = asked.filter((one, at) => asked.indexOf(one) !== at && one !== 'GET /settings' && !one.startsWith('GET /explain'));
    expect(many).toEqual([]);
  });
});
