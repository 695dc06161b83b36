// Every English text of the page. Functions where a text carries a value. `zh.ts` must have the same shape: the type says so.

import { looked, many } from './forms';

const REASON: Record<string, string> = {
  switched_off: 'switched off', disabled: 'switched off', quota_used_up: 'quota used up', exhausted: 'quota used up', usage_limit: 'usage limit reached', quota: 'quota used up',
  rate_limit: 'rate limit', rate_limited: 'rate limit', payment: 'payment needed', payment_required: 'payment needed', challenge: 'a challenge page instead of an answer',
  forbidden: 'refused by the provider', failures: 'several failures in a row', overload: 'the provider is overloaded', overloaded: 'the provider is overloaded',
  refresh: 'its token could not be renewed', refresh_refused: 'sign-in is no longer valid', refresh_unavailable: 'the sign-in server did not answer',
  needs_login: 'must be signed in again', unauthorized: 'not authorised', banned: 'closed by the provider', account_deactivated: 'closed by the provider',
  threshold: 'threshold reached', refused: 'refused by the provider', manual: 'chosen by you', undo: 'taken back', removed: 'the account was removed',
  success: 'answered', cancelled: 'cancelled by the client', network: 'no connection', timeout: 'timed out', server_error: 'server error', model_unsupported: 'does not offer this model',
  invalid_request: 'request refused', empty_answer: 'empty answer', stream_cut: 'the stream broke off', not_an_api: 'not an API at this address', invalid_encrypted_content: 'reasoning of another account',
  not_pinned: 'another account was asked for', format_cannot_serve: 'its format cannot serve this', model_not_allowed: 'model not allowed', model_not_offered: 'model not offered',
  no_credential: 'no usable credential', cooling: 'resting after a failure', already_tried: 'tried already', group_full: 'its group is busy', no_free_slot: 'busy', reserve: 'kept as a reserve',
};

const SETTING: Record<string, string> = {
  'server.host': 'Listening address', 'server.port': 'Port', 'server.account_header': 'Name the account in answers', 'server.cors_origins': 'Allowed web origins', 'server.allowed_hosts': 'Allowed host names',
  'server.drain_s': 'Grace for running streams (s)', 'codex.base_url': 'Codex base URL', 'codex.usage_url': 'Codex quota URL', 'codex.auth_url': 'Sign-in server', 'codex.originator': 'Name told to Codex',
  'codex.client_version': 'Client version told to Codex', 'codex.user_agent': 'User agent told to Codex', 'rotation.mode': 'Rotation policy', 'auto_switch.enabled': 'Switch when exhausted',
  'retry.max': 'Further attempts', 'retry.deadline_s': 'Time for all attempts (s)', 'timeouts.connect_s': 'Connect timeout (s)', 'timeouts.headers_s': 'Answer timeout (s)', 'timeouts.idle_s': 'Silence in a stream (s)',
  'timeouts.total_s': 'Whole answer (s)', 'proxy.enabled': 'Use a proxy', 'proxy.url': 'Proxy', 'proxy.no_proxy': 'Reached directly', 'limits.body_mib': 'Largest request (MiB)', 'limits.compact_body_mib': 'Largest compact request (MiB)',
  'refresh.margin_s': 'Renew tokens before their end (s)', 'refresh.interval_s': 'Look for ending tokens every (s)', 'log.level': 'Log level', 'journal.rows': 'Requests kept', 'journal.days': 'Days kept', 'ask.model': 'Model of `ask`',
};

