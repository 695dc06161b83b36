// Opens pages and sheets in WebKitGTK, the engine of the desktop window on Linux, where layout differs from the Chromium of screens.mjs.
// Needs WebKitWebDriver, MiniBrowser and a display: `xvfb-run -a npm run webkit`. Fails on a sheet without height, a page that is wider
// than the window, or an error. Pictures go to ../target/ui-webkit.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const root = new URL('../../target/ui-demo/', import.meta.url).pathname;
const out = new URL('../../target/ui-webkit/', import.meta.url).pathname;
const BROWSER = process.env.MINIBROWSER ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
mkdirSync(out, { recursive: true });

/** Name, address, and what is done there. */
const STEPS = [
  ['overview', '#/overview'], ['accounts', '#/accounts'], ['usage', '#/usage'], ['requests', '#/requests'], ['test', '#/test'], ['clients', '#/clients'], ['routing', '#/routing'], ['models', '#/models'],
  ['settings', '#/settings/general'], ['gateway', '#/settings/gateway'], ['data', '#/settings/data'], ['drawer', '#/accounts/a1'], ['signin', '#/accounts/add:signin'], ['relay', '#/accounts/add:relay'], ['import', '#/accounts/add:import'],
  ['request', '#/requests', "document.querySelector('tbody tr').click()"], ['backup', '#/settings/data', "document.querySelector('main .row button').click()"], ['menu', '#/accounts', "document.querySelector('li .menu button').click()"],
];
const LOOKS = [
  ['light-en-normal', 960, 700, { theme: 'light', language: 'en', textScale: 100 }],
  ['dark-zh-both', 720, 480, { theme: 'dark', language: 'zh', textScale: 200 }],
];

const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  let body;
  try {
    body = readFileSync(join(root, path === '/' ? 'index.html' : path));
  } catch {
    return void response.writeHead(404).end();
  }
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/html' }).end(body);
});
const free = createServer();
const port = await new Promise((resolve) => free.listen(0, '127.0.0.1', () => resolve(free.address().port)));
await new Promise((resolve) => free.close(resolve));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}/`;
const driver = spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore' });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function call(method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(30_000) });
  const { value } = await answer.json();
  if (value?.error) throw new Error(`${path}: ${value.message}`);
  return value;
}

const CHECK = `
  const found = [];
  const dialog = document.querySelector('dialog');
  if (dialog && dialog.getBoundingClientRect().height < 80) found.push('the sheet is ' + dialog.getBoundingClientRect().height + ' high');
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page is ' + document.documentElement.scrollWidth + ' wide');
  for (const box of document.querySelectorAll('main, .content, .column, .sheet')) if (box.scrollWidth > box.clientWidth + 1) found.push(box.className + ' ' + box.scrollWidth + ' > ' + box.clientWidth);
  if (!document.querySelector('main')) found.push('nothing is there');
  return found;`;

let failed = 0;
try {
  for (let tries = 0; tries < 40; tries += 1) if (await call('GET', '/status').then(() => true, () => pause(100))) break;
  const { sessionId } = await call('POST', '/session', { capabilities: { alwaysMatch: { browserName: 'MiniBrowser', 'webkitgtk:browserOptions': { binary: BROWSER, args: ['--automation'] } } } });
  const session = `/session/${sessionId}`;
  const run = (script) => call('POST', `${session}/execute/sync`, { script, args: [] });
  for (const [look, width, height, prefs] of LOOKS) {
    await call('POST', `${session}/window/rect`, { width, height });
    await call('POST', `${session}/url`, { url: address });
    await run(`localStorage.setItem('switchyard.prefs', ${JSON.stringify(JSON.stringify(prefs))})`);
    for (const [name, hash, act] of STEPS) {
      await call('POST', `${session}/url`, { url: `${address}?${look}-${name}${hash}` });
      await pause(700);
      if (act) await run(act).then(() => pause(500));
      const found = await run(CHECK);
      writeFileSync(join(out, `${name}-${look}.png`), Buffer.from(await call('GET', `${session}/screenshot`), 'base64'));
      if (found.length > 0) console.log(`${name}-${look}\n  ${found.join('\n  ')}`);
      failed += found.length > 0 ? 1 : 0;
    }
  }
  await call('DELETE', session);
  console.log(`${STEPS.length * LOOKS.length - failed} passed, ${failed} failed`);
} catch (problem) {
  console.log(problem.message);
  failed += 1;
}
driver.kill();
process.exit(failed === 0 ? 0 : 1);
