// 页面的全部中文文本。形状与 `en.ts` 相同，由类型保证。

import type { Messages } from './en';
import { looked } from './forms';

const REASON: Record<string, string> = {
  switched_off: '已关闭', disabled: '已关闭', quota_used_up: '额度已用完', exhausted: '额度已用完', usage_limit: '达到用量上限', quota: '额度已用完', rate_limit: '请求过于频繁', rate_limited: '请求过于频繁', payment: '需要付费', payment_required: '需要付费',
  challenge: '返回了验证页面', forbidden: '被服务商拒绝', failures: '连续多次失败', overload: '服务商过载', overloaded: '服务商过载', refresh: '令牌续期失败', refresh_refused: '登录已失效', refresh_unavailable: '登录服务器无响应', needs_login: '需要重新登录', unauthorized: '未获授权',
  banned: '已被服务商停用', account_deactivated: '已被服务商停用', threshold: '达到阈值', refused: '被服务商拒绝', manual: '由您选择', undo: '已撤销', removed: '账号已移除', success: '已应答', cancelled: '客户端取消', network: '无法连接', timeout: '超时', server_error: '服务器错误',
  model_unsupported: '不提供此模型', invalid_request: '请求被拒绝', empty_answer: '空应答', stream_cut: '流中断', not_an_api: '此地址不是 API', invalid_encrypted_content: '含其他账号的推理内容', not_pinned: '指定了其他账号', format_cannot_serve: '格式不适用', model_not_allowed: '模型未获允许',
  model_not_offered: '不提供此模型', no_credential: '没有可用凭证', cooling: '失败后暂歇', already_tried: '已尝试过', group_full: '分组繁忙', no_free_slot: '繁忙', reserve: '保留额度', reserved: '保留额度', own_limit: '达到您设的上限', balance_low: '余额降至阈值', spaced: '刚有请求在其上开始', model_quota: '此模型额度已用完', demo: '演示账号与真实账号互不替代', switch_back: '额度已恢复', first_usable: '首个可用账号',
};

