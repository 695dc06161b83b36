// Opens every page in every theme, language and size in a headless Chromium, checks it, and takes a picture of each.
// Fails on sideways overflow, a console error, or a serious finding of axe. Pictures go to ../target/ui-screens.
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const root = new URL('../../target/ui-demo/', import.meta.url).pathname;
const out = new URL('../../target/ui-screens/', import.meta.url).pathname;
mkdirSync(out, { recursive: true });
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  try {
    const body = readFileSync(join(root, path === '/' ? 'index.html' : path));
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/html' }).end(body);
  } catch {
    response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}/`;

const PAGES = {
  overview: '#/overview', accounts: '#/accounts', list: '#/accounts', drawer: '#/accounts/a1', signin: '#/accounts/add:signin', relay: '#/accounts/add:relay', import: '#/accounts/add:import',
  usage: '#/usage', requests: '#/requests', test: '#/test', clients: '#/clients', routing: '#/routing', limits: '#/routing', models: '#/models', key: '#/accounts/r1', rules: '#/accounts/r1', data: '#/settings/data', backup: '#/settings/data', bundle: '#/settings/advanced', advanced: '#/settings/advanced', request: '#/requests', preset: '#/accounts/add:relay', keys: '#/settings/gateway', standin: '?standin#/overview', settings: '#/settings', welcome: '?faces=empty#/overview', empty: '?faces=empty#/requests', error: '?faces=error#/accounts', loading: '?faces=loading#/overview',
};
const SIZES = { normal: [960, 640, 100], small: [720, 480, 100], large: [960, 640, 200], both: [720, 480, 200] };
const only = process.argv.slice(2);
const wanted = (name) => only.length === 0 || only.some((part) => name.includes(part));

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--force-prefers-reduced-motion', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
let passed = 0;
const problems = [];
for (const language of ['en', 'zh']) {
  for (const theme of ['light', 'dark']) {
    for (const [size, [width, height, textScale]] of Object.entries(SIZES)) {
      const names = Object.keys(PAGES).filter((page) => wanted(`${page}-${theme}-${language}-${size}`));
      if (names.length === 0) continue;
      const context = await browser.newContext({ viewport: { width, height }, locale: 'en-GB', reducedMotion: 'reduce', bypassCSP: false });
      await context.addInitScript((prefs) => localStorage.setItem('switchyard.prefs', prefs), JSON.stringify({ theme, language, textScale }));
      for (const page of names) {
        const name = `${page}-${theme}-${language}-${size}`;
        const tab = await context.newPage();
        const found = [];
        tab.on('console', (message) => message.type() === 'error' && found.push(`console: ${message.text()}`));
        tab.on('pageerror', (error) => found.push(`page error: ${error.message}`));
        try {
          await tab.goto(address + PAGES[page], { timeout: 10_000 });
          await tab.waitForSelector('main, dialog', { timeout: 10_000 });
        } catch (problem) {
          problems.push([name, [`does not open: ${problem.message.split('\n')[0]}`]]);
          await tab.close();
          continue;
        }
        await tab.evaluate(() => new Promise((done) => setTimeout(done, 150)));
        await tab.waitForFunction(() => !document.querySelector('.plot') || document.querySelector('.plot canvas'), null, { timeout: 5000 }).catch(() => found.push('no chart'));
        if (page === 'test') {
          await tab.fill('textarea', 'Say hello in one sentence.');
          await tab.click('button[type=submit]');
          await tab.waitForFunction(() => document.querySelector('.meta')?.textContent?.includes('1.6'), null, { timeout: 5000 }).catch(() => found.push('no answer'));
        }
        if (page === 'preset') {
          await tab.selectOption('dialog select', 'zai-coding');
          await tab.check('dialog input[value=many]', { force: true });
        }
        if (page === 'backup') await tab.click('main .card >> nth=0 >> .row button');
        if (page === 'bundle') await tab.click('main .card:last-child .row button');
        if (page === 'request') await tab.click('tbody tr >> nth=2');
        if (page === 'keys') await tab.click('button[aria-expanded] >> nth=1');
        const part = { rules: 1, key: 2 }[page];
        if (part) {
          // Side by side, or a list where there is no room for that.
          const list = await tab.$('dialog .box select');
          if (list) await list.selectOption({ index: part });
          else await tab.click(`dialog .segmented label >> nth=${part}`);
        }
        if (page === 'key') await tab.waitForSelector('dialog .url');
        if (page === 'limits') await tab.evaluate(() => document.querySelector('.groups')?.scrollIntoView({ block: 'start' }));
        if (page === 'list') {
          await tab.evaluate(() => document.querySelector('li .grip')?.scrollIntoView({ block: 'start' }));
          await tab.evaluate(() => new Promise((done) => setTimeout(done, 100)));
        }
        found.push(
          ...(await tab.evaluate(() => {
            const wide = [];
            if (document.documentElement.scrollWidth > innerWidth) wide.push(`overflow: the page is ${document.documentElement.scrollWidth} wide`);
            for (const box of document.querySelectorAll('main, .content, .column, dialog, .sheet, .sheet > .body, nav')) {
              if (box.scrollWidth > box.clientWidth + 1) wide.push(`overflow: ${box.className || box.tagName} ${box.scrollWidth} > ${box.clientWidth}`);
            }
            const place = document.querySelector('dialog') ?? document.querySelector('.content');
            const edge = place?.getBoundingClientRect().right ?? innerWidth;
            for (const one of place?.querySelectorAll('button, a, input, select, .card, h2, h3') ?? []) {
              // What is far below and not laid out yet has no place of its own.
              if (one.closest('.scroll, .unseen, pre') || !one.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })) continue;
              const at = one.getBoundingClientRect();
              if (at.width > 0 && at.right > edge + 1) wide.push(`sticks out: ${one.tagName} ${one.textContent?.trim().slice(0, 30)} by ${Math.round(at.right - edge)}`);
            }
            return wide.slice(0, 5);
          })),
        );
        if (size === 'normal' || size === 'both') {
          // Evaluated through the debugging protocol, which the page's own policy does not bind.
          await tab.evaluate(axe);
          const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
          for (const one of violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')) {
            found.push(`axe ${one.id}: ${one.nodes.slice(0, 2).map(({ target, failureSummary }) => `${target} ${failureSummary.split('\n')[1]?.slice(0, 140)}`).join(' | ')}`);
          }
        }
        await tab.screenshot({ path: join(out, `${name}.png`) });
        if (found.length === 0) passed += 1;
        else problems.push([name, found]);
        await tab.close();
      }
      await context.close();
    }
  }
}
// A whole flow by keyboard alone: the focus goes where a person expects it and comes back.
if (wanted('keyboard-light-en-normal')) {
  const context = await browser.newContext({ viewport: { width: 960, height: 640 }, locale: 'en-GB', reducedMotion: 'reduce' });
  const tab = await context.newPage();
  const found = [];
  const held = () => tab.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? ''}`);
  const expect = async (step, begin) => {
    const now = await held();
    if (!now.startsWith(begin)) found.push(`${step}: the focus is on ${now.slice(0, 60)}, not on ${begin}`);
  };
  await tab.goto(`${address}#/accounts`);
  await tab.waitForSelector('main li .grip');
  await tab.keyboard.press('Tab');
  await expect('first stop', 'BUTTON Skip');
  await tab.keyboard.press('Enter');
  await expect('skipping', 'DIV');
  await tab.locator('button[aria-haspopup=menu]', { hasText: 'Add' }).focus();
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('[role=menu]');
  await expect('the menu opens', 'BUTTON Sign in with ChatGPT');
  await tab.keyboard.press('ArrowDown');
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('dialog');
  await expect('a sheet opens', 'H2 Add a key or relay');
  await tab.keyboard.press('Escape');
  await tab.waitForSelector('dialog', { state: 'detached' });
  await expect('a sheet closes', 'BUTTON Add');
  await tab.locator('main li a').first().focus();
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('dialog');
  await expect('the drawer opens', 'H2 work@example.com');
  await tab.keyboard.press('Escape');
  await tab.waitForSelector('dialog', { state: 'detached' });
  await expect('the drawer closes', 'A work@example.com');
  await tab.locator('main li .grip').first().focus();
  await tab.keyboard.press('ArrowDown');
  await tab.waitForFunction(() => document.querySelector('[aria-live=polite]')?.textContent?.includes('number 2'), null, { timeout: 5000 }).catch(() => found.push('moving an account is not said'));
  await expect('an account moves', 'BUTTON Move work@example.com');
  if (found.length === 0) passed += 1;
  else problems.push(['keyboard', found]);
  await context.close();
}
await browser.close();
server.close();
for (const [name, found] of problems) console.log(`${name}\n  ${found.join('\n  ')}`);
console.log(`${passed} passed, ${problems.length} failed`);
process.exitCode = problems.length === 0 ? 0 : 1;
