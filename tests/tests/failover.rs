//! When an account fails, another one answers and the client sees nothing of it; after the first byte of content no
//! other account is used, and the client is told (F18, F22, F39, F50 to F53, F101; T181 to T183).

use serde_json::{Value, json};
use tests::{
    Account, RefreshStep, Step, Stream, TestApp, codex, relay_chat, relay_responses, text_of,
};

/// How the first account fails before it has said anything.
fn failures() -> Vec<(&'static str, Step)> {
    vec![
        (
            "429 usage_limit_reached",
            Step::UsageLimit { resets_in_s: 600 },
        ),
        ("429 without a reset time", Step::UsageLimitBare),
        (
            "429 rate limit",
            Step::RateLimited {
                retry_after: Some("30".to_owned()),
            },
        ),
        ("401", Step::Unauthorized),
        ("402", Step::PaymentRequired402),
        ("403 with JSON", Step::Forbidden403Json),
        ("403 challenge page", Step::HtmlChallenge403),
        ("500", Step::Http500),
        ("503 overloaded", Step::Overloaded503),
        ("reset before headers", Step::ResetBeforeHeaders),
        ("close before headers", Step::CloseBeforeHeaders),
        (
            "200 with response.failed first",
            Step::failed_first("server_error"),
        ),
        (
            "200 with the usage limit first",
            Step::failed_first("usage_limit_reached"),
        ),
        (
            "200 with an error event first",
            Step::ErrorEvent {
                events: 0,
                code: "server_error".to_owned(),
            },
        ),
        ("200 with a web page", Step::HtmlPage200),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Dialect {
    Chat,
    Responses,
}

async fn stream(app: &TestApp, dialect: Dialect, text: &str) -> Stream {
    match dialect {
        Dialect::Chat => app.chat_stream(text).await,
        Dialect::Responses => app.responses_stream(text).await,
    }
}

/// One clean streamed answer: the words, one end, no error.
async fn expect_clean(stream: Stream, dialect: Dialect, words: &str, case: &str) {
    if stream.status != 200 {
        let status = stream.status;
        panic!("{case}: {status} {}", stream.text().await);
    }
    assert!(
        stream.headers["content-type"]
            .to_str()
            .is_ok_and(|kind| kind.starts_with("text/event-stream")),
        "{case}"
    );
    let events = stream.all().await;
    assert_eq!(text_of(&events), words, "{case}");
    assert!(!events.iter().any(is_error), "{case}: {events:?}");
    let ends = match dialect {
        Dialect::Chat => {
            assert_eq!(events.last(), Some(&json!("[DONE]")), "{case}");
            events
                .iter()
                .filter(|event| event["choices"][0]["finish_reason"].is_string())
                .count()
        }
        Dialect::Responses => {
            assert_eq!(
                events.last().map(|event| &event["type"]),
                Some(&json!("response.completed")),
                "{case}"
            );
            events
                .iter()
                .filter(|event| event["type"] == "response.completed")
                .count()
        }
    };
    assert_eq!(ends, 1, "{case}");
}

fn is_error(event: &Value) -> bool {
    !event["error"].is_null() || event["type"] == "error" || event["type"] == "response.failed"
}

/// Labels of the accounts that the upstream saw requests of, since there were `from`.
fn asked(app: &TestApp, from: usize) -> Vec<String> {
    let requests = app.upstream_requests();
    requests[from..]
        .iter()
        .map(|seen| seen.account.clone().unwrap_or_else(|| "?".to_owned()))
        .collect()
}

async fn every_failure_is_hidden(name: &str, make: fn(&str) -> Account) {
    let mut app = TestApp::new(name).account(make("first")).start().await;
    for (number, (case, step)) in failures().into_iter().enumerate() {
        for dialect in [Dialect::Chat, Dialect::Responses] {
            let case = format!("{case}, {dialect:?}");
            let label = |place: &str| format!("{place}-{number}-{dialect:?}").to_lowercase();
            let first = make(&label("failing")).script([step.clone(), step.clone()]);
            app.replace_accounts(vec![first, make(&label("healthy"))])
                .await;
            if let (Step::Unauthorized, tests::SimUpstream::Codex(account)) =
                (&step, &app.upstreams()[0])
            {
                account.script_refresh([
                    RefreshStep::refused("refresh_token_invalidated"),
                    RefreshStep::InvalidGrant,
                ]);
            }
            let before = app.upstream_requests().len();
            expect_clean(
                stream(&app, dialect, "say:hello").await,
                dialect,
                "hello",
                &case,
            )
            .await;
            let labels: Vec<&str> = app
                .upstreams()
                .iter()
                .map(|upstream| upstream.label())
                .collect();
            let asked = asked(&app, before);
            assert_eq!(
                asked.last().map(String::as_str),
                Some(labels[1]),
                "{case}: {asked:?}"
            );
            assert_eq!(
                asked.iter().filter(|label| *label == labels[1]).count(),
                1,
                "{case}: {asked:?}"
            );
            assert!(
                asked.len() >= 2,
                "{case}: the failing account was asked first: {asked:?}"
            );
            // No failure takes an account away (F19).
            assert_eq!(app.account_ids().await.len(), 2, "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codex_accounts() {
    every_failure_is_hidden("failover-codex", codex).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chat_relays() {
    every_failure_is_hidden("failover-chat", relay_chat).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_relays() {
    every_failure_is_hidden("failover-responses", relay_responses).await;
}

/// F51: after the first content no second account, and an error in the stream instead of a clean end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_first_content_the_client_is_told() {
    let breaks = [
        Step::CutAfter { events: 40 },
        Step::ResetAfter { events: 40 },
        Step::FailedAfter {
            events: 40,
            code: "server_error".to_owned(),
        },
    ];
    for (name, make) in [
        ("codex", codex as fn(&str) -> Account),
        ("chat", relay_chat),
        ("responses", relay_responses),
    ] {
        let mut app = TestApp::new(&format!("broken-{name}"))
            .account(make("start"))
            .start()
            .await;
        for (number, step) in breaks.iter().enumerate() {
            for dialect in [Dialect::Chat, Dialect::Responses] {
                let case = format!("{name}, {step:?}, {dialect:?}");
                let label = |place: &str| format!("{place}-{number}-{dialect:?}").to_lowercase();
                let accounts = vec![
                    make(&label("breaking")).script([step.clone()]),
                    make(&label("healthy")),
                ];
                app.replace_accounts(accounts).await;
                let before = app.upstream_requests().len();
                let events = stream(&app, dialect, "long:2000").await.all().await;
                let text = text_of(&events);
                // A reset overtakes what its sender has not got rid of yet: then the thinking is all that arrived, or nothing at all, and
                // the second account answers whole.
                let reset = matches!(step, Step::ResetAfter { .. });
                let overtaken = reset && text.is_empty();
                if reset && asked(&app, before).len() == 2 {
                    assert!(text.contains("word1999"), "{case}: {text}");
                    assert!(!events.iter().any(is_error), "{case}: {:?}", events.last());
                    continue;
                }
                assert!(
                    (text.starts_with("word0") || overtaken) && !text.contains("word1999"),
                    "{case}: {text}"
                );
                assert!(events.iter().any(is_error), "{case}: {:?}", events.last());
                assert!(
                    !events
                        .iter()
                        .any(|event| event["type"] == "response.completed"),
                    "{case}"
                );
                let finished = events
                    .iter()
                    .any(|event| event["choices"][0]["finish_reason"].is_string());
                assert!(!finished, "{case}: an invented end");
                let failed = events
                    .iter()
                    .filter(|event| event["type"] == "response.failed")
                    .count();
                assert_eq!(failed, usize::from(dialect == Dialect::Responses), "{case}");
                assert_eq!(
                    asked(&app, before).len(),
                    1,
                    "{case}: another account was used after the first content"
                );
            }
        }
    }
}

/// F39: when nobody is left the client learns when to come back, and why each account was skipped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_left() {
    let limit = || [Step::UsageLimit { resets_in_s: 600 }];
    let app = TestApp::new("nobody-left")
        .account(codex("first").script(limit()))
        .account(codex("second").script(limit()))
        .start()
        .await;
    for attempt in ["both answer 429", "both are known to be exhausted"] {
        let answer = app.chat("say:hello").await;
        assert_eq!(answer.status, 429, "{attempt}");
        let seconds: u64 = answer
            .header("retry-after")
            .parse()
            .expect("Retry-After in seconds");
        assert!((1..=600).contains(&seconds), "{attempt}: {seconds}");
    }
    let error = app.chat("say:hello").await.expect_error(429);
    let message = error["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("first") && message.contains("second"),
        "{message}"
    );
    assert_eq!(
        app.upstream_requests().len(),
        2,
        "an exhausted account is not asked again"
    );
}

/// The journal shows both attempts and the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_tells() {
    let app = TestApp::new("journal")
        .account(codex("first").script([Step::UsageLimit { resets_in_s: 600 }]))
        .account(codex("second"))
        .start()
        .await;
    let answer = app.chat("say:hello").await;
    assert_eq!(answer.text(), "hello");
    assert!(answer.header("x-switchyard-account").contains("second"));
    let row = journal_row(&app, answer.header("x-request-id")).await;
    assert_eq!(row["status"], 200, "{row}");
    assert!(names(&row, "second"), "{row}");
    let attempts = row["attempts"].as_array().expect("its attempts");
    assert_eq!(attempts.len(), 2, "{row}");
    assert!(
        names(&attempts[0], "first") && names(&attempts[1], "second"),
        "{row}"
    );
    assert_eq!(attempts[0]["status"], 429, "{row}");
    assert!(
        attempts[0]["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty()),
        "{row}"
    );
    assert!(
        attempts[1]["reason"].is_null(),
        "a good attempt needs no reason: {row}"
    );
}

fn names(row: &Value, label: &str) -> bool {
    row["account"]
        .as_str()
        .is_some_and(|account| account.starts_with(label))
}

/// The journal's row of a request. It is written in batches beside the requests, so it is looked for more than once.
async fn journal_row(app: &TestApp, request_id: &str) -> Value {
    for _ in 0..100 {
        let rows = app
            .cli(&["--json", "journal"])
            .await
            .expect_success("the journal is shown")
            .json();
        let row = rows
            .as_array()
            .into_iter()
            .flatten()
            .find(|row| row["request_id"] == request_id);
        if let Some(row) = row {
            return row.clone();
        }
    }
    panic!("the journal does not know {request_id}");
}