const SETTING: Record<string, [string, string]> = {
  'server.host': ['监听地址', '网关监听的地址。非本机地址会让其他机器也能访问。'], 'server.port': ['端口', '网关端口；被占用时使用其后 20 个中第一个空闲的端口，0 表示任意。'], 'server.account_header': ['在应答中注明账号', '应答头 x-switchyard-account 写明服务的账号。'],
  'server.cors_origins': ['允许的网页来源', '可以调用网关的网页来源。'], 'server.allowed_hosts': ['允许的主机名', '除本机名之外，客户端可用的主机名。'], 'server.drain_s': ['停止时的等待（秒）', '网关停止时，运行中的流还可以继续多久。'], 'codex.base_url': ['Codex 地址', 'ChatGPT/Codex 后端的地址。'], 'codex.usage_url': ['Codex 额度地址', '额度查询的地址。'],
  'codex.auth_url': ['登录服务器', '用于登录与续期。'], 'codex.originator': ['向 Codex 报告的名称', '网关向 Codex 后端自报的名称。'], 'codex.client_version': ['向 Codex 报告的版本', '决定列出哪些模型。'], 'codex.user_agent': ['向 Codex 报告的 User-Agent', '默认为本程序的名称与版本。'], 'rotation.mode': ['轮换策略', '如何为请求选择账号。'],
  'auto_switch.unknown_too': ['允许额度未知的账号', '没有已知可用的账号时，可换到额度未知的账号。'], 'auto_switch.lowest_use_first': ['用量最少者优先', '换到已用额度最少的账号，而不是顺序中的下一个。'], 'auto_switch.threshold_primary': ['短期额度：用到此比例时切换（%）', '0 表示用完才切换。'],
  'auto_switch.threshold_weekly': ['每周额度：用到此比例时切换（%）', '0 表示用完才切换。'], 'auto_switch.switch_back': ['恢复后换回', '提供方确认额度恢复后，换回你选择的账号。'], 'auto_switch.keys_too': ['允许密钥账号接替', '没有可用的登录账号时，由提供该模型的密钥账号接替；可能产生费用。'],
  'notifications.switched': ['已切换账号', '当前账号自动更换时通知。'], 'notifications.quota_warning': ['额度偏低', '额度用到 80% 和 90% 时通知。'], 'notifications.all_exhausted': ['额度全部用完', '所有账号都没有额度时通知。'], 'notifications.needs_sign_in': ['需要登录', '账号需要重新登录时通知。'],
  'notifications.recovered': ['账号恢复', '曾被通知不可用的账号恢复服务时通知。'], 'notifications.port_changed': ['端口改变', '网关改用其他端口时通知。'], 'notifications.balance_low': ['余额偏低', '账号余额降至阈值时通知。'],
  'auto_switch.enabled': ['用完时切换', '当前账号用完时自动换到另一个。'], 'retry.max': ['再尝试次数', '首次之后的尝试次数，每次换一个账号。'], 'retry.deadline_s': ['全部尝试的时限（秒）', '直到首个应答字节为止。'], 'timeouts.connect_s': ['连接超时（秒）', '连接上游的时限。'], 'timeouts.headers_s': ['应答超时（秒）', '上游开始应答的时限。'],
  'timeouts.idle_s': ['流内静默（秒）', '流中允许的最长静默。'], 'timeouts.total_s': ['完整应答（秒）', '非流式应答的总时限。'], 'proxy.enabled': ['使用代理', '通过代理访问上游。'], 'proxy.url': ['代理', '关闭时仍保留；密码存入保险库。'], 'proxy.no_proxy': ['直连', '不经代理的地址，用逗号分隔。'], 'limits.body_mib': ['最大请求（MiB）', '解码后的请求体上限。'],
  'limits.compact_body_mib': ['最大 compact 请求（MiB）', '/v1/responses/compact 的请求体上限。'], 'refresh.margin_s': ['提前续期（秒）', '令牌到期前多久续期。'], 'refresh.interval_s': ['续期检查间隔（秒）', '多久检查一次即将到期的令牌。'], 'log.level': ['日志级别', '记录哪些内容。'], 'journal.rows': ['保留的请求数', '日志中保留的请求数。'], 'journal.days': ['保留天数', '日志保留的天数。'], 'ask.model': ['`ask` 的模型', '未指定时使用的模型。'],
  'rotation.within_tier': ['同一优先级之内', '“优先级”策略下，同级账号之间如何选择。'], 'rotation.account_slots': ['每账号并发请求', '未单独设置的账号可同时运行的请求数，0 为不限。'], 'rotation.group_limits': ['每分组并发请求', '分组内全部账号可同时运行的请求数，如 team=4。'], 'rotation.spacing_ms': ['开始间隔（毫秒）', '同一账号两次开始之间的最短时间，浮动 30%，0 为无。'],
  'rotation.most_requests': ['总并发请求', '超过时返回 503，0 为不限。'], 'rotation.queue_wait_s': ['等待繁忙账号的时限（秒）', '账号都繁忙时按先后等待，0 为立即失败。'], 'rotation.queue_length': ['可等待的请求数', '超过时下一个立即失败。'], 'quota.query_min': ['额度读取间隔（分钟）', '查询登录账号的额度，不消耗额度，0 为从不。'],
  'health.interval_s': ['空闲账号检查间隔（秒）', '每次最多 20 个，不消耗额度，0 为从不。'], 'codex.revoke_on_removal': ['移除时退出登录', '移除账号时也在服务商处退出；Codex CLI 正用同一账号时不会。'], 'models.default': ['默认模型', '请求未写模型时使用。'], 'models.default_chat': ['Chat 默认模型', '用于 /v1/chat/completions，优先于默认模型。'],
  'models.default_responses': ['Responses 默认模型', '用于 /v1/responses，优先于默认模型。'], 'models.default_messages': ['Messages 默认模型', '用于 /v1/messages，优先于默认模型。'], 'models.aliases': ['别名', '模型的其他名称；可限定分组。'], 'models.patterns': ['其他厂商的名称', '登录账号以自己的模型服务这些名称，首个匹配生效。'],
  'models.list_suffixes': ['列出思考后缀', '模型列表同时列出各思考后缀。'], 'models.direct_only': ['密钥账号不转换', '密钥账号只服务自身格式的请求。'], 'thinking.default_effort': ['默认思考强度', '模型名与请求都未说明时，用于登录账号。'], 'thinking.levels': ['模型的思考级别', '代替内置表；服务商所列优先。'],
  'thinking.output': ['Chat 应答中的推理', '转换后的 Chat 应答如何显示推理。'], 'zai.show_think_tags': ['Z.AI 推理写入标签', 'Z.AI 账号的 Chat 应答以 <think> 标签写出推理。'], 'balance.poll': ['查询余额', '自动向服务商查询账号余额。'], 'usage.reset_time': ['周期起始时刻', '用量上限与密钥预算的周期从此时刻开始。'],
  'usage.time_zone': ['周期的时区', '默认为本机时区。'], 'usage.prices': ['价格', '每百万 Token 的美元价格（输入/缓存/输出），优先于内置价格。'],
};

