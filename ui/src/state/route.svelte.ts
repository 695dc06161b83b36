// Which page is open, from the address's fragment: `#/accounts/ID`. Called by the frame and by links.

export const PAGES = ['overview', 'accounts', 'usage', 'requests', 'test', 'clients', 'routing', 'models', 'settings'] as const;
export type Page = (typeof PAGES)[number] | 'welcome';

export interface Route {
  page: Page;
  rest: string | null;
}

export function parse(hash: string): Route {
  const [page, rest] = hash.replace(/^#\/?/, '').split('/');
  const known = page === 'welcome' ? 'welcome' : PAGES.find((one) => one === page);
  return { page: known ?? 'overview', rest: known && rest ? decodeURIComponent(rest) : null };
}

export function link(page: Page, rest?: string | null): string {
  return `#/${page}${rest ? `/${encodeURIComponent(rest)}` : ''}`;
}

class RouteState {
  current: Route = $state.raw(parse(location.hash));

  run(): void {
    $effect(() => {
      const change = () => (this.current = parse(location.hash));
      addEventListener('hashchange', change);
      return () => removeEventListener('hashchange', change);
    });
  }

  go(page: Page, rest?: string | null): void {
    location.hash = link(page, rest);
  }
}

export const route = new RouteState();
