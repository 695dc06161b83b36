//! Quota: asking all providers, and the history with its gaps, resets and forecast (F67–F69).

use engine::Clock as _;
use engine::clock::SystemClock;
use futures_util::StreamExt;
use serde_json::{Value, json};
use simulator::{AccountSetup, Gate, Quota, Scripted, Step};

use crate::stage::Stage;

const MIN: i64 = 60_000;

fn now() -> i64 {
    SystemClock.now().0
}

#[tokio::test]
async fn f68_all_quotas_are_asked_with_progress_and_counted() {
    let stage = Stage::new().await;
    let good = stage.sign_in("good@example.com").await;
    let full = stage.sign_in("full@example.com").await;
    full.set_quota(Quota::used(100.0, 40.0));
    let broken = stage.sign_in("broken@example.com").await;
    let refused = stage.sign_in("refused@example.com").await;
    stage.sign_in("off@example.com").await;
    stage.relay("office", &["m"]).await;
    stage
        .post(
            &format!("/accounts/{}/disable", stage.id("off@example.com")),
            json!({}),
        )
        .await
        .ok();
    let usage = simulator::Endpoint::Usage;
    broken.script_at(usage, [Step::Http500, Step::Http500, Step::Http500]);
    refused.script_at(usage, [Step::Forbidden403Json, Step::Forbidden403Json]);
    good.set_quota(Quota::used(30.0, 12.0));

    let events = admin::events(stage.engine.clone());
    let asked = stage.post("/accounts/quota", json!({}));
    let listen = async {
        let mut steps = Vec::new();
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            if event["type"] == "progress" {
                steps.push((
                    event["done"].as_u64().unwrap(),
                    event["total"].as_u64().unwrap(),
                ));
                if event["done"] == event["total"] {
                    break;
                }
            }
        }
        steps
    };
    let (sum, steps) = tokio::join!(asked, listen);
    let mut sum = sum.ok();
    let items = sum.as_object_mut().unwrap().remove("items").unwrap();
    let expected =
        json!({"ok": 1, "limited": 1, "invalid": 1, "network": 1, "skipped": 1, "stopped": false});
    assert_eq!(
        sum, expected,
        "an account that is switched off is not counted"
    );
    let mut results: Vec<&str> = items
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["result"].as_str())
        .collect();
    results.sort_unstable();
    assert_eq!(results, ["invalid", "limited", "network", "ok", "skipped"]);
    assert_eq!(steps.first(), Some(&(0, 5)));
    assert_eq!(steps.last(), Some(&(5, 5)));
    let seen = stage.get("/accounts/good@example.com").await.ok();
    assert_eq!(seen["quota"]["primary"]["used_percent"], 30.0);
    assert_eq!(seen["quota"]["source"], "query");
    assert!(
        stage.simulator.requests_to("/responses").is_empty(),
        "never a model call"
    );
    assert!(stage.simulator.peak_in_flight() <= 3);

    // F69: what was read stands in the history.
    let history = stage
        .get("/quota/history?account=good@example.com")
        .await
        .ok();
    let line = &history["series"][0];
    assert_eq!(line["window"], "primary");
    assert_eq!(line["length_s"], 18_000);
    assert_eq!(line["points"][0][1], 30.0);
    stage.end().await;
}

#[tokio::test]
async fn f68_one_quota_is_asked_and_a_key_account_has_none() {
    let stage = Stage::new().await;
    let account = stage.sign_in_as(AccountSetup::new("a@example.com")).await;
    account.set_quota(Quota::used(61.0, 20.0));
    stage.relay("office", &["m"]).await;
    let told = stage
        .post("/accounts/a@example.com/quota", json!({}))
        .await
        .ok();
    assert_eq!(told["quota"]["primary"]["used_percent"], 61.0);
    assert_eq!(told["remaining_percent"], 39.0);
    assert_eq!(
        stage.post("/accounts/office/quota", json!({})).await.code(),
        "invalid"
    );
    assert_eq!(
        stage.post("/accounts/nobody/quota", json!({})).await.code(),
        "not_found"
    );
    assert_eq!(
        stage.get("/quota?refresh=true").await.ok()[0]["quota"]["source"],
        "query"
    );
    stage.end().await;
}

/// A home with one account and these samples, each (minutes ago, window, used, resets in minutes from now).
fn home_with(samples: &[(i64, &str, f64, i64)]) -> impl FnOnce(&std::path::Path) {
    let now = now();
    let rows: Vec<store::QuotaSampleRow> = samples
        .iter()
        .map(|(ago, window, used, resets)| store::QuotaSampleRow {
            account_id: "one".into(),
            window: (*window).into(),
            captured_at: now - ago * MIN,
            used_percent: Some(*used),
            resets_at: Some(now + resets * MIN),
            source: "header".into(),
        })
        .collect();
    move |root| {
        let store = store::Store::open(root, now).unwrap();
        let account = store::AccountRow::new("one", "codex_oauth", "one@example.com");
        store.save_accounts(&[account]).unwrap();
        assert_eq!(store.add_quota_samples(&rows).unwrap(), rows.len());
    }
}

