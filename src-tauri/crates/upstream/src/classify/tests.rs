use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pool::{Format, Outcome, Timestamp};

use super::{classify, classify_event, error_message, retry_after};

/// 2026-09-14T00:00:00Z
const NOW: Timestamp = Timestamp(1_789_344_000_000);

fn headers(rows: &[(&'static str, &'static str)]) -> HeaderMap {
    rows.iter()
        .map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v)))
        .collect()
}

fn check(status: u16, rows: &[(&'static str, &'static str)], body: &str, want: Outcome) {
    let got = classify(
        Format::Codex,
        StatusCode::from_u16(status).unwrap(),
        &headers(rows),
        body.as_bytes(),
        NOW,
    );
    assert_eq!(got, want, "{status} {rows:?} {body}");
}

fn after(secs: i64) -> Option<Timestamp> {
    Some(Timestamp(NOW.0 + secs * 1000))
}

const JSON: (&str, &str) = ("content-type", "application/json");
const HTML: (&str, &str) = ("content-type", "text/html; charset=UTF-8");

#[test]
fn f52_statuses() {
    let err = r#"{"error":{"message":"x","type":"t","code":"c"}}"#;
    check(
        200,
        &[("content-type", "text/event-stream")],
        "data: {}\n\n",
        Outcome::Success,
    );
    check(
        200,
        &[JSON],
        r#"{"choices":[{"message":{"content":"\"error\""}}]}"#,
        Outcome::Success,
    );
    check(204, &[], "", Outcome::Success);
    check(400, &[JSON], err, Outcome::InvalidRequest { status: 400 });
    check(401, &[JSON], err, Outcome::Unauthorized);
    check(401, &[HTML], "<html>", Outcome::Unauthorized);
    check(402, &[JSON], err, Outcome::PaymentRequired);
    check(403, &[JSON], err, Outcome::Forbidden);
    check(403, &[], "", Outcome::Forbidden);
    check(404, &[JSON], err, Outcome::InvalidRequest { status: 404 });
    check(408, &[], "", Outcome::Timeout);
    check(409, &[JSON], err, Outcome::ServerError { status: 409 });
    check(413, &[JSON], err, Outcome::InvalidRequest { status: 413 });
    check(422, &[JSON], err, Outcome::InvalidRequest { status: 422 });
    check(429, &[JSON], err, Outcome::RateLimited { retry_at: None });
    for status in [500, 502, 503, 504, 520, 524] {
        check(status, &[JSON], err, Outcome::ServerError { status });
        check(
            status,
            &[HTML],
            "<html>down</html>",
            Outcome::ServerError { status },
        );
    }
    check(
        529,
        &[JSON],
        r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
        Outcome::Overloaded { retry_at: None },
    );
}

