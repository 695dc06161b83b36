//! The words of the tray's changing items: short, escaped, and true at one instant.

use engine::{QuotaWindow, Timestamp};
use jiff::tz::TimeZone;

use super::{Entry, Kind, Row, Scene};

/// Longest label of a menu item in characters (R5).
pub(super) const LONGEST: usize = 40;
/// What is left of a name at least, before anything else is left out.
const NAME: usize = 8;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The first line: the state, the address, the load.
pub(super) fn status(scene: &Scene<'_>) -> Entry {
    let say = |en, zh| scene.language.pick(en, zh);
    let state = match () {
        () if !scene.serving => say("Stopped", "已停止"),
        () if scene.paused.is_some() => say("Paused", "已暂停"),
        () if scene.accounts.is_empty() => say("No account", "没有账号"),
        () if scene.offline => say("Offline", "离线"),
        () => say("Running", "运行中"),
    };
    let until = scene.paused.flatten().map(|at| clock(scene, at));
    let address = scene.url.trim_start_matches("http://");
    let mut urgent = format!("{state} · {address}");
    if let Some(until) = until {
        urgent.push_str(&format!(" · {}{until}", say("until ", "至 ")));
    }
    let text = match scene.running {
        0 => urgent.clone(),
        n => format!("{urgent} · {n} {}", requests(scene, n)),
    };
    Entry {
        id: "status".to_owned(),
        kind: Kind::Label,
        text: cut(&text, LONGEST),
        urgent,
    }
}