#[tokio::test]
async fn f69_the_history_shows_gaps_resets_and_where_it_is_heading() {
    let stage = Stage::prepared(home_with(&[
        (600, "primary", 70.0, -400),
        (590, "primary", 71.0, -400),
        // Nothing for hours; the window began afresh meanwhile.
        (50, "primary", 10.0, 250),
        (40, "primary", 20.0, 250),
        (30, "primary", 30.0, 250),
        (30, "secondary", 5.0, 9_000),
        (20, "primary", 40.0, 250),
        (20, "secondary", 6.0, 9_000),
        // A limit of its own for some models.
        (20, "primary/codex_other", 80.0, 9_000),
        (10, "primary/codex_other", 81.0, 9_000),
        // What a later version may write.
        (10, "tertiary", 1.0, 9_000),
    ]))
    .await;
    let plans = stage.get("/quota/history").await.ok();
    assert_eq!(plans["series"].as_array().unwrap().len(), 2);
    let history = stage.get("/quota/history?buckets=true").await.ok();
    let span = history["to"].as_i64().unwrap() - history["from"].as_i64().unwrap();
    assert_eq!(span, 24 * 60 * MIN, "a day when nothing is said");
    let series = history["series"].as_array().unwrap();
    let named = |line: &Value| json!([line["bucket"], line["window"]]);
    let named: Vec<Value> = series.iter().map(named).collect();
    let expected = [
        json!([null, "primary"]),
        json!([null, "secondary"]),
        json!(["codex_other", "primary"]),
    ];
    assert_eq!(named, expected);
    assert_eq!(series[2]["points"][1][1], 81.0);
    let primary = &series[0];
    assert_eq!(
        (&primary["account_id"], &primary["label"]),
        (&json!("one"), &json!("one@example.com"))
    );
    assert_eq!(primary["points"].as_array().unwrap().len(), 6);
    assert_eq!(primary["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(primary["resets"].as_array().unwrap().len(), 1);
    assert_eq!(series[1]["resets"], json!([]));
    // One percent a minute, 40 % used 20 minutes ago: empty in 40 minutes. Two readings say nothing.
    let forecast = history["forecast"].as_array().unwrap();
    assert_eq!(forecast.len(), 1, "{history}");
    let minutes = (forecast[0]["empty_at"].as_i64().unwrap() - now()) / MIN;
    assert!((38..=41).contains(&minutes), "{minutes}");
    stage.end().await;
}

#[tokio::test]
async fn f69_a_span_has_its_limits() {
    let stage = Stage::prepared(home_with(&[(30, "primary", 1.0, 100)])).await;
    let now = now();
    let day = 24 * 60 * MIN;
    let cases = [
        (format!("?from={}", now - 30 * day), Some(1)),
        (
            format!("?from={}&to={}", now - day, now - 12 * 60 * MIN),
            Some(0),
        ),
        ("?account=one".to_owned(), Some(1)),
        (format!("?from={}", now - 40 * day), None),
        (format!("?from={now}&to={}", now - day), None),
        (format!("?from={}", i64::MIN), None),
        (format!("?to={}", i64::MAX), Some(0)),
    ];
    for (query, series) in cases {
        let reply = stage.get(&format!("/quota/history{query}")).await;
        match series {
            Some(count) => assert_eq!(
                reply.ok()["series"].as_array().map(Vec::len),
                Some(count),
                "{query}"
            ),
            None => assert_eq!(reply.code(), "invalid", "{query}"),
        }
    }
    assert_eq!(
        stage.get("/quota/history?account=nobody").await.code(),
        "not_found"
    );
    assert_eq!(
        stage.get("/quota/history?from=soon").await.code(),
        "invalid"
    );
    stage.end().await;
}

#[tokio::test]
async fn f69_a_month_has_at_most_five_hundred_points() {
    let samples: Vec<(i64, &str, f64, i64)> = (0..5_000)
        .map(|n| {
            (
                25_000 - n * 5,
                "primary",
                f64::from(u32::try_from(n % 90).unwrap()),
                60,
            )
        })
        .collect();
    let stage = Stage::prepared(home_with(&samples)).await;
    let from = now() - 30 * 24 * 60 * MIN;
    let began = tokio::time::Instant::now();
    let history: Value = stage.get(&format!("/quota/history?from={from}")).await.ok();
    println!("a month of readings in {:?}", began.elapsed());
    let points = history["series"][0]["points"].as_array().unwrap();
    assert!((150..=500).contains(&points.len()), "{}", points.len());
    stage.end().await;
}

#[tokio::test]
async fn f68_asking_can_be_stopped_and_what_was_read_stays() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let first = stage.sign_in("a@example.com").await;
    first.set_quota(Quota::used(30.0, 12.0));
    for name in ["b", "c", "d", "e"] {
        let account = stage.sign_in(&format!("{name}@example.com")).await;
        let gate = gate.clone();
        account.script_at(simulator::Endpoint::Usage, [Step::GatedHeaders { gate }]);
    }
    let asked = stage.post("/accounts/quota", json!({}));
    let stop = async {
        gate.wait_reached(3).await;
        stage.post("/accounts/quota/stop", json!({})).await
    };
    let (asked, stopped) = tokio::join!(asked, stop);
    assert_eq!(stopped.status, 204);
    let asked = asked.ok();
    assert_eq!(asked["stopped"], true);
    let items = asked["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["result"]), (1, &json!("ok")));
    let seen = stage.get("/accounts/a@example.com").await.ok();
    assert_eq!(seen["quota"]["primary"]["used_percent"], 30.0);
    gate.release();
    stage.end().await;
}
