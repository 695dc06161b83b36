//! The engine's notices as notifications: their words in the person's language, and what a click on them does.
//!
//! Whether and how often something is told is decided by the engine (F143). Never a secret: notices hold labels only.

use std::sync::Arc;

use engine::{AccountChange, EngineEvent, Notice, NoticeKind, Timestamp};
use jiff::tz::TimeZone;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::content;
use crate::language::Language;
use crate::notifier::{Click, Message};
use crate::shell::Shell;
use crate::window::Window;

/// Shows notices and does what is clicked, until the engine ends. `events`: subscribed before anything could be told.
pub(crate) fn follow(shell: &Arc<Shell>, window: Arc<Window>, mut events: Receiver<EngineEvent>) {
    let teller = shell.clone();
    shell.runtime.spawn(async move {
        loop {
            match events.recv().await {
                Ok(EngineEvent::Notice(notice)) => tell(&teller, &notice).await,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    let mut clicks = shell.notifier.clicks();
    let doer = shell.clone();
    shell.runtime.spawn(async move {
        while let Some(click) = clicks.recv().await {
            act(&doer, &window, click).await;
        }
    });
}

async fn tell(shell: &Shell, notice: &Notice) {
    let message = message(&Words {
        notice,
        language: shell.language(),
        zone: &TimeZone::system(),
        hide_emails: shell.is_on("ui.hide_emails"),
    });
    shell.notifier.show(message).await;
}

async fn act(shell: &Shell, window: &Arc<Window>, click: Click) {
    let engine = &shell.engine;
    let done = match click {
        Click::Open => return window.show(None),
        Click::Account(id) => return window.show(Some(format!("#/accounts/{id}"))),
        Click::Undo => engine.undo_switch().await.map(drop),
        // An account that is left out of automatic switches is not left by itself either.
        Click::Pin(id) => {
            let change = AccountChange {
                excluded: Some(true),
                ..AccountChange::default()
            };
            engine.change_account(&id, change).await.map(drop)
        }
    };
    if let Err(error) = done {
        tracing::warn!(%error, "what was clicked on a notification could not be done");
        window.show(None);
    }
}

/// What a message is made of.
struct Words<'a> {
    notice: &'a Notice,
    language: Language,
    zone: &'a TimeZone,
    hide_emails: bool,
}

impl Words<'_> {
    fn label(&self, account: &Option<(String, String)>) -> String {
        let Some((_, label)) = account else {
            return self.language.pick("An account", "一个账号").to_owned();
        };
        if self.hide_emails {
            content::mask(label)
        } else {
            label.clone()
        }
    }

    fn time(&self, at: Timestamp) -> String {
        content::time(at, self.notice.at, self.zone)
    }

    /// Why an account was left or stopped, in a few words; an unknown code speaks for itself.
    fn reason(&self) -> String {
        let Some(reason) = self.notice.reason.as_deref() else {
            return String::new();
        };
        let say = |en: &str, zh: &str| self.language.pick(en, zh).to_owned();
        match reason {
            "exhausted" => say("its quota is used up", "额度已用尽"),
            "reserve" => say("only its reserve is left", "只剩保留额度"),
            "threshold" => say("it reached its threshold", "已达到阈值"),
            "needs_login" => say("it must be signed in again", "需要重新登录"),
            "unauthorized" => say("its key is refused", "密钥被拒绝"),
            "no_credential" => say("it has no credential", "没有凭据"),
            "forbidden" => say("the provider refuses it", "被提供方拒绝"),
            "banned" => say("the provider closed it", "已被提供方停用"),
            "switch_back" => say("your account is back", "您的账号已恢复"),
            other => other.replace('_', " "),
        }
    }
}

/// The notification of a notice.
fn message(words: &Words<'_>) -> Message {
    let notice = words.notice;
    let say = |en: String, zh: String| words.language.pick(en, zh);
    let account = words.label(&notice.account);
    let back = notice.back_at.map(|at| words.time(at));
    let id = notice.account.as_ref().map(|(id, _)| id.clone());
    let mut click = id.clone().map_or(Click::Open, Click::Account);
    let mut buttons = Vec::new();
    let (summary, body) = match notice.kind {
        NoticeKind::Switched => {
            let other = words.label(&notice.other);
            buttons.push((say("Undo".into(), "撤销".into()), Click::Undo));
            if let Some((id, _)) = &notice.other {
                click = Click::Account(id.clone());
                buttons.push((say("Pin".into(), "固定".into()), Click::Pin(id.clone())));
            }
            let reason = words.reason();
            let back_en = back
                .as_ref()
                .map_or(String::new(), |at| format!(" It is back at {at}."));
            let back_zh = back
                .as_ref()
                .map_or(String::new(), |at| format!("{at} 恢复。"));
            (
                say(format!("Switched to {other}"), format!("已切换到 {other}")),
                say(
                    format!("{account} was left: {reason}.{back_en}"),
                    format!("已离开 {account}：{reason}。{back_zh}"),
                ),
            )
        }
        NoticeKind::QuotaWarning => {
            let percent = notice.percent.unwrap_or_default();
            let window = notice.reason.as_deref().unwrap_or_default();
            let window = if window == "7d" {
                words.language.pick("weekly", "每周")
            } else {
                window
            };
            let until_en = back
                .as_ref()
                .map_or(String::new(), |at| format!(" It starts afresh at {at}."));
            let until_zh = back
                .as_ref()
                .map_or(String::new(), |at| format!("{at} 重置。"));
            (
                say(
                    format!("{account}: {percent} % used"),
                    format!("{account}：已用 {percent} %"),
                ),
                say(
                    format!("Of its {window} quota.{until_en}"),
                    format!("{window} 额度。{until_zh}"),
                ),
            )
        }
        NoticeKind::AllExhausted => {
            click = Click::Open;
            (
                say(
                    "No account has quota left".into(),
                    "所有账号的额度均已用尽".into(),
                ),
                match back {
                    Some(at) => say(
                        format!("The first one is back at {at}. Until then requests are refused."),
                        format!("最早 {at} 恢复，在此之前请求会被拒绝。"),
                    ),
                    None => say("Requests are refused.".into(), "请求会被拒绝。".into()),
                },
            )
        }
        NoticeKind::NeedsSignIn => (
            say(
                format!("{account} must be signed in again"),
                format!("{account} 需要重新登录"),
            ),
            say(
                "It serves no requests until then. Click to open it.".into(),
                "在此之前它不处理请求。点击打开。".into(),
            ),
        ),
        NoticeKind::Recovered => (
            say(format!("{account} is back"), format!("{account} 已恢复")),
            say(
                "It serves requests again.".into(),
                "它可以继续处理请求。".into(),
            ),
        ),
        NoticeKind::BalanceLow => (
            say(
                format!("{account}: balance low"),
                format!("{account}：余额不足"),
            ),
            say(
                "It has come down to its threshold. The account serves again when there is more."
                    .into(),
                "余额已降至阈值，充值后该账号会自动恢复服务。".into(),
            ),
        ),
        NoticeKind::PortChanged => {
            let (wanted, used) = notice.port.unwrap_or_default();
            click = Click::Open;
            (
                say(
                    format!("Switchyard serves on port {used}"),
                    format!("Switchyard 正在端口 {used} 上服务"),
                ),
                say(
                    format!(
                        "Port {wanted} is taken by another program. Clients must use the new address: the tray's Copy menu has it."
                    ),
                    format!(
                        "端口 {wanted} 已被其他程序占用。客户端需要使用新地址，可从托盘的“复制”菜单取得。"
                    ),
                ),
            )
        }
    };
    let tag = match (notice.kind, id) {
        // One at a time: an undo means the last switch.
        (NoticeKind::Switched, _) | (_, None) => notice.kind.code().to_owned(),
        // An account that is back takes the place of the news that it was gone.
        (NoticeKind::NeedsSignIn | NoticeKind::Recovered | NoticeKind::BalanceLow, Some(id)) => {
            format!("state:{id}")
        }
        (kind, Some(id)) => format!("{}:{id}", kind.code()),
    };
    Message {
        tag,
        summary,
        body,
        click,
        buttons,
        urgent: matches!(
            notice.kind,
            NoticeKind::AllExhausted | NoticeKind::NeedsSignIn
        ),
    }
}

#[cfg(test)]
mod tests;