fn requests(scene: &Scene<'_>, count: usize) -> &'static str {
    scene
        .language
        .pick(if count == 1 { "request" } else { "requests" }, "个请求")
}

/// The second line: who serves now. Nothing where nobody does.
pub(super) fn now(scene: &Scene<'_>) -> Option<Entry> {
    let account = serving(scene)?;
    let (begin, name) = (scene.language.pick("Now: ", "当前："), name(scene, account));
    let mut tail = windows(scene, account, false);
    if let Some(at) = next_reset(scene, account) {
        tail.push(format!("↻ {}", clock(scene, at)));
    }
    let name_room = LONGEST - begin.chars().count();
    let text = fit(&name, &tail, name_room);
    Some(Entry {
        id: "now".to_owned(),
        kind: Kind::Label,
        urgent: format!("{begin}{name}"),
        text: format!("{begin}{text}"),
    })
}

/// The account in use: the chosen one, or the last one that served.
fn serving<'a>(scene: &'a Scene<'_>) -> Option<&'a Row> {
    let accounts = &scene.accounts;
    if !scene.automatic {
        return accounts.iter().find(|account| account.active);
    }
    accounts
        .iter()
        .filter(|account| account.last_used_at.is_some())
        .max_by_key(|account| account.last_used_at)
}

/// One account's label, and what of it may not wait.
pub(super) fn account(scene: &Scene<'_>, account: &Row) -> (String, String) {
    let name = name(scene, account);
    let say = |en: &str, zh: &str| scene.language.pick(en, zh).to_owned();
    let problem = match account.health {
        "needs_login" => Some(say("sign in again", "需要重新登录")),
        "banned" => Some(say("closed", "已被停用")),
        "attention" => Some(say("failing", "出错")),
        _ => None,
    };
    let tail = match problem {
        _ if !account.enabled => vec![say("off", "已关闭")],
        Some(problem) => vec![problem],
        None => {
            let back = account.usable_again_at.filter(|at| *at > scene.now);
            let mut tail = windows(scene, account, back.is_some());
            if tail.is_empty() {
                tail.extend(balance(account));
            }
            if let Some(at) = back {
                let at = clock(scene, at);
                tail.push(
                    scene
                        .language
                        .pick(format!("back {at}"), format!("{at} 恢复")),
                );
            }
            tail
        }
    };
    (fit(&name, &tail, LONGEST), name)
}

/// The tooltip: who serves and what is left (F139).
pub(super) fn tooltip(scene: &Scene<'_>) -> String {
    let Some(account) = serving(scene) else {
        return "Switchyard".to_owned();
    };
    let mut parts = vec![name(scene, account).replace("&&", "&")];
    parts.extend(windows(scene, account, false));
    format!("Switchyard\n{}", parts.join(" · "))
}

/// What is left in each known window; `empty_only` leaves out those that are not what one waits for.
fn windows(scene: &Scene<'_>, account: &Row, empty_only: bool) -> Vec<String> {
    let Some(quota) = &account.quota else {
        return Vec::new();
    };
    let both = [quota.primary, quota.secondary].into_iter().flatten();
    let known = both.filter_map(|window| {
        let used = window.known_percent(scene.now)?.clamp(0.0, 100.0);
        (!empty_only || used >= 100.0).then(|| {
            let percent = if scene.used { used } else { 100.0 - used };
            format!("{} {percent:.0} %", length(scene, &window))
        })
    });
    known.collect()
}

/// A window's short name.
fn length(scene: &Scene<'_>, window: &QuotaWindow) -> String {
    let hours = window.length.map_or(0, |length| length.as_secs() / 3600);
    match hours {
        0 => scene.language.pick("quota", "额度").to_owned(),
        168 => scene.language.pick("wk", "周").to_owned(),
        hours if hours >= 48 => format!("{}d", hours / 24),
        hours => format!("{hours}h"),
    }
}

fn next_reset(scene: &Scene<'_>, account: &Row) -> Option<Timestamp> {
    let quota = account.quota.as_ref()?;
    let both = [quota.primary, quota.secondary].into_iter().flatten();
    both.filter_map(|window| window.resets_at)
        .filter(|at| *at > scene.now)
        .min()
}

/// What a relay says is left, in its own spelling.
fn balance(account: &Row) -> Option<String> {
    let credits = account.quota.as_ref()?.credits.as_ref()?;
    credits.balance.clone()
}

fn clock(scene: &Scene<'_>, at: Timestamp) -> String {
    time(at, scene.now, scene.zone)
}

/// `18:40` within a day, else `24 Nov`.
pub(crate) fn time(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else {
        return "?".to_owned();
    };
    let near = at.0 - now.0 < DAY;
    let form = if near { "%H:%M" } else { "%-d %b" };
    instant.to_zoned(zone.clone()).strftime(form).to_string()
}

/// The account's name, clean and escaped.
fn name(scene: &Scene<'_>, account: &Row) -> String {
    let label = if scene.hide_emails && account.label.contains('@') {
        mask(&account.label)
    } else {
        account.label.clone()
    };
    // A line break or a control character would tear the menu; `&` marks a letter to type.
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    label
        .chars()
        .map(clean)
        .collect::<String>()
        .replace('&', "&&")
}

/// `w…@e…`: enough to tell one's own accounts apart.
pub(crate) fn mask(label: &str) -> String {
    let Some((local, domain)) = label.split_once('@') else {
        return label.to_owned();
    };
    let first = |text: &str| text.chars().take(1).collect::<String>();
    format!("{}…@{}…", first(local), first(domain))
}

/// Name and tail in `room` characters. The name is cut first, then the tail loses what stands last.
fn fit(name: &str, tail: &[String], room: usize) -> String {
    let mut tail: Vec<&str> = tail.iter().map(String::as_str).collect();
    let length = |tail: &[&str]| {
        tail.iter()
            .map(|part| part.chars().count() + 2)
            .sum::<usize>()
    };
    while length(&tail) + NAME > room && tail.len() > 1 {
        tail.pop();
    }
    let mut text = cut(name, room.saturating_sub(length(&tail)));
    for part in tail {
        text.push_str("  ");
        text.push_str(part);
    }
    text
}

/// At most so many characters; a doubled `&` is one and is not torn apart.
fn cut(text: &str, room: usize) -> String {
    let shown: Vec<char> = text.replace("&&", "\u{0}").chars().collect();
    let mut kept: String = shown.iter().take(room).collect();
    if shown.len() > room {
        kept.pop();
        kept.push('…');
    }
    kept.replace('\u{0}', "&&")
}
