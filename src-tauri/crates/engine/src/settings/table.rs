//! The one table of all settings. A key that is not here does not exist; a row is all that a new one needs.

use super::checks::{base_url, header_text, host, model, no_proxy, origin, version};
use super::field::{Apply, Field, Key};
use super::keeping;
use super::switching;
use super::turns;
use super::upkeep;
use super::window;
use super::{models, money, routing};

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

/// Every setting, in the order in which people see them.
pub static KEYS: &[Key] = &[
    Key {
        name: "server.host",
        doc: "Address the gateway listens on. Anything but loopback lets other machines in.",
        apply: Apply::Rebind,
        field: Field::Text {
            default: "127.0.0.1",
            check: host,
            allowed: "an IP address or a host name",
            at: |s| &mut s.server.host,
        },
    },
    Key {
        name: "server.port",
        doc: "Port the gateway listens on; where it is taken, the next free one of the following 20. 0 is any free port.",
        apply: Apply::Rebind,
        field: Field::Number {
            default: 8787,
            min: 0,
            max: 65_535,
            unit: "",
            at: |s| &mut s.server.port,
        },
    },
    Key {
        name: "server.account_header",
        doc: "Answers name the account that served them in x-switchyard-account.",
        apply: Apply::Live,
        field: Field::Bool {
            default: true,
            at: |s| &mut s.server.account_header,
        },
    },
    Key {
        name: "server.cors_origins",
        doc: "Web origins whose pages may call the gateway.",
        apply: Apply::Live,
        field: Field::List {
            check: origin,
            allowed: "exact origins such as https://app.example.com (no *, no null)",
            at: |s| &mut s.server.cors_origins,
        },
    },
    Key {
        name: "server.allowed_hosts",
        doc: "Host names, beside the loopback ones, under which clients may address the gateway.",
        apply: Apply::Live,
        field: Field::List {
            check: host,
            allowed: "host names or IP addresses",
            at: |s| &mut s.server.allowed_hosts,
        },
    },
    Key {
        name: "server.drain_s",
        doc: "How long running streams may go on when the gateway stops.",
        apply: Apply::Live,
        field: Field::Number {
            default: 30,
            min: 0,
            max: 30,
            unit: "seconds",
            at: |s| &mut s.server.drain_s,
        },
    },
    Key {
        name: "codex.base_url",
        doc: "Base URL of the ChatGPT/Codex backend.",
        apply: Apply::Live,
        field: Field::Text {
            default: "https://chatgpt.com/backend-api/codex",
            check: base_url,
            allowed: "an http or https URL",
            at: |s| &mut s.codex.base_url,
        },
    },
    Key {
        name: "codex.usage_url",
        doc: "URL of the Codex quota query. Default: /wham/usage beside the base URL.",
        apply: Apply::Live,
        field: Field::Optional {
            check: base_url,
            allowed: "an http or https URL",
            at: |s| &mut s.codex.usage_url,
        },
    },
    Key {
        name: "codex.auth_url",
        doc: "Sign-in server; its token and revoke endpoints are used.",
        apply: Apply::Live,
        field: Field::Text {
            default: "https://auth.openai.com",
            check: base_url,
            allowed: "an http or https URL",
            at: |s| &mut s.codex.auth_url,
        },
    },
    Key {
        name: "codex.originator",
        doc: "Name under which the gateway introduces itself to the Codex backend.",
        apply: Apply::Live,
        field: Field::Text {
            default: "switchyard",
            check: header_text,
            allowed: "visible ASCII, at most 256 characters",
            at: |s| &mut s.codex.originator,
        },
    },
    Key {
        name: "codex.client_version",
        doc: "Client version told to the Codex backend; it decides which models are listed.",
        apply: Apply::Live,
        field: Field::Optional {
            check: version,
            allowed: "a version such as 1.2.3",
            at: |s| &mut s.codex.client_version,
        },
    },
    Key {
        name: "codex.user_agent",
        doc: "User agent told to the Codex backend. Default: the program's own name and version.",
        apply: Apply::Live,
        field: Field::Optional {
            check: header_text,
            allowed: "visible ASCII, at most 256 characters",
            at: |s| &mut s.codex.user_agent,
        },
    },
    upkeep::REVOKE_ON_REMOVAL,
    routing::MODE,
    routing::WITHIN_TIER,
    routing::ACCOUNT_SLOTS,
    routing::GROUP_LIMITS,
    routing::SPACING_MS,
    turns::LENGTH,
    routing::MOST_REQUESTS,
    routing::QUEUE_WAIT_S,
    routing::QUEUE_LENGTH,
    switching::ENABLED,
    switching::UNKNOWN_TOO,
    switching::LOWEST_USE_FIRST,
    switching::THRESHOLD_PRIMARY,
    switching::THRESHOLD_WEEKLY,
    switching::SWITCH_BACK,
    switching::KEYS_TOO,
    Key {
        name: "retry.max",
        doc: "Further attempts after the first one, each on another account.",
        apply: Apply::Live,
        field: Field::Number {
            default: 2,
            min: 0,
            max: 20,
            unit: "",
            at: |s| &mut s.retry.max,
        },
    },
    Key {
        name: "retry.deadline_s",
        doc: "Time for all attempts together, up to the first byte of the answer.",
        apply: Apply::Live,
        field: Field::Number {
            default: 120,
            min: 1,
            max: 60 * MINUTE,
            unit: "seconds",
            at: |s| &mut s.retry.deadline_s,
        },
    },
    Key {
        name: "timeouts.connect_s",
        doc: "Time to connect to an upstream.",
        apply: Apply::Live,
        field: Field::Number {
            default: 5,
            min: 1,
            max: 2 * MINUTE,
            unit: "seconds",
            at: |s| &mut s.timeouts.connect_s,
        },
    },
    Key {
        name: "timeouts.headers_s",
        doc: "Time until an upstream begins to answer.",
        apply: Apply::Live,
        field: Field::Number {
            default: 180,
            min: 30,
            max: 600,
            unit: "seconds",
            at: |s| &mut s.timeouts.headers_s,
        },
    },
    Key {
        name: "timeouts.idle_s",
        doc: "Longest silence within a stream.",
        apply: Apply::Live,
        field: Field::Number {
            default: 300,
            min: 5,
            max: 60 * MINUTE,
            unit: "seconds",
            at: |s| &mut s.timeouts.idle_s,
        },
    },
    Key {
        name: "timeouts.total_s",
        doc: "Time for a whole answer that is not a stream.",
        apply: Apply::Live,
        field: Field::Number {
            default: 600,
            min: 30,
            max: 120 * MINUTE,
            unit: "seconds",
            at: |s| &mut s.timeouts.total_s,
        },
    },
    Key {
        name: "proxy.enabled",
        doc: "Upstreams are reached through proxy.url.",
        apply: Apply::Live,
        field: Field::Bool {
            default: false,
            at: |s| &mut s.proxy.enabled,
        },
    },
    Key {
        name: "proxy.url",
        doc: "The proxy; kept while it is switched off. Its password goes into the vault.",
        apply: Apply::Live,
        field: Field::Proxy {
            at: |s| &mut s.proxy.url,
        },
    },
    Key {
        name: "proxy.no_proxy",
        doc: "What is reached directly, with commas.",
        apply: Apply::Live,
        field: Field::Text {
            default: "localhost,127.0.0.1,::1",
            check: no_proxy,
            allowed: "host, .suffix, *.suffix, IP, CIDR, host:port or *",
            at: |s| &mut s.proxy.no_proxy,
        },
    },
    Key {
        name: "limits.body_mib",
        doc: "Largest request body, decoded.",
        apply: Apply::Live,
        field: Field::Number {
            default: 32,
            min: 1,
            max: 1024,
            unit: "MiB",
            at: |s| &mut s.limits.body_mib,
        },
    },
    Key {
        name: "limits.compact_body_mib",
        doc: "Largest request body on /v1/responses/compact, decoded.",
        apply: Apply::Live,
        field: Field::Number {
            default: 256,
            min: 1,
            max: 1024,
            unit: "MiB",
            at: |s| &mut s.limits.compact_body_mib,
        },
    },
    Key {
        name: "refresh.margin_s",
        doc: "How long before its end a token is refreshed.",
        apply: Apply::Live,
        field: Field::Number {
            default: 5 * MINUTE,
            min: MINUTE,
            max: DAY,
            unit: "seconds",
            at: |s| &mut s.refresh.margin_s,
        },
    },
    Key {
        name: "refresh.interval_s",
        doc: "How often accounts whose token is about to end are looked for.",
        apply: Apply::Live,
        field: Field::Number {
            default: 3000,
            min: MINUTE,
            max: DAY,
            unit: "seconds",
            at: |s| &mut s.refresh.interval_s,
        },
    },
    upkeep::QUERY_MIN,
    upkeep::CHECK_INTERVAL,
    switching::TELL_SWITCHED,
    switching::TELL_QUOTA_WARNING,
    switching::TELL_ALL_EXHAUSTED,
    switching::TELL_NEEDS_SIGN_IN,
    switching::TELL_RECOVERED,
    switching::TELL_PORT_CHANGED,
    money::TELL_BALANCE_LOW,
    money::POLL,
    money::RESET_TIME,
    money::TIME_ZONE,
    money::PRICES,
    Key {
        name: "log.level",
        doc: "What is logged.",
        apply: Apply::Live,
        field: Field::Choice {
            default: "info",
            options: &["error", "warn", "info", "debug"],
            at: |s| &mut s.log.level,
        },
    },
    Key {
        name: "journal.rows",
        doc: "Requests kept in the journal.",
        apply: Apply::Live,
        field: Field::Number {
            default: 2000,
            min: 0,
            max: 1_000_000,
            unit: "rows",
            at: |s| &mut s.journal.rows,
        },
    },
    Key {
        name: "journal.days",
        doc: "Days kept in the journal.",
        apply: Apply::Live,
        field: Field::Number {
            default: 7,
            min: 1,
            max: 400,
            unit: "days",
            at: |s| &mut s.journal.days,
        },
    },
    keeping::DAILY_BACKUPS,
    keeping::WATCHED_FOLDER,
    Key {
        name: "ask.model",
        doc: "Model that `switchyard ask` uses without -m. Default: the first one offered.",
        apply: Apply::Live,
        field: Field::Optional {
            check: model,
            allowed: "a model name",
            at: |s| &mut s.ask.model,
        },
    },
    models::DEFAULT,
    models::DEFAULT_CHAT,
    models::DEFAULT_RESPONSES,
    models::DEFAULT_MESSAGES,
    models::DEFAULT_GEMINI,
    models::ALIASES,
    models::PATTERNS,
    models::LIST_SUFFIXES,
    models::DIRECT_ONLY,
    models::DEFAULT_EFFORT,
    models::LEVELS,
    models::OUTPUT,
    models::ZAI_THINK_TAGS,
    window::THEME,
    window::LANGUAGE,
    window::NUMBERS,
    window::TEXT_SCALE,
    window::HIDE_EMAILS,
    window::GUIDE_DONE,
];

/// The key of that name.
#[must_use]
pub fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// A settings file that says nothing yet: every key with its documentation and default, commented out.
#[must_use]
pub fn template() -> String {
    let mut defaults = super::Settings::defaults();
    let mut text = String::from(
        "# Every Switchyard setting with its default. Take the # away to change one.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (table, leaf) = key.name.split_once('.').unwrap_or(("", key.name));
        if table != section {
            section = table;
            text.push_str(&format!("\n[{table}]\n"));
        }
        let value = key
            .field
            .to_toml(&mut defaults)
            .map(|value| value.to_string())
            .unwrap_or_else(|| "\"\"".to_owned());
        text.push_str(&format!(
            "# {} Allowed: {}.\n# {leaf} = {value}\n",
            key.doc,
            key.field.allowed()
        ));
    }
    text
}
