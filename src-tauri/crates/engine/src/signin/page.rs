//! The pages that the local address of a sign-in shows: plain, without scripts and remote content, in English or Chinese.
//!
//! Pure. No page holds a token, a code or a state. Called by `callback`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color-scheme:light dark;max-width:32rem;margin:15vh auto;padding:0 1.5rem}h1{font-size:1.4rem}";

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page<'a> {
    /// Signed in.
    Done,
    /// Another account than the expected one; the application asks what to do.
    Other,
    /// It did not work; the text may come from outside.
    Failed(&'a str),
    /// Ended before: too late, or given up.
    Over,
    /// The `state` is another sign-in's.
    WrongState,
    /// There is neither a code nor an error.
    NoCode,
    /// Nothing is here.
    NotFound,
}

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

impl Language {
    /// The first language of an `Accept-Language` header that there are pages in; order and weight count, English otherwise.
    pub(super) fn of(header: &str) -> Self {
        let mut best = (Self::English, 0.0);
        for part in header.split(',') {
            let mut pieces = part.trim().split(';');
            let tag = pieces
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase();
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q=")?.parse::<f32>().ok())
                .unwrap_or(1.0);
            let language = match tag.split('-').next().unwrap_or_default() {
                "zh" => Self::Chinese,
                "en" => Self::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// Title and text of a page.
fn words(page: &Page<'_>, language: Language) -> (&'static str, String) {
    let (title, text) = match (page, language) {
        (Page::Done, Language::English) => (
            "Signed in",
            "You can close this page and return to Switchyard.",
        ),
        (Page::Done, Language::Chinese) => ("登录成功", "可以关闭此页面并返回 Switchyard。"),
        (Page::Other, Language::English) => (
            "Another account signed in",
            "Return to Switchyard: it says which one, and what you can do.",
        ),
        (Page::Other, Language::Chinese) => (
            "登录的是另一个账号",
            "请返回 Switchyard，那里会说明是哪个账号以及可以怎么做。",
        ),
        (Page::Failed(why), Language::English) => {
            return (
                "The sign-in did not work",
                format!(
                    "{why} Return to Switchyard to begin again.",
                    why = sentence(why)
                ),
            );
        }
        (Page::Failed(why), Language::Chinese) => {
            return (
                "登录失败",
                format!("{why} 请返回 Switchyard 重新开始。", why = sentence(why)),
            );
        }
        (Page::Over, Language::English) => (
            "This sign-in has ended",
            "Return to Switchyard and begin a new one.",
        ),
        (Page::Over, Language::Chinese) => ("此次登录已结束", "请返回 Switchyard 重新开始登录。"),
        (Page::WrongState, Language::English) => (
            "This belongs to another sign-in",
            "Its state is not the expected one. Use the page that Switchyard opened last.",
        ),
        (Page::WrongState, Language::Chinese) => (
            "这属于另一次登录",
            "state 不匹配。请使用 Switchyard 最近打开的页面。",
        ),
        (Page::NoCode, Language::English) => (
            "The code is missing",
            "The address holds no code. Begin the sign-in again in Switchyard.",
        ),
        (Page::NoCode, Language::Chinese) => (
            "缺少代码",
            "地址中没有代码。请在 Switchyard 中重新开始登录。",
        ),
        (Page::NotFound, Language::English) => ("Not found", "There is nothing here."),
        (Page::NotFound, Language::Chinese) => ("未找到", "这里没有内容。"),
    };
    (title, text.to_owned())
}

/// The text as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    let mut sentence = first.unwrap_or_default() + chars.as_str();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// The whole document.
pub(super) fn html(page: &Page<'_>, language: Language) -> String {
    let (title, text) = words(page, language);
    let tag = match language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    };
    format!(
        "<!doctype html><html lang=\"{tag}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Switchyard</title><style>{STYLE}</style></head><body><h1>{title}</h1><p>{text}</p></body></html>",
        text = escape(&text)
    )
}

/// The policy that goes with [`html`]: its one style sheet and nothing else.
pub(super) fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_browsers() {
        for (header, expected) in [
            ("", Language::English),
            ("en-GB,en;q=0.9", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("zh", Language::Chinese),
            ("ZH-Hant-TW", Language::Chinese),
            ("en;q=0.5, zh;q=0.9", Language::Chinese),
            ("en, zh", Language::English),
            ("de-DE, zh;q=0.3, en;q=0.2", Language::Chinese),
            ("de, *", Language::English),
        ] {
            assert_eq!(Language::of(header), expected, "{header}");
        }
    }

    #[test]
    fn f3_pages_hold_nothing_but_words() {
        let evil = "<script>alert(1)</script> \"'&";
        let pages = [
            Page::Done,
            Page::Other,
            Page::Failed(evil),
            Page::Over,
            Page::WrongState,
            Page::NoCode,
            Page::NotFound,
        ];
        for page in pages {
            for language in [Language::English, Language::Chinese] {
                let html = html(&page, language);
                for never in [
                    "<script", "http:", "https:", "src=", "href=", "@import", "url(",
                ] {
                    assert!(!html.contains(never), "{page:?} {never}");
                }
            }
        }
        assert!(html(&Page::Done, Language::English).contains("return to Switchyard"));
        assert!(html(&Page::Done, Language::Chinese).contains("返回 Switchyard"));
        assert!(policy().starts_with("default-src 'none'; style-src 'sha256-"));
    }
}