const CHOICE: Record<string, string> = { round_robin: '轮流', most_headroom: '剩余最多', least_recently_used: '最久未用', fill_first: '依次用完', least_used: '用得最少', pace_aware: '按节奏', field: '单独字段', think_tags: '<think> 标签', off: '不显示' };

const SOURCE: Record<string, string> = { header: '由应答告知', stream: '由应答告知', query: '额度查询', 429: '由拒绝告知', failures: '由失败推测', overload: '由过载推测' };

const BECAUSE: Record<string, string> = {
  asked_for_by_the_client: '客户端指定', served_this_conversation_before: '此前服务过此会话', the_active_account: '当前账号', next_in_your_order_after_the_active_account: '顺序中当前账号之后', its_turn: '轮到它', by_the_lowest_used_share: '已用比例最低', by_the_longest_rest: '休息最久', by_your_order: '按您的顺序',
  the_latest_success: '最近成功', by_the_earliest_reset_and_the_fewest_requests: '重置最早、请求最少', 'by_priority,_the_lowest_number_first': '优先级数字最小', by_what_would_expire_unused_first: '先用将过期的额度',
};

export const zh: Messages = {
  common: { cancel: '取消', close: '关闭', done: '完成', back: '返回', save: '保存', saved: '已保存', reset: '还原', undo: '撤销', details: '详情', copied: '已复制', copyFailed: '无法复制，请手动选择文本复制。', copyNamed: (name) => `复制 ${name}`, dismiss: '知道了' },
  errors: { unreachable: 'Switchyard 没有应答，它在运行吗？', failed: '操作未成功。', unauthorized: '控制台令牌无效。', not_built: '此功能尚未提供。', vault_locked: '保险库已锁定，请在系统钥匙串中解锁。', home_locked: '另一个 Switchyard 正在使用此文件夹。', forbidden: '不允许从此处执行。' },
  faces: { loading: '正在载入', errorTitle: '无法载入', retry: '重试', stale: '无法刷新，显示的是上次的结果。' },
  nav: { label: '页面', overview: '概览', accounts: '账号', usage: '用量', requests: '请求', test: '测试', clients: '客户端', routing: '路由', models: '模型', settings: '设置', attention: (n) => `${n} 个账号需要处理` },
  login: { title: 'Switchyard 控制台', text: '此页面与本机上的程序通信。', token: '控制台令牌', hint: '控制台启动时显示过。网关密钥在此无效。', enter: '继续', wrong: '这不是此控制台的令牌。', unreachable: 'Switchyard 没有应答。' },
  gateway: {
    label: '网关', state: { connecting: '正在连接…', lost: '连接中断', offline: '离线', stopped: '已停止', paused: '已暂停', attention: '需要处理', low: '额度不足', working: '工作中', running: '运行中' },
    waiting: (n) => `${n} 个等待`, running: (n) => (n === 0 ? '没有运行中的请求' : `${n} 个请求运行中`), pause: '暂停', resume: '恢复', pause15: '15 分钟', pause60: '1 小时', pauseOpen: '直到恢复', pausedUntil: (at) => `直到 ${at}`, pausedText: '恢复之前将拒绝请求', key: '密钥', copyKey: '复制密钥', copyUrl: (name) => `复制 ${name} 地址`,
  },
  banners: { lost: '与 Switchyard 的连接已中断，正在自动重试。', demo: '演示账号是模拟的：没有数据离开本机。', removeDemo: '移除演示账号' },
  notice: (text) => text,
  overview: { active: '当前账号', automatic: '按请求选择', chosen: '优先使用', noActive: '没有当前账号', choose: '选择账号', noAccounts: '还没有账号', noAccountsText: '添加一个账号，本机的所有客户端即可通过同一个地址使用它。', openGuide: '打开向导' },
  today: { title: '今天', hint: '最近 24 小时', requests: '请求', tokens: 'Token', errors: '错误', inOut: (i, o) => `输入 ${i} · 输出 ${o}` },
  attention: { title: '需要处理', action: { sign_in: '重新登录', try_now: '立即重试', open: '打开' } },
  problem: { needs_login: '需要重新登录', banned: '已被服务商停用', failing: '持续失败', expired: '令牌已到期' },
  resets: { title: '即将重置', legend: '● 短周期  ◆ 长周期', none: '尚不知道重置时间', now: '现在', used: (p) => `已用 ${p}`, spoken: (who, window, at, used) => `${who}，${window}：${at} 重置，已用 ${used}` },
  switches: { title: '最近切换', on: '自动切换已开启', off: '自动切换已关闭', none: '还没有切换', undo: '撤销上次', turnOn: '开启自动切换', to: '切换到', automatic: '自动', manual: '手动', sentence: (from, to, why) => (from ? `已从 ${from} 切换到 ${to}：${why}` : `当前账号为 ${to}：${why}`) },
  reason: (code) => looked(REASON, code),
  plan: (plan) => plan.charAt(0).toUpperCase() + plan.slice(1),
  quota: { window: { primary: '短周期', secondary: '长周期' }, modeWord: { remaining: '剩余', used: '已用' }, unknown: '未知', staleSpoken: '未知：重置后尚未读取', readAgain: '重置后尚未读取', spoken: (mode, value, reset) => `${mode === 'used' ? '已用' : '剩余'} ${value}${reset ? `，${reset} 重置` : ''}`, meterLabel: (who, window) => `${who} ${window}额度`.trim(), resetsIn: (span) => `${span}后重置`, resetsAt: (at, span) => `${at} 重置 · ${span}后`, noReset: '未告知重置时间', notRead: '尚未读取额度', notApplicable: '没有额度周期' },
  health: { name: { unknown: '尚未使用', active: '可用', cooling: '暂歇', exhausted: '已用完', needs_login: '需登录', attention: '需注意', banned: '已停用', disabled: '已关闭' }, back: (at) => `${at} 恢复` },
  kind: { codex_oauth: 'ChatGPT', relay: '中转', zai: 'Z.AI', provider_key: '其他服务商' },
  kindShort: { codex_oauth: 'ChatGPT', relay: '中转', zai: 'Z.AI', provider_key: '服务商密钥' },
  format: { codex: 'Codex', responses: 'OpenAI Responses', openai: 'OpenAI Chat', anthropic: 'Anthropic', gemini: 'Gemini' },
  accounts: {
    title: '账号', count: (n) => `${n} 个账号`, add: '添加', addSignIn: '用 ChatGPT 登录…', addRelay: 'API 密钥或中转…', addImport: '导入…', addDemo: '添加演示账号', quotaAll: '刷新额度', select: '选择', search: '搜索账号', filterLabel: '显示', filter: { all: '全部', usable: '可用', exhausted: '已用完', cooling: '暂歇', needs_login: '需登录', disabled: '已关闭', demo: '演示' },
    sortLabel: '排序', sort: { order: '自定顺序', name: '名称', left: '剩余最多', reset: '最早重置', used: '最近使用' }, noMatch: '没有匹配的账号', clearFilter: '显示全部', active: '当前', demo: '演示', runningNow: (n) => `${n} 个运行中`, actions: (name) => `${name} 的操作`, move: (name) => `移动 ${name}`, moveHint: '拖动，或使用方向键', moveSorted: '以自定顺序显示全部账号时才能移动', movedTo: (name, n) => `${name} 现在是第 ${n} 个`,
    pick: (name) => `选择 ${name}`, several: '选中的账号', chosen: (n) => `已选 ${n} 个`, all: '全选', use: '使用此账号', tryNow: '立即重试', tryNowDone: '下一个请求即可使用它', queryQuota: '刷新额度', refreshToken: '续期令牌', refreshed: '令牌已续期', signInAgain: '重新登录…', enable: '开启', disable: '关闭', export: '导出…', remove: '移除…',
  },
  remove: { title: (n) => (n === 1 ? '移除此账号？' : `移除 ${n} 个账号？`), text: '其登录信息与密钥将从本机删除，历史记录会保留。', more: (n) => `以及另外 ${n} 个`, confirm: (n) => (n === 1 ? '移除' : `移除 ${n} 个`) },
  export: { title: (n) => `导出 ${n} 个账号`, warning: '文件中包含登录信息本身，持有者即可使用这些账号。', seal: '用口令加密', phrase: '口令', phraseHint: '遗失后无法恢复。', again: '再次输入', short: (n) => `至少 ${n} 个字符`, differ: '两次输入不一致', understood: '我知道此文件不受保护', save: '保存…', saved: (n) => `已保存 ${n} 个账号` },
  signin: { title: '用 ChatGPT 登录', again: (name) => `重新登录：${name}`, way: '登录方式', browser: '浏览器', device: '设备码', browserText: '在打开的页面上登录，完成后会回到这里。', mustPaste: '页面返回所用的本机地址被占用。请先登录，再把页面最后停留的地址粘贴到下面。', terms: '这将再添加一个账号。请只使用您自己的账号并遵守服务商条款：条款对每个账号都适用。', addOther: (who) => `添加 ${who}`, openBrowser: '打开浏览器', copyLink: '复制链接', paste: '页面没有返回？', pasteHint: '粘贴它最后停留的地址，或显示的代码。', use: '使用', deviceText: '在任意设备上打开页面并输入此代码。', code: '代码', copyCode: '复制代码', openPage: '打开页面', waiting: (left) => `等待登录 · 剩余 ${left}`, exchanging: '即将完成…', done: '已登录', expired: '已超时', failed: '登录未成功', startAgain: '重新开始' },
  import: { phrase: '口令（可选）', phraseHint: '仅用于以口令导出的文件：请先输入口令，再选择文件。', title: '导入账号', drop: '将账号文件拖到这里', dropHint: 'JSON、文本、ZIP 或文件夹', dropHintConsole: 'JSON 或文本', files: '选择文件…', folder: '选择文件夹…', local: '在本机查找', paste: '或粘贴', pasteHint: '可识别所有常见格式。预览之前不会写入任何内容。', preview: '预览', previewText: (n) => `找到 ${n} 个账号，尚未写入。`, items: '找到的账号', account: '账号', plan: '套餐', ends: '令牌到期', expired: '已到期', what: '处理', outcome: '结果', action: (code) => looked({ new: '新增', update: '更新', duplicate_in_file: '文件内重复' }, code), verify: '导入后检查', verifyHint: '逐个询问服务商，不消耗额度', take: (n) => `导入 ${n} 个`, result: (a, u, f) => `新增 ${a}，更新 ${u}，失败 ${f}`, zipDesktop: '压缩包请在桌面程序中或用 `switchyard import` 导入。', tooLarge: '超过 16 MiB。' },
  relay: { title: '添加密钥或中转', kind: '种类', label: '名称', labelExample: '例如：办公室中转', format: '格式', formatHint: '此地址使用的协议。', url: '基础地址', urlHint: '输入时下方显示最终地址。', urlName: (name) => looked({ request: '请求', models: '模型' }, name), key: 'API 密钥', keyHint: '存入保险库，不再显示。', models: '模型', allModels: '可使用全部模型', offered: (n) => `提供 ${n} 个，全部可用`, picked: (n, all) => `${all} 个中可用 ${n} 个`, fetch: '获取模型', more: '更多', add: '添加' },
  facts: { title: '详情', kind: '种类', email: '邮箱', plan: '套餐', format: '格式', host: '主机', token: '令牌', until: (at) => `${at} 到期`, ended: (at) => `已于 ${at} 到期`, noRefresh: '无法续期', quotaRead: '额度读取', lastUsed: '最近使用', never: '从未', requests: '请求', requestsOf: (n, f) => `${n}，失败 ${f}`, lastError: '最近错误', added: '添加于', notes: '备注' },
  rules: { title: '规则', enabled: '开启', enabledHint: '关闭后不使用也不续期。', excluded: '不参与自动切换', excludedHint: '不会自动切出或切入。', excludedChip: '非自动', label: '名称', reserve: '保留（%）', reserveHint: '这一部分不使用。', priority: '优先级', priorityHint: '数字小者优先。', models: '允许的模型', modelsHint: '名称或带 * 的前缀，用逗号分隔。', modelsAll: '全部', group: '分组', proxy: '代理', proxyHint: '地址，或 `direct`。', proxyNone: '与全局相同', slots: '并发请求', slotsHint: '超出的等待或换账号。', notes: '备注' },
  test: { accountTitle: '测试', costs: '会发送真实请求，消耗额度。', model: '模型', firstModel: '第一个模型', run: '测试', worked: (t) => `有应答 · ${t}`, didNot: '没有应答' },
  usage: { title: '用量', history: '额度历史', range: '范围', hours24: '24 小时', days7: '7 天', days30: '30 天', account: '账号', group: '分组', byAccount: '账号', byModel: '模型', byClient: '客户端', name: '名称', time: '时间', window: '周期', noHistory: '此范围内还没有读数', none: '此范围内没有用量', send: '发送测试请求', failed: '失败', input: '输入', output: '输出', cached: '缓存', unknown: '未告知', answered: '已应答', cancelled: '已取消', resetMark: '重置', asTable: '表格', asChart: '图表', chartFailed: '图表无法载入，表格内容相同。', chartLabel: (n) => `额度随时间变化，共 ${n} 条线。表格内容相同。`, forecast: (who, window, at) => `${who}，${window}：照最近一小时的速度，约 ${at} 用完`, barsLabel: (n) => `${n} 天的请求。表格中有合计。`, barTip: (day, ok, bad, gone) => `${day}：应答 ${ok}，失败 ${bad}，取消 ${gone}`, axisTop: (n) => `顶线：${n} 个请求` },
  end: { completed: '完成', failed: '失败', cancelled: '取消' },
  requests: { count: (n) => `最近 ${n} 条`, pause: '暂停', resume: (n) => (n > 0 ? `恢复（${n} 条新）` : '恢复'), search: '搜索模型、客户端或编号', outcome: '结果', anyOutcome: '全部结果', anyAccount: '全部账号', noMatch: '没有匹配的请求', none: '还没有请求', noneText: '请求结束后显示在这里，从不保存内容。', model: '模型', status: '状态', first: '首个 Token', tokens: 'Token 入 / 出', open: (what, at) => `${at} 的 ${what}：详情`, attempts: (n) => `${n} 次尝试`, more: '更早的请求', client: '客户端', endpoint: '端点', served: '实际模型', duration: '时长', losses: '未传达', id: '请求编号', copyId: '复制请求编号', attemptsTitle: '尝试', noAttempt: '没有尝试任何账号' },
  try: { request: '请求', protocol: '协议', noModels: '没有已知模型', automatic: '自动', prompt: '提示', example: '用一句话打个招呼。', image: '图片（可选）', imageTooLarge: '图片超过 8 MiB。', stream: '流式', tools: '提供工具', thinking: '思考', level: { none: '由模型决定', low: '低', medium: '中', high: '高' }, images: '图片', otherModel: '其他模型…', modelName: '模型名称', send: '发送', stop: '停止', answer: '应答', curl: '复制为 curl', empty: '尚未发送', emptyText: '应答、耗时与原始内容显示在这里。', useExample: '使用示例', first: (t) => `首字节 ${t}`, whole: (t) => `总计 ${t}`, running: '正在应答…', view: '视图', text: '应答', raw: '原始内容', thought: '思考过程', picture: '应答中的图片' },
  clients: { later: '请复制文本；自动应用将在以后提供', key: '用网关密钥替换 KEY，或放入变量 SWITCHYARD_KEY。', about: { codex: 'OpenAI Responses', claude: 'Anthropic Messages', gemini: 'Gemini API', sdk: 'OpenAI 库' } },
  models: {
    count: (n) => `${n} 个模型`, aliases: '别名', aliasesHint: '模型的其他名称；客户端看到别名', alias: '别名', model: '模型或别名', everyGroup: '全部账号', add: '添加', change: '修改', changeOf: (name) => `修改 ${name}`, removeOf: (name) => `移除 ${name}`, removed: (name) => `已移除别名 ${name}`, standsFor: '代表', servedBy: (who) => `由 ${who} 服务`, nobody: '没有账号提供此模型', unserved: '无人服务',
    lists: '账号提供的模型', refreshAll: '全部刷新', refresh: (name) => `向 ${name} 查询模型`, age: (span) => `${span}前`, none: '没有已知模型', problem: '未能读取', source: (code) => looked({ upstream: '由服务商告知', stored: '已存', codex_cli: '来自 Codex CLI', built_in: '内置', none: '尚未查询' }, code), defaults: '缺失或外来的名称', thinking: '思考',
  },
  routing: { policy: '如何选择账号', name: { active: '当前账号', round_robin: '轮流', most_headroom: '剩余最多', least_used: '用得最少', least_recently_used: '最久未用', fill_first: '依次用完', priority: '优先级', pace_aware: '按节奏' }, hint: { active: '由一个账号服务，直到您或自动切换更换它。', round_robin: '每个请求换下一个账号。', most_headroom: '额度剩余最多的账号。', least_used: '重置最早、请求最少的账号。', least_recently_used: '休息最久的账号。', fill_first: '按您的顺序依次用完。', priority: '优先级数字小者优先，同级另选方式。', pace_aware: '先用否则会过期的额度。' }, explain: '解释', explainHint: '现在由谁服务此模型', nothing: '没有可选的账号', chosen: '将由它服务', candidate: '候补', order: '顺序', orderHint: '用于切换与并列时', reserve: (n) => `保留 ${n}%`, up: (name) => `上移 ${name}`, down: (name) => `下移 ${name}`, rules: '切换与重试', limits: '上限与排队', because: (text) => looked(BECAUSE, text), source: (code) => looked({ ...REASON, ...SOURCE }, code), until: (at) => `直到 ${at}`, groups: '分组现况', inUse: (n, most) => `${n} / ${most}` },
  settings: { section: { general: '通用', gateway: '网关', notifications: '通知', data: '数据', advanced: '高级', about: '关于' }, look: '外观', theme: '主题', themes: { system: '跟随系统', light: '浅色', dark: '深色' }, language: '语言', numbers: '额度显示', numbersHint: '各处一致。', modes: { remaining: '剩余', used: '已用' }, textSize: '文字大小', hideEmails: '隐藏邮箱地址', hideEmailsHint: '适用于他人可见的屏幕。', startup: '启动', autostart: '登录时启动', autostartHint: '安静地在托盘中启动。', noTray: '此桌面没有托盘，将改为打开窗口。', testNotification: '发送测试通知', noNotifications: '暂无可设置的内容。', name: (key) => SETTING[key]?.[0] ?? key.replace(/[._]/g, ' '), doc: (key, doc) => SETTING[key]?.[1] ?? doc, choice: (value) => CHOICE[value] ?? value, unset_value: '无', onePerLine: '每行一个。', restart: '下次启动时生效。', locked: (by) => `由 ${by} 固定，无法在此更改。`, unset: (name) => `将${name}恢复为默认值` },
  keys: { title: '网关密钥', hint: '供客户端使用', name: '新密钥的名称', add: '添加', revoke: '吊销', sure: '确定吊销？', copy: (name) => `复制密钥 ${name}` },
  about: { version: '版本', secrets: '机密存于', home: '文件夹', address: '地址' },
  welcome: { title: '欢迎使用 Switchyard', text: '一个本地地址，通向您的所有账号', skip: '跳过', account: '添加账号', accountText: '登录、填写密钥，或从文件导入。', client: '连接客户端', clientText: '让 Codex CLI、Claude Code、Gemini CLI 或您的代码指向同一个地址。', test: '发送测试请求', testText: '看看由哪个账号服务、有多快。', demo: '只是看看？', demoText: '模拟账号会在一分钟内展示请求、下降的额度与一次切换，一键即可移除。' },
  tasks: { import: '正在导入', quota: '正在读取额度', refresh: '正在续期令牌', enable: '正在开启', disable: '正在关闭' },
};
