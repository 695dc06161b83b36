//! What the tray shows: plain values made from the engine's view, compared to find what has to change (R5).
//!
//! No Tauri here, so that the rules can be tested without a display. Called by `tray`.

mod labels;

pub(crate) use labels::{mask, time};

use std::time::Duration;

use engine::{AccountKind, AccountView, QuotaSnapshot, Timestamp};
use jiff::tz::TimeZone;

use crate::language::Language;

/// Least time between two changes of the menu that only quota, health and load cause (R5).
pub(crate) const PACE: Duration = Duration::from_secs(30);
/// Accounts in the menu itself; the others are behind "More accounts".
const SHOWN: usize = 8;

/// Ids of items that do something.
pub(crate) mod id {
    pub(crate) const AUTOMATIC: &str = "automatic";
    pub(crate) const AUTO_SWITCH: &str = "auto-switch";
    pub(crate) const AUTOSTART: &str = "autostart";
    pub(crate) const OPEN: &str = "open";
    pub(crate) const QUIT: &str = "quit";
    pub(crate) const REFRESH: &str = "refresh";
    pub(crate) const RESUME: &str = "resume";
    /// An account's id follows.
    pub(crate) const ACCOUNT: &str = "account:";
    /// What to copy follows, as the page says it.
    pub(crate) const COPY: &str = "copy:";
    /// Seconds follow, or nothing.
    pub(crate) const PAUSE: &str = "pause:";
}

/// What the content is made of: of the engine's views, what the tray shows.
pub(crate) struct Scene<'a> {
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    pub language: Language,
    /// The program starts at login.
    pub autostart: bool,
    /// E-mail addresses are not to be read over one's shoulder.
    pub hide_emails: bool,
    /// Percentages say what is used instead of what is left.
    pub used: bool,
    pub url: String,
    pub serving: bool,
    pub running: usize,
    pub automatic: bool,
    pub auto_switch: bool,
    pub paused: Option<Option<Timestamp>>,
    pub offline: bool,
    pub icon: &'static str,
    /// The panel is likely to be light.
    pub light: bool,
    pub accounts: Vec<Row>,
}

/// One account.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub id: String,
    pub kind: AccountKind,
    pub label: String,
    pub enabled: bool,
    pub active: bool,
    pub health: &'static str,
    pub usable_again_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub quota: Option<QuotaSnapshot>,
}

impl From<AccountView> for Row {
    fn from(view: AccountView) -> Self {
        Self {
            id: view.id.to_string(),
            kind: view.kind,
            label: view.label,
            enabled: view.enabled,
            active: view.active,
            health: view.health,
            usable_again_at: view.usable_again_at,
            last_used_at: view.last_used_at,
            quota: view.quota,
        }
    }
}

/// The icon, its tooltip and its menu.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Content {
    /// Of [`engine::ICON_WORDS`].
    pub icon: &'static str,
    /// It is for a light panel.
    pub light: bool,
    pub tooltip: String,
    pub entries: Vec<Entry>,
}

/// One item of a menu.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Tells it from the others of its menu; what a click on it reports.
    pub id: String,
    pub kind: Kind,
    pub text: String,
    /// What of the text may not wait: quota and health are left out of it.
    pub urgent: String,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Text that cannot be clicked.
    Label,
    Button,
    /// With a mark, and whether it can be clicked.
    Check {
        on: bool,
        enabled: bool,
    },
    Line,
    Menu(Vec<Entry>),
}

