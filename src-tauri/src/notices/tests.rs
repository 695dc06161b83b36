use super::*;

/// 24 November 2026, 12:00:00 UTC.
const NOON: i64 = 1_795_521_600_000;
const HOUR: i64 = 3_600_000;

fn notice(kind: NoticeKind) -> Notice {
    let named = |id: &str| Some((id.to_owned(), format!("{id}@example.com")));
    Notice {
        kind,
        at: Timestamp(NOON),
        account: named("work"),
        other: (kind == NoticeKind::Switched)
            .then(|| named("home"))
            .flatten(),
        reason: Some(
            match kind {
                NoticeKind::QuotaWarning => "7d",
                _ => "exhausted",
            }
            .to_owned(),
        ),
        back_at: Some(Timestamp(NOON + 6 * HOUR)),
        percent: Some(80),
        port: Some((8787, 8788)),
    }
}

fn written(notice: &Notice, language: Language, hide_emails: bool) -> Message {
    message(&Words {
        notice,
        language,
        zone: &TimeZone::UTC,
        hide_emails,
    })
}

#[test]
fn every_notice_has_words_in_both_languages() {
    for kind in NoticeKind::ALL {
        let notice = notice(kind);
        let (en, zh) = (
            written(&notice, Language::En, false),
            written(&notice, Language::Zh, false),
        );
        assert!(en.summary.is_ascii() && en.body.is_ascii(), "{en:?}");
        assert!(!zh.summary.is_ascii() && !zh.body.is_ascii(), "{zh:?}");
        assert_eq!((en.tag, en.click), (zh.tag, zh.click));
    }
}

#[test]
fn a_switch_names_both_accounts_why_and_until_when() {
    // R9
    let mut notice = notice(NoticeKind::Switched);
    let told = written(&notice, Language::En, false);
    assert_eq!(told.summary, "Switched to home@example.com");
    assert_eq!(
        told.body,
        "work@example.com was left: its quota is used up. It is back at 18:00."
    );
    assert_eq!(told.click, Click::Account("home".to_owned()));
    let buttons: Vec<_> = told
        .buttons
        .iter()
        .map(|(label, _)| label.as_str())
        .collect();
    assert_eq!(buttons, ["Undo", "Pin"]);
    assert_eq!(told.buttons[1].1, Click::Pin("home".to_owned()));

    notice.back_at = Some(Timestamp(NOON + 50 * HOUR));
    let told = written(&notice, Language::En, true);
    assert!(
        told.body.ends_with("It is back at 26 Nov."),
        "{}",
        told.body
    );
    assert_eq!(told.summary, "Switched to h…@e…");
    assert!(!format!("{told:?}").contains("example"));
}

#[test]
fn newer_news_take_the_place_of_older_ones() {
    let tag = |kind| written(&notice(kind), Language::En, false).tag;
    assert_eq!(tag(NoticeKind::Switched), "switched");
    assert_eq!(tag(NoticeKind::NeedsSignIn), tag(NoticeKind::Recovered));
    assert_eq!(tag(NoticeKind::QuotaWarning), "quota_warning:work");
}