#[test]
fn f52_both_envelopes_are_read() {
    check(
        400,
        &[JSON],
        r#"{"detail":"Store must be set to false"}"#,
        Outcome::InvalidRequest { status: 400 },
    );
    let model = "The 'gpt-x' model is not supported when using Codex with a ChatGPT account.";
    check(
        400,
        &[JSON],
        &format!(r#"{{"detail":"{model}"}}"#),
        Outcome::ModelUnsupported,
    );
    check(
        400,
        &[JSON],
        &format!(r#"{{"error":{{"message":"{model}"}}}}"#),
        Outcome::ModelUnsupported,
    );
    check(
        404,
        &[JSON],
        r#"{"error":{"code":"model_not_found","message":"no"}}"#,
        Outcome::ModelUnsupported,
    );
    check(
        404,
        &[JSON],
        r#"{"detail":"Model not found"}"#,
        Outcome::ModelUnsupported,
    );
    check(
        403,
        &[JSON],
        r#"{"error":{"code":"model_not_found"}}"#,
        Outcome::ModelUnsupported,
    );
    check(
        400,
        &[JSON],
        r#"{"error":{"code":"invalid_encrypted_content"}}"#,
        Outcome::InvalidEncryptedContent,
    );
    check(
        404,
        &[JSON],
        r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#,
        Outcome::ModelUnsupported,
    );
    // Plain text is read too.
    check(400, &[], "model not found", Outcome::ModelUnsupported);
}

#[test]
fn f52_web_pages() {
    check(
        403,
        &[HTML],
        "<html>Just a moment</html>",
        Outcome::Challenge,
    );
    check(
        403,
        &[],
        "  <!DOCTYPE html><title>blocked</title>",
        Outcome::Challenge,
    );
    check(
        403,
        &[("cf-mitigated", "challenge")],
        "",
        Outcome::Challenge,
    );
    check(
        503,
        &[("cf-mitigated", "challenge"), HTML],
        "<html>",
        Outcome::Challenge,
    );
    check(200, &[HTML], "<html>welcome</html>", Outcome::NotAnApi);
    check(200, &[JSON], "\u{feff}<!doctype HTML>", Outcome::NotAnApi);
    check(404, &[HTML], "<html>not here</html>", Outcome::NotAnApi);
    check(405, &[HTML], "<html>", Outcome::NotAnApi);
    // F31: a redirect is never followed.
    check(
        302,
        &[("location", "https://elsewhere.example.com/")],
        "",
        Outcome::NotAnApi,
    );
    check(404, &[], "", Outcome::Challenge);
    let relay = classify(
        Format::OpenAi,
        StatusCode::NOT_FOUND,
        &HeaderMap::new(),
        b"",
        NOW,
    );
    assert_eq!(relay, Outcome::InvalidRequest { status: 404 });
}

#[test]
fn f53_usage_limit_in_every_place() {
    let told = Outcome::UsageLimit {
        resets_at: after(602_705),
    };
    for kind in [
        "usage_limit_reached",
        "usage_limit_exceeded",
        "billing_hard_cap_reached",
        "insufficient_quota",
    ] {
        for status in [429, 403, 400] {
            let by_type = format!(r#"{{"error":{{"type":"{kind}","resets_in_seconds":602705}}}}"#);
            check(status, &[JSON], &by_type, told);
            let by_code = format!(r#"{{"error":{{"code":"{kind}","resets_in_seconds":602705}}}}"#);
            check(status, &[JSON], &by_code, told);
            let nested = format!(
                r#"{{"response":{{"error":{{"type":"{kind}","resets_in_seconds":602705}}}}}}"#
            );
            check(status, &[JSON], &nested, told);
        }
    }
    let words = r#"{"detail":"The usage limit has been reached"}"#;
    check(429, &[JSON], words, Outcome::UsageLimit { resets_at: None });
    check(403, &[JSON], words, Outcome::UsageLimit { resets_at: None });
    check(
        200,
        &[JSON],
        r#"{"error":{"type":"usage_limit_reached"}}"#,
        Outcome::UsageLimit { resets_at: None },
    );
    check(
        429,
        &[JSON],
        r#"{"error":{"type":"usage_not_included"}}"#,
        Outcome::PaymentRequired,
    );
    // eyJlcnJvciI6… = {"error":{"code":"usage_limit_reached"}}
    let hidden = (
        "x-error-json",
        "eyJlcnJvciI6eyJjb2RlIjoidXNhZ2VfbGltaXRfcmVhY2hlZCJ9fQ==",
    );
    check(429, &[hidden], "", Outcome::UsageLimit { resets_at: None });
}

#[test]
fn f53_order_of_reset_times() {
    let limit = |fields: &str| format!(r#"{{"error":{{"type":"usage_limit_reached"{fields}}}}}"#);
    let all = [
        ("retry-after", "300"),
        ("x-codex-primary-used-percent", "100"),
        ("x-codex-primary-reset-at", "1789345000"),
    ];
    let is = |rows: &[_], fields: &str, secs: i64| {
        check(
            429,
            rows,
            &limit(fields),
            Outcome::UsageLimit {
                resets_at: after(secs),
            },
        );
    };
    is(
        &all,
        r#","resets_at":1789344100,"resets_in_seconds":200"#,
        100,
    );
    is(&all, r#","resets_in_seconds":200"#, 200);
    is(&all, "", 300);
    is(&all[1..], "", 1000);
    check(
        429,
        &[],
        &limit(""),
        Outcome::UsageLimit { resets_at: None },
    );
    // A reset that has passed, or lies years ahead, is no reset.
    is(
        &all,
        r#","resets_at":1789343000,"resets_in_seconds":200"#,
        200,
    );
    is(&all, r#","resets_at":99999999999"#, 300);
    // Milliseconds are recognised; numbers may be strings; null is nothing.
    is(&all, r#","resets_at":1789344100000"#, 100);
    is(&all, r#","resets_at":"1789344100""#, 100);
    is(&all, r#","resets_at":null,"resets_in_seconds":7"#, 7);
    // Of two used-up windows the later one counts; without a used-up one the fullest.
    is(
        &[
            ("x-codex-primary-used-percent", "100"),
            ("x-codex-primary-reset-at", "1789345000"),
            ("x-codex-secondary-used-percent", "100"),
            ("x-codex-secondary-reset-at", "1789346000"),
        ],
        "",
        2000,
    );
    is(
        &[
            ("x-codex-primary-used-percent", "97"),
            ("x-codex-primary-reset-at", "1789345000"),
            ("x-codex-secondary-used-percent", "20"),
            ("x-codex-secondary-reset-at", "1789346000"),
        ],
        "",
        1000,
    );
}

#[test]
fn f53_t197_retry_after() {
    for (name, value, want) in [
        ("retry-after", "120", after(120)),
        ("retry-after", " 1.5 ", Some(Timestamp(NOW.0 + 1500))),
        ("retry-after", "Mon, 14 Sep 2026 00:02:00 GMT", after(120)),
        ("retry-after", "Mon, 14 Sep 2020 00:02:00 GMT", None),
        ("retry-after-ms", "250", Some(Timestamp(NOW.0 + 250))),
        ("retry-after", "soon", None),
        ("retry-after", "-5", None),
        ("retry-after", "0", None),
        ("retry-after", "1e30", None),
        ("retry-after", "", None),
    ] {
        assert_eq!(
            retry_after(&headers(&[(name, value)]), NOW),
            want,
            "{name}: {value}"
        );
    }
    check(
        429,
        &[("retry-after", "9")],
        "",
        Outcome::RateLimited { retry_at: after(9) },
    );
    check(
        503,
        &[("retry-after", "9")],
        "",
        Outcome::Overloaded { retry_at: after(9) },
    );
}

#[test]
fn t198_a_delay_beside_a_good_answer_is_none() {
    let later = &[JSON, ("retry-after", "9"), ("retry-after-ms", "9000")];
    for body in [
        r#"{"type":"message","content":[]}"#,
        r#"{"type":"message","content":[],"error":null}"#,
        "",
    ] {
        check(200, later, body, Outcome::Success);
    }
    // Only these say when the account may be asked again.
    check(429, later, "", Outcome::RateLimited { retry_at: after(9) });
    for status in [503, 529] {
        check(
            status,
            later,
            "",
            Outcome::Overloaded { retry_at: after(9) },
        );
    }
    for status in [500, 502, 504] {
        check(status, later, "{}", Outcome::ServerError { status });
    }
    check(400, later, "{}", Outcome::InvalidRequest { status: 400 });
}

#[test]
fn t210_delays_in_words_and_details() {
    for (words, ms) in [
        ("Please try again in 11.054s.", 11_054),
        ("try again in 28ms", 28),
        ("Try again in 1m30s", 90_000),
        ("try again in 2 hours, 5 minutes", 7_500_000),
        ("try again in 6 seconds", 6000),
    ] {
        let body = format!(r#"{{"error":{{"code":"rate_limit_exceeded","message":"{words}"}}}}"#);
        check(
            429,
            &[],
            &body,
            Outcome::RateLimited {
                retry_at: Some(Timestamp(NOW.0 + ms)),
            },
        );
    }
    for words in [
        "try again in",
        "try again in a while",
        "try again in 5 parsecs",
        "again in 5s",
    ] {
        let body = format!(r#"{{"error":{{"message":"{words}"}}}}"#);
        check(429, &[], &body, Outcome::RateLimited { retry_at: None });
    }
    let google = r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":"x"},{"retryDelay":"34s"}]}}]"#;
    check(
        429,
        &[],
        google,
        Outcome::RateLimited {
            retry_at: after(34),
        },
    );
}

#[test]
fn f52_overload_is_nobodys_fault() {
    for code in ["server_is_overloaded", "slow_down"] {
        for status in [503, 500, 429] {
            let body = format!(r#"{{"error":{{"code":"{code}"}}}}"#);
            check(status, &[], &body, Outcome::Overloaded { retry_at: None });
        }
    }
    check(
        503,
        &[],
        r#"{"error":{"message":"The engine is currently overloaded"}}"#,
        Outcome::Overloaded { retry_at: None },
    );
}

#[test]
fn an_error_in_a_200() {
    check(
        200,
        &[JSON],
        r#"{"error":{"message":"upstream died","code":"boom"}}"#,
        Outcome::ServerError { status: 502 },
    );
    check(
        200,
        &[JSON],
        r#"{"error":{"code":"server_is_overloaded"}}"#,
        Outcome::Overloaded { retry_at: None },
    );
    check(
        200,
        &[JSON],
        r#"{"id":"resp_1","error":null,"output":[]}"#,
        Outcome::Success,
    );
    check(
        200,
        &[JSON],
        r#"{"error":{"code":"x"},"choices":[{}]}"#,
        Outcome::Success,
    );
    check(200, &[JSON], r#"{"error":{"code":"x""#, Outcome::Success);
}

#[test]
fn f53_first_events() {
    let is = |data: &str, want: Option<Outcome>| {
        assert_eq!(classify_event(data.as_bytes(), NOW), want, "{data}")
    };
    let failed = |error: &str| {
        format!(
            r#"{{"type":"response.failed","response":{{"id":"r","status":"failed","error":{error}}}}}"#
        )
    };
    let some = |code: &str, want: Outcome| {
        is(
            &failed(&format!(r#"{{"code":"{code}","message":"m"}}"#)),
            Some(want),
        )
    };
    some(
        "context_length_exceeded",
        Outcome::InvalidRequest { status: 400 },
    );
    some("invalid_prompt", Outcome::InvalidRequest { status: 400 });
    some("cyber_policy", Outcome::InvalidRequest { status: 400 });
    some("bio_policy", Outcome::InvalidRequest { status: 400 });
    some(
        "insufficient_quota",
        Outcome::UsageLimit { resets_at: None },
    );
    some(
        "usage_limit_reached",
        Outcome::UsageLimit { resets_at: None },
    );
    some("usage_not_included", Outcome::PaymentRequired);
    some(
        "server_is_overloaded",
        Outcome::Overloaded { retry_at: None },
    );
    some("slow_down", Outcome::Overloaded { retry_at: None });
    some("server_error", Outcome::ServerError { status: 500 });
    some("anything_else", Outcome::ServerError { status: 500 });
    let wait = r#"{"code":"rate_limit_exceeded","message":"Rate limit reached. Please try again in 11s."}"#;
    is(
        &failed(wait),
        Some(Outcome::RateLimited {
            retry_at: after(11),
        }),
    );
    is(&failed("null"), Some(Outcome::ServerError { status: 500 }));
    is(
        r#"{"type":"error","status":429,"error":{"type":"usage_limit_reached","resets_at":1789344100}}"#,
        Some(Outcome::UsageLimit {
            resets_at: after(100),
        }),
    );
    is(
        r#"{"type":"error","status_code":401,"error":{"message":"x"}}"#,
        Some(Outcome::Unauthorized),
    );
    is(
        r#"{"type":"error","code":"server_is_overloaded","message":"m","param":null}"#,
        Some(Outcome::Overloaded { retry_at: None }),
    );
    is(
        r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
        Some(Outcome::Overloaded { retry_at: None }),
    );
    // Chat Completions: no type, the code may be a status.
    is(
        r#"{"error":{"message":"m"}}"#,
        Some(Outcome::ServerError { status: 500 }),
    );
    is(
        r#"{"error":{"code":429,"message":"m"}}"#,
        Some(Outcome::RateLimited { retry_at: None }),
    );
    is(
        r#"{"id":"x","choices":[{"delta":{}}],"error":{"code":502,"message":"m"}}"#,
        Some(Outcome::ServerError { status: 502 }),
    );
    is(
        r#"{"detail":"The 'x' model is not supported when using Codex"}"#,
        Some(Outcome::ModelUnsupported),
    );
}

#[test]
fn ordinary_events_are_none() {
    for data in [
        r#"{"type":"response.created","response":{"id":"r","error":null,"status":"in_progress"}}"#,
        r#"{"type":"response.created","response":{"error" : null}}"#,
        r#"{"type":"response.output_text.delta","delta":"an \"error\": {\"code\"} response.failed"}"#,
        r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"},"error":null}}"#,
        r#"{"type":"response.completed","response":{"error":null,"output":[]}}"#,
        r#"{"choices":[{"delta":{"content":"error"}}]}"#,
        "[DONE]",
        "",
        "{",
        r#"{"type":"response.failed"#,
    ] {
        assert_eq!(classify_event(data.as_bytes(), NOW), None, "{data}");
    }
}

#[test]
fn f57_messages_of_every_envelope() {
    for (body, message, code, kind) in [
        (
            r#"{"error":{"message":"m","type":"t","code":"c"}}"#,
            "m",
            Some("c"),
            Some("t"),
        ),
        (
            r#"{"error":{"message":"m","code":404}}"#,
            "m",
            Some("404"),
            None,
        ),
        (r#"{"error":"nope, sorry"}"#, "nope, sorry", None, None),
        (
            r#"{"error":"invalid_grant","error_description":"used"}"#,
            "used",
            Some("invalid_grant"),
            None,
        ),
        (r#"{"detail":"d e"}"#, "d e", None, None),
        (
            r#"{"detail":[{"msg":"field required"},{"msg":"too long"}]}"#,
            "field required; too long",
            None,
            None,
        ),
        (
            r#"{"detail":{"message":"m","code":"c"}}"#,
            "m",
            Some("c"),
            None,
        ),
        (r#"{"message":"m"}"#, "m", None, None),
        (
            r#"[{"error":{"message":"m","status":"INVALID_ARGUMENT"}}]"#,
            "m",
            None,
            Some("INVALID_ARGUMENT"),
        ),
        (
            r#"{"error":{"code":"only_code"}}"#,
            "only_code",
            Some("only_code"),
            None,
        ),
    ] {
        let got = error_message(body.as_bytes()).unwrap();
        assert_eq!(
            (
                got.message.as_str(),
                got.code.as_deref(),
                got.kind.as_deref()
            ),
            (message, code, kind),
            "{body}"
        );
    }
    for body in ["", "<html>", "{}", "[]", "null", r#"{"error":null}"#] {
        assert_eq!(error_message(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn f110_z_ai_says_it_in_numbers_also_in_a_200() {
    let reset = Outcome::UsageLimit {
        resets_at: Some(Timestamp(1_789_350_000_000)),
    };
    for status in [200, 429] {
        check(
            status,
            &[JSON],
            r#"{"error":{"code":"1113","message":"no balance"}}"#,
            Outcome::PaymentRequired,
        );
        check(
            status,
            &[JSON],
            r#"{"error":{"code":"1310","message":"used up","nextResetTime":1789350000000}}"#,
            reset,
        );
    }
}

#[test]
fn b5_t108_t210_the_words_of_google() {
    let told = |code: u16, status: &str, message: &str, details: &str| {
        format!(
            r#"{{"error":{{"code":{code},"message":"{message}","status":"{status}"{details}}}}}"#
        )
    };
    let delay =
        r#","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]"#;
    for (status, body, want) in [
        (
            429,
            told(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota.",
                delay,
            ),
            Outcome::RateLimited {
                retry_at: after(34),
            },
        ),
        (
            400,
            told(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                "",
            ),
            Outcome::Unauthorized,
        ),
        (
            400,
            told(
                400,
                "INVALID_ARGUMENT",
                "Thought signature is not valid.",
                "",
            ),
            Outcome::InvalidEncryptedContent,
        ),
        (
            400,
            told(400, "INVALID_ARGUMENT", "Unknown name x", ""),
            Outcome::InvalidRequest { status: 400 },
        ),
        (
            404,
            told(
                404,
                "NOT_FOUND",
                "models/x is not found for API version v1beta",
                "",
            ),
            Outcome::ModelUnsupported,
        ),
        (
            503,
            told(503, "UNAVAILABLE", "The model is overloaded.", ""),
            Outcome::Overloaded { retry_at: None },
        ),
        (
            403,
            told(403, "PERMISSION_DENIED", "no", ""),
            Outcome::Forbidden,
        ),
    ] {
        let code = StatusCode::from_u16(status).unwrap();
        let got = classify(
            Format::Gemini,
            code,
            &headers(&[JSON]),
            body.as_bytes(),
            NOW,
        );
        assert_eq!(got, want, "{body}");
    }
    let event = told(429, "RESOURCE_EXHAUSTED", "slow", delay);
    assert_eq!(
        classify_event(event.as_bytes(), NOW),
        Some(Outcome::RateLimited {
            retry_at: after(34)
        })
    );
}