impl Content {
    /// How things are now.
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        let say = |en: &'static str, zh: &'static str| scene.language.pick(en, zh);
        let mut entries = vec![labels::status(scene)];
        entries.extend(labels::now(scene));
        entries.push(line("line-accounts"));
        if !scene.accounts.is_empty() {
            let text = say("Automatic (best account)", "自动（最佳账号）");
            entries.push(check(id::AUTOMATIC, text, scene.automatic, true));
            entries.extend(accounts(scene));
            entries.push(line("line-actions"));
        }
        entries.push(check(
            id::AUTO_SWITCH,
            say("Auto-switch when exhausted", "额度用尽时自动切换"),
            scene.auto_switch,
            true,
        ));
        entries.push(menu(
            "copy",
            say("Copy", "复制"),
            vec![
                copy("url:openai", say("OpenAI URL", "OpenAI 地址")),
                copy("url:anthropic", say("Anthropic URL", "Anthropic 地址")),
                copy("url:gemini", say("Gemini URL", "Gemini 地址")),
                copy("key:default", say("Key", "密钥")),
            ],
        ));
        entries.push(button(id::REFRESH, say("Refresh quota", "刷新额度")));
        entries.push(if scene.paused.is_some() {
            button(id::RESUME, say("Resume", "恢复服务"))
        } else {
            let pause = |seconds, text| button(&format!("{}{seconds}", id::PAUSE), text);
            menu(
                "pause",
                say("Pause", "暂停"),
                vec![
                    pause("900", say("15 minutes", "15 分钟")),
                    pause("3600", say("1 hour", "1 小时")),
                    pause("", say("Until resumed", "直到手动恢复")),
                ],
            )
        });
        entries.push(line("line-window"));
        entries.push(button(
            id::OPEN,
            say("Open Switchyard…", "打开 Switchyard…"),
        ));
        let text = say("Start at login", "登录时启动");
        entries.push(check(id::AUTOSTART, text, scene.autostart, true));
        entries.push(button(id::QUIT, say("Quit", "退出")));
        Self {
            icon: scene.icon,
            light: scene.light,
            tooltip: labels::tooltip(scene),
            entries,
        }
    }

    /// Whether only the wording of quota, health and load differs: a change that may wait.
    pub(crate) fn differs_in_words_only(&self, newer: &Self) -> bool {
        self != newer && *self == newer.clone().in_the_words_of(self)
    }

    /// The same, with the quota, health and load that `older` showed.
    pub(crate) fn in_the_words_of(mut self, older: &Self) -> Self {
        self.tooltip.clone_from(&older.tooltip);
        if calm(self.icon) && calm(older.icon) {
            self.icon = older.icon;
        }
        keep_words(&mut self.entries, &older.entries);
        self
    }
}

/// Icons that tell of load alone.
fn calm(icon: &str) -> bool {
    matches!(icon, "running" | "working")
}

fn keep_words(entries: &mut [Entry], older: &[Entry]) {
    for entry in entries {
        let Some(old) = older.iter().find(|old| old.id == entry.id) else {
            continue;
        };
        if old.urgent == entry.urgent {
            entry.text.clone_from(&old.text);
        }
        if let (Kind::Menu(entries), Kind::Menu(older)) = (&mut entry.kind, &old.kind) {
            keep_words(entries, older);
        }
    }
}

/// The accounts grouped by kind, sign-ins first, each group in the person's order (F141); the one in use is never behind "More".
fn accounts(scene: &Scene<'_>) -> Vec<Entry> {
    let mut sorted: Vec<&Row> = scene.accounts.iter().collect();
    sorted.sort_by_key(|account| group(account.kind));
    if let Some(place) = sorted.iter().position(|account| account.active)
        && place >= SHOWN
    {
        let active = sorted.remove(place);
        sorted.insert(SHOWN - 1, active);
    }
    let row = |account: &Row| {
        let on = account.active && !scene.automatic;
        let (text, urgent) = labels::account(scene, account);
        Entry {
            id: format!("{}{}", id::ACCOUNT, account.id),
            kind: Kind::Check {
                on,
                enabled: account.enabled,
            },
            text,
            urgent,
        }
    };
    let more = sorted.split_off(SHOWN.min(sorted.len()));
    let mut entries: Vec<Entry> = sorted.into_iter().map(row).collect();
    if !more.is_empty() {
        let text = scene.language.pick("More accounts", "更多账号");
        entries.push(menu("more", text, more.into_iter().map(row).collect()));
    }
    entries
}

fn group(kind: AccountKind) -> u8 {
    match kind {
        AccountKind::CodexOauth => 0,
        AccountKind::Relay => 1,
        AccountKind::Zai => 2,
        AccountKind::ProviderKey => 3,
    }
}

fn entry(id: &str, kind: Kind, text: &str) -> Entry {
    Entry {
        id: id.to_owned(),
        kind,
        text: text.to_owned(),
        urgent: text.to_owned(),
    }
}

fn line(id: &str) -> Entry {
    entry(id, Kind::Line, "")
}

fn button(id: &str, text: &str) -> Entry {
    entry(id, Kind::Button, text)
}

fn check(id: &str, text: &str, on: bool, enabled: bool) -> Entry {
    entry(id, Kind::Check { on, enabled }, text)
}

fn menu(id: &str, text: &str, entries: Vec<Entry>) -> Entry {
    entry(id, Kind::Menu(entries), text)
}

fn copy(what: &str, text: &str) -> Entry {
    button(&format!("{}{what}", id::COPY), text)
}

#[cfg(test)]
mod tests;
