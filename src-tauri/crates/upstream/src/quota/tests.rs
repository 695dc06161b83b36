use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use pool::{QuotaSource, QuotaWindow, Timestamp};

use super::{WindowKind, quota_from_event, quota_from_headers, quota_from_usage};

const NOW: Timestamp = Timestamp(1_789_000_000_000);

fn headers(rows: &[(&'static str, &'static str)]) -> HeaderMap {
    rows.iter()
        .map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v)))
        .collect()
}

fn window(used_percent: f64, secs: Option<u64>, reset_secs: Option<i64>) -> Option<QuotaWindow> {
    Some(QuotaWindow {
        used_percent,
        length: secs.map(Duration::from_secs),
        resets_at: reset_secs.map(Timestamp::from_secs),
    })
}

#[test]
fn f67_headers() {
    let quota = quota_from_headers(
        &headers(&[
            ("x-codex-plan-type", "plus"),
            ("x-codex-primary-used-percent", "42.5"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-at", "1790000000"),
            ("x-codex-secondary-used-percent", "5"),
            ("x-codex-secondary-window-minutes", "10080"),
            ("x-codex-secondary-reset-after-seconds", "60"),
            ("x-codex-credits-has-credits", "True"),
            ("x-codex-credits-unlimited", "0"),
            ("x-codex-credits-balance", "12.50"),
            ("x-codex-other-primary-used-percent", "7"),
            ("x-codex-other-primary-window-minutes", "60"),
        ]),
        NOW,
    )
    .unwrap();
    assert_eq!(quota.plan.as_deref(), Some("plus"));
    assert_eq!(
        quota.primary,
        window(42.5, Some(18_000), Some(1_790_000_000))
    );
    assert_eq!(
        quota.secondary,
        window(5.0, Some(604_800), Some(1_789_000_060))
    );
    let credits = quota.credits.unwrap();
    assert_eq!(
        (credits.has, credits.unlimited, credits.balance.as_deref()),
        (true, false, Some("12.50"))
    );
    assert_eq!(quota.buckets.len(), 1);
    assert_eq!(quota.buckets[0].name, "codex_other");
    assert_eq!(quota.buckets[0].primary, window(7.0, Some(3600), None));
    assert_eq!(
        (quota.captured_at, quota.source),
        (NOW, QuotaSource::Header)
    );
}

#[test]
fn f67_headers_that_say_nothing() {
    let empty = [
        ("x-codex-primary-used-percent", "0"),
        ("x-codex-primary-window-minutes", "0"),
        ("x-codex-primary-reset-at", ""),
        ("x-codex-secondary-used-percent", ""),
        ("x-codex-credits-balance", ""),
        ("x-codex-credits-has-credits", ""),
    ];
    assert_eq!(quota_from_headers(&headers(&empty), NOW), None);
    assert_eq!(
        quota_from_headers(
            &headers(&[("x-request-id", "r"), ("content-type", "x")]),
            NOW
        ),
        None
    );
    assert_eq!(
        quota_from_headers(&headers(&[("x-codex-primary-used-percent", "NaN")]), NOW),
        None
    );
    let full = [
        ("x-codex-primary-used-percent", "100"),
        ("x-codex-primary-window-minutes", "0"),
    ];
    assert_eq!(
        quota_from_headers(&headers(&full), NOW).unwrap().primary,
        window(100.0, None, None)
    );
}

#[test]
fn f67_a_limit_of_another_name_alone_is_read() {
    for name in [
        "x-spark-primary-used-percent",
        "x-spark-secondary-used-percent",
    ] {
        let quota = quota_from_headers(&headers(&[(name, "7")]), NOW).unwrap();
        assert_eq!(quota.buckets.len(), 1, "{name}");
        assert_eq!(quota.buckets[0].name, "spark", "{name}");
    }
}

#[test]
fn f67_stream_event() {
    let event = br#"{"type":"codex.rate_limits","plan_type":"plus","metered_limit_name":"codex","rate_limits":{"primary":
        {"used_percent":42.0,"window_minutes":300,"reset_at":1790000000},"secondary":null},
        "credits":{"has_credits":false,"unlimited":false,"balance":null}}"#;
    let quota = quota_from_event(event, NOW).unwrap();
    assert_eq!(
        quota.primary,
        window(42.0, Some(18_000), Some(1_790_000_000))
    );
    assert_eq!((quota.secondary, quota.source), (None, QuotaSource::Stream));
    assert!(!quota.credits.unwrap().has);
    let other = br#"{"type":"codex.rate_limits","metered_limit_name":"codex-spark","rate_limits":{"primary":{"used_percent":"9"}}}"#;
    let quota = quota_from_event(other, NOW).unwrap();
    assert_eq!(quota.primary, None);
    assert_eq!(quota.buckets[0].name, "codex_spark");
    for ordinary in [
        &br#"{"type":"response.created"}"#[..],
        br#"{"type":"x","delta":"codex.rate_limits"}"#,
        b"[DONE]",
        b"",
    ] {
        assert_eq!(quota_from_event(ordinary, NOW), None);
    }
}

#[test]
fn f68_usage_answer() {
    let body = br#"{"plan_type":"plus","rate_limit":{"allowed":true,"limit_reached":false,
        "primary_window":{"used_percent":42,"limit_window_seconds":18000,"reset_after_seconds":120,"reset_at":1790000000},
        "secondary_window":null},
        "additional_rate_limits":[{"limit_name":"GPT-X","metered_feature":"codex_other","rate_limit":
          {"primary_window":{"used_percent":3,"limit_window_seconds":604800},"secondary_window":null}},
          {"limit_name":"empty","rate_limit":null}],
        "credits":{"has_credits":true,"unlimited":false,"balance":12.5},"rate_limit_reached_type":null}"#;
    let quota = quota_from_usage(body, NOW).unwrap();
    assert_eq!(
        quota.primary,
        window(42.0, Some(18_000), Some(1_790_000_000))
    );
    assert_eq!(quota.secondary, None);
    assert_eq!(quota.buckets.len(), 1);
    assert_eq!(quota.credits.unwrap().balance.as_deref(), Some("12.5"));
    assert_eq!(quota.source, QuotaSource::Query);
    // Every block may be absent or null.
    for body in [
        &br#"{}"#[..],
        br#"{"rate_limit":null,"credits":null,"additional_rate_limits":null,"plan_type":null}"#,
    ] {
        assert!(quota_from_usage(body, NOW).unwrap().primary.is_none());
    }
    assert_eq!(quota_from_usage(b"<html>", NOW), None);
}

#[test]
fn windows_by_length_not_by_slot() {
    for (secs, kind) in [
        (18_000, WindowKind::FiveHours),
        (17_900, WindowKind::FiveHours),
        (604_800, WindowKind::Weekly),
        (28 * 86_400, WindowKind::Monthly),
        (31 * 86_400, WindowKind::Monthly),
        (3600, WindowKind::Other),
        (86_400, WindowKind::Other),
        (0, WindowKind::Other),
    ] {
        assert_eq!(WindowKind::of(Duration::from_secs(secs)), kind, "{secs}");
    }
}