export const en = {
  common: { cancel: 'Cancel', close: 'Close', done: 'Done', back: 'Back', save: 'Save', saved: 'Saved', reset: 'Reset', undo: 'Undo', details: 'Details', copied: 'Copied', copyFailed: 'Could not copy. Select the text and copy it by hand.', copyNamed: (name: string) => `Copy ${name}`, dismiss: 'Dismiss' },
  errors: { unreachable: 'Switchyard does not answer. Is it running?', failed: 'That did not work.', unauthorized: 'The console token is not valid.', not_built: 'This part is not there yet.' } as Record<string, string>,
  faces: { loading: 'Loading', errorTitle: 'This could not be loaded', retry: 'Try again', stale: 'Could not refresh. What you see is the last answer.' },
  nav: { label: 'Pages', overview: 'Overview', accounts: 'Accounts', usage: 'Usage', requests: 'Requests', test: 'Test', clients: 'Clients', routing: 'Routing', settings: 'Settings', attention: (n: number) => many(n, 'account needs attention', 'accounts need attention') },
  login: { title: 'Switchyard console', text: 'This page talks to the program on this computer.', token: 'Console token', hint: 'It was printed when the console started. A gateway key does not work here.', enter: 'Continue', wrong: 'That is not the token of this console.', unreachable: 'Switchyard does not answer.' },
  gateway: {
    label: 'Gateway', state: { connecting: 'Connecting…', lost: 'No connection', offline: 'Offline', stopped: 'Stopped', paused: 'Paused', attention: 'Needs attention', low: 'Quota is low', working: 'Working', running: 'Running' },
    running: (n: number) => (n === 0 ? 'no request running' : `${many(n, 'request', 'requests')} running`), pause: 'Pause', resume: 'Resume', pause15: 'For 15 minutes', pause60: 'For 1 hour', pauseOpen: 'Until resumed',
    pausedUntil: (at: string) => `until ${at}`, pausedText: 'requests are refused until you resume', key: 'Key', copyKey: 'Copy key', copyUrl: (name: string) => `Copy the ${name} URL`,
  },
  banners: { lost: 'The connection to Switchyard was lost. It is tried again by itself.', demo: 'Demo accounts are simulated: nothing leaves this computer.', removeDemo: 'Remove demo accounts' },
  notice: (text: string) => text,
  overview: { active: 'Active account', automatic: 'chosen per request', chosen: 'goes first', noActive: 'No account is active', choose: 'Choose an account', noAccounts: 'No accounts yet', noAccountsText: 'Add an account, and every client on this computer can use it through one address.', openGuide: 'Open the guide' },
  today: { title: 'Today', hint: 'last 24 hours', requests: 'Requests', tokens: 'Tokens', errors: 'Errors', inOut: (i: string, o: string) => `${i} in · ${o} out` },
  attention: { title: 'Needs attention', action: { sign_in: 'Sign in again', try_now: 'Try now', open: 'Open' } },
  problem: { needs_login: 'must be signed in again', banned: 'closed by the provider', failing: 'keeps failing', expired: 'its token has ended' },
  resets: { title: 'Next resets', legend: '● short window  ◆ long window', none: 'No reset is known yet', now: 'now', used: (p: string) => `${p} used`, spoken: (who: string, window: string, at: string, used: string) => `${who}, ${window}: resets ${at}, ${used} used` },
  switches: { title: 'Last switches', on: 'automatic switch is on', off: 'automatic switch is off', none: 'No switch yet', undo: 'Undo last', turnOn: 'Turn on automatic switch', to: 'to', automatic: 'automatic', manual: 'by hand', sentence: (from: string | null, to: string, why: string) => (from ? `Switched from ${from} to ${to}: ${why}` : `${to} is active: ${why}`) },
  reason: (code: string) => looked(REASON, code),
  plan: (plan: string) => plan.charAt(0).toUpperCase() + plan.slice(1),
  quota: {
    window: { primary: 'short window', secondary: 'long window' }, modeWord: { remaining: 'left', used: 'used' }, unknown: 'unknown', staleSpoken: 'unknown: its reset has passed since it was last read', readAgain: 'not read since its reset',
    spoken: (mode: 'remaining' | 'used', value: string, reset: string | null) => `${value} ${mode === 'used' ? 'used' : 'left'}${reset ? `, resets ${reset}` : ''}`,
    meterLabel: (who: string, window: string) => `${who} quota, ${window}`.trim(), resetsIn: (span: string) => `Resets in ${span}`, resetsAt: (at: string, span: string) => `resets ${at} · in ${span}`, noReset: 'no reset time told', notRead: 'Quota not read yet', notApplicable: 'No quota windows',
  },
  health: { name: { unknown: 'Not used yet', active: 'Ready', cooling: 'Resting', exhausted: 'Exhausted', needs_login: 'Sign in again', attention: 'Attention', banned: 'Closed', disabled: 'Off' }, back: (at: string) => `back ${at}` },
  kind: { codex_oauth: 'ChatGPT', relay: 'Relays', zai: 'Z.AI', provider_key: 'Other providers' },
  kindShort: { codex_oauth: 'ChatGPT', relay: 'Relay', zai: 'Z.AI', provider_key: 'Provider key' },
  format: { codex: 'Codex', responses: 'OpenAI Responses', openai: 'OpenAI Chat', anthropic: 'Anthropic', gemini: 'Gemini' },
  accounts: {
    title: 'Accounts', count: (n: number) => many(n, 'account', 'accounts'), add: 'Add', addSignIn: 'Sign in with ChatGPT…', addRelay: 'API key or relay…', addImport: 'Import…', addDemo: 'Add demo accounts', quotaAll: 'Refresh quota', select: 'Select', search: 'Search accounts',
    filterLabel: 'Show', filter: { all: 'All', usable: 'Usable', exhausted: 'Exhausted', cooling: 'Resting', needs_login: 'Sign in again', disabled: 'Off', demo: 'Demo' }, sortLabel: 'Sort', sort: { order: 'Your order', name: 'Name', left: 'Most left', reset: 'Next reset', used: 'Last used' },
    noMatch: 'No account matches', clearFilter: 'Show all', active: 'Active', demo: 'Demo', runningNow: (n: number) => `${n} running`, actions: (name: string) => `Actions for ${name}`, move: (name: string) => `Move ${name}`, moveHint: 'Drag, or use the arrow keys', moveSorted: 'Show all accounts in your order to move them', movedTo: (name: string, n: number) => `${name} is now number ${n}`,
    pick: (name: string) => `Select ${name}`, several: 'Selected accounts', chosen: (n: number) => `${n} selected`, all: 'Select all', use: 'Use this account', tryNow: 'Try now', tryNowDone: 'The next request may use it', queryQuota: 'Refresh quota', refreshToken: 'Renew token', refreshed: 'Token renewed', signInAgain: 'Sign in again…', enable: 'Switch on', disable: 'Switch off', export: 'Export…', remove: 'Remove…',
  },
  remove: { title: (n: number) => (n === 1 ? 'Remove this account?' : `Remove ${n} accounts?`), text: 'Their sign-ins and keys are deleted from this computer. What they did stays in the journal.', more: (n: number) => `and ${n} more`, confirm: (n: number) => (n === 1 ? 'Remove' : `Remove ${n}`) },
  export: { title: (n: number) => `Export ${many(n, 'account', 'accounts')}`, warning: 'The file holds the sign-ins themselves. Whoever has it can use these accounts.', seal: 'Seal it with a passphrase', phrase: 'Passphrase', phraseHint: 'It cannot be recovered.', again: 'Once more', short: (n: number) => `At least ${n} characters`, differ: 'The two are not the same', understood: 'I understand that the file will not be protected', save: 'Save…', saved: (n: number) => `${many(n, 'account', 'accounts')} saved` },
  signin: {
    title: 'Sign in with ChatGPT', again: (name: string) => `Sign in again: ${name}`, way: 'Way to sign in', browser: 'Browser', device: 'Device code', browserText: 'Sign in on the page that opens. You are brought back here when it is done.', openBrowser: 'Open browser', copyLink: 'Copy link', paste: 'Did the page not come back?', pasteHint: 'Paste the address it ended on, or the code it shows.', use: 'Use',
    deviceText: 'Open the page on any device and type this code.', code: 'Code', copyCode: 'Copy code', openPage: 'Open page', waiting: (left: string) => `Waiting for the sign-in · ${left} left`, exchanging: 'Almost done…', done: 'Signed in', expired: 'The time ran out', failed: 'The sign-in did not work', startAgain: 'Start again',
  },
  import: {
    title: 'Import accounts', drop: 'Drop account files here', dropHint: 'JSON, text, ZIP or a folder', dropHintConsole: 'JSON or text', files: 'Choose files…', folder: 'Choose folder…', local: 'Look on this computer', paste: 'Or paste', pasteHint: 'Every common format is recognised. Nothing is written before you have seen the preview.', preview: 'Preview', previewText: (n: number) => `${many(n, 'account', 'accounts')} found. Nothing is written yet.`,
    items: 'Found accounts', account: 'Account', plan: 'Plan', ends: 'Token ends', expired: 'expired', what: 'What happens', outcome: 'Result', action: (code: string) => looked({ new: 'new', update: 'update', duplicate_in_file: 'twice in the file' }, code), verify: 'Check afterwards', verifyHint: 'asks the provider for each; costs no quota', take: (n: number) => `Import ${n}`, result: (a: number, u: number, f: number) => `${a} added, ${u} updated, ${f} failed`, zipDesktop: 'Archives can be imported in the desktop application or with `switchyard import`.', tooLarge: 'That is more than 16 MiB.',
  },
  relay: { title: 'Add a key or relay', kind: 'Kind', label: 'Name', labelExample: 'For example: office relay', format: 'Format', formatHint: 'The dialect that the address speaks.', url: 'Base URL', urlHint: 'The final address is shown below as you type.', urlName: (name: string) => looked({ request: 'Requests', models: 'Models' }, name), key: 'API key', keyHint: 'Goes into the vault and is never shown again.', models: 'Models', allModels: 'All models may be used', offered: (n: number) => `${n} offered; all may be used`, picked: (n: number, all: number) => `${n} of ${all} may be used`, fetch: 'Fetch models', more: 'More', add: 'Add' },
  facts: { title: 'Details', kind: 'Kind', email: 'E-mail', plan: 'Plan', format: 'Format', host: 'Host', token: 'Token', until: (at: string) => `until ${at}`, ended: (at: string) => `ended ${at}`, noRefresh: 'cannot be renewed', quotaRead: 'Quota read', lastUsed: 'Last used', never: 'never', requests: 'Requests', requestsOf: (n: string, f: string) => `${n}, ${f} failed`, lastError: 'Last error', added: 'Added', notes: 'Notes' },
  rules: { title: 'Rules', enabled: 'Switched on', enabledHint: 'Off: never used and never renewed.', excluded: 'Keep out of automatic switches', excludedHint: 'It neither leaves nor becomes active by itself.', excludedChip: 'not automatic', label: 'Name', reserve: 'Reserve (%)', reserveHint: 'This share stays unused.', priority: 'Priority', priorityHint: 'Lower is used first.', models: 'Allowed models', modelsHint: 'Names or prefixes with *, with commas.', modelsAll: 'all', group: 'Group', proxy: 'Proxy', proxyHint: 'An address, or `direct`.', proxyNone: 'as everywhere', notes: 'Notes' },
  test: { accountTitle: 'Test', costs: 'Sends a real request: it costs quota.', model: 'Model', firstModel: 'First model', run: 'Test', worked: (t: string) => `It answers · ${t}`, didNot: 'It does not answer' },
  usage: {
    title: 'Use', history: 'Quota history', range: 'Range', hours24: '24 h', days7: '7 d', days30: '30 d', account: 'Account', group: 'Group by', byAccount: 'Account', byModel: 'Model', byClient: 'Client', name: 'Name', time: 'Time', window: 'Window', noHistory: 'No readings in this range yet', none: 'Nothing was used in this range', send: 'Send a test request', failed: 'Failed', input: 'Input', output: 'Output', cached: 'Cached', unknown: 'Untold', answered: 'Answered', cancelled: 'Cancelled',
    resetMark: 'reset', asTable: 'Table', asChart: 'Chart', chartFailed: 'The chart could not be loaded; the table shows the same.', chartLabel: (n: number) => `Quota over time, ${many(n, 'line', 'lines')}. The table shows the same.`, forecast: (who: string, window: string, at: string) => `${who}, ${window}: empty at about ${at} if the last hour goes on`,
    barsLabel: (n: number) => `Requests over ${n} days. The table shows the sums.`, barTip: (day: string, ok: string, bad: string, gone: string) => `${day}: ${ok} answered, ${bad} failed, ${gone} cancelled`, axisTop: (n: string) => `top line: ${n} requests`,
  },
  end: { completed: 'Completed', failed: 'Failed', cancelled: 'Cancelled' },
  requests: { count: (n: number) => `last ${n}`, pause: 'Pause', resume: (n: number) => (n > 0 ? `Resume (${n} new)` : 'Resume'), search: 'Search model, client or id', outcome: 'Outcome', anyOutcome: 'Any outcome', anyAccount: 'Any account', noMatch: 'No request matches', none: 'No requests yet', noneText: 'Requests appear here as they end. Bodies are never kept.', model: 'Model', status: 'Status', first: 'First token', tokens: 'Tokens in / out', open: (what: string, at: string) => `${what} at ${at}: details`, attempts: (n: number) => `${n} attempts`, more: 'Older requests', client: 'Client', endpoint: 'Endpoint', served: 'Model served', duration: 'Duration', losses: 'Left out', id: 'Request id', copyId: 'Copy request id', attemptsTitle: 'Attempts', noAttempt: 'No account was tried' },
  try: { request: 'Request', protocol: 'Protocol', noModels: 'No models known', automatic: 'Automatic', prompt: 'Prompt', example: 'Say hello in one sentence.', image: 'Image (optional)', imageTooLarge: 'The image is larger than 8 MiB.', stream: 'Stream', tools: 'Offer a tool', thinking: 'Think', send: 'Send', stop: 'Stop', answer: 'Answer', curl: 'Copy as curl', empty: 'Nothing sent yet', emptyText: 'The answer, its timing and what came over the wire appear here.', useExample: 'Use an example', first: (t: string) => `first byte ${t}`, whole: (t: string) => `whole ${t}`, running: 'answering…', view: 'View', text: 'Answer', raw: 'As it came', thought: 'Thinking', picture: 'Image from the answer' },
  clients: { later: 'Copy the text; applying it for you comes later', key: 'Put your gateway key in place of KEY, or into the variable SWITCHYARD_KEY.', about: { codex: 'OpenAI Responses', claude: 'Anthropic Messages', gemini: 'Gemini API', sdk: 'OpenAI libraries' } },
  routing: {
    policy: 'How an account is chosen', name: { active: 'Active account', round_robin: 'Round robin', most_headroom: 'Most headroom', least_recently_used: 'Least recently used', fill_first: 'Fill first' },
    hint: { active: 'One account serves until you or the automatic switch change it.', round_robin: 'Each request goes to the next account.', most_headroom: 'The account with the most quota left.', least_recently_used: 'The account that has rested longest.', fill_first: 'One account after the other, in your order.' },
    explain: 'Explain', explainHint: 'who would serve this model now', nothing: 'No account to choose from', chosen: 'would serve', candidate: 'next in line', order: 'Order', orderHint: 'for switching and ties', reserve: (n: number) => `reserve ${n} %`, up: (name: string) => `Move ${name} up`, down: (name: string) => `Move ${name} down`, rules: 'Switching and retries',
  },
  settings: {
    section: { general: 'General', gateway: 'Gateway', notifications: 'Notifications', data: 'Data', advanced: 'Advanced', about: 'About' }, look: 'Appearance', theme: 'Theme', themes: { system: 'System', light: 'Light', dark: 'Dark' }, language: 'Language', numbers: 'Quota shows', numbersHint: 'The same everywhere.', modes: { remaining: 'What is left', used: 'What is used' }, textSize: 'Text size', hideEmails: 'Mask e-mail addresses', hideEmailsHint: 'For screens that others see.',
    startup: 'Start', autostart: 'Start at login', autostartHint: 'Starts quietly in the tray.', noTray: 'This desktop shows no tray: the window opens instead.', testNotification: 'Send a test notification', noNotifications: 'Nothing to set here yet.', name: (key: string) => SETTING[key] ?? key.replace(/[._]/g, ' '), doc: (_key: string, doc: string) => doc, restart: 'Takes effect at the next start.', locked: (by: string) => `Held by ${by}; it cannot be changed here.`, unset: (name: string) => `Put ${name} back to its default`,
  },
  keys: { title: 'Gateway keys', hint: 'what clients show', name: 'Name of a new key', add: 'Add', revoke: 'Revoke', sure: 'Really revoke?', copy: (name: string) => `Copy key ${name}` },
  about: { version: 'Version', secrets: 'Secrets are in', home: 'Folder', address: 'Address' },
  welcome: { title: 'Welcome to Switchyard', text: 'One local address in front of all your accounts', skip: 'Skip', account: 'Add an account', accountText: 'Sign in, give a key, or bring accounts from a file.', client: 'Connect a client', clientText: 'Point Codex CLI, Claude Code, Gemini CLI or your own code at one address.', test: 'Send a test request', testText: 'See which account serves it and how fast.', demo: 'Just looking?', demoText: 'Simulated accounts show requests, falling quota and a switch within a minute. One click removes them.' },
  tasks: { import: 'Importing', quota: 'Reading quota', refresh: 'Renewing tokens', enable: 'Switching on', disable: 'Switching off' } as Record<string, string>,
};

export type Messages = typeof en;
