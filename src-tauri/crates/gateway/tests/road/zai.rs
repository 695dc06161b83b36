//! What goes wrong with one key of Z.AI's pool: counted once, and the next key serves the very request (F106, F108).

use pool::{AccountId, AccountKind, Format, Health, Timestamp};
use serde_json::json;
use simulator::{Scripted, Step};
use upstream::Manner;

use crate::stage::{NOW, Stage};

const CHAT: &str = "/v1/chat/completions";

async fn two_keys() -> (Stage, [simulator::RelayKey; 2]) {
    let mut stage = Stage::set().await;
    let keys = ["first", "second"]
        .map(|name| stage.key(name, AccountKind::Zai, Format::OpenAi, Manner::default()));
    (stage, keys)
}

/// Failures counted, and failures in a row.
fn failures(stage: &Stage, name: &str) -> (u64, u32) {
    stage.pool.with(|pool| {
        let state = pool.state(&AccountId::from(name)).unwrap();
        (state.counters.failures, state.consecutive_failures)
    })
}

fn health(stage: &Stage, name: &str) -> Health {
    let now = Timestamp::from_secs(NOW);
    let health = stage
        .pool
        .with(|pool| pool.health(now, &AccountId::from(name)));
    health.unwrap()
}

#[tokio::test]
async fn f108_a_failure_counts_once_and_the_next_key_serves_the_request() {
    let ask = json!({"model": "glm-4.5", "messages": [{"role": "user", "content": "say:hello"}]});
    let error = r#"{"error":{"code":"1234","message":"something"}}"#;
    for (code, moves) in [
        (400, false),
        (401, true),
        (402, true),
        (403, true),
        (404, false),
        (422, false),
        (429, true),
        (500, true),
        (502, true),
        (503, true),
    ] {
        let (stage, [first, _second]) = two_keys().await;
        first.script([Step::json(code, error)]);
        let reply = stage.post(CHAT, &ask).await;
        let asked: Vec<String> = stage.asked().into_iter().map(|(name, _)| name).collect();
        if moves {
            assert_eq!(reply.status, 200, "{code}: {}", reply.text);
            assert_eq!(asked, ["first", "second"], "{code}");
            assert_eq!(reply.headers["x-switchyard-account"], "second");
            assert_eq!(failures(&stage, "first").0, 1, "{code}");
        } else {
            assert_eq!(reply.status, code, "{}", reply.text);
            assert_eq!(asked, ["first"], "{code}");
            assert_eq!(failures(&stage, "first"), (0, 0), "{code}");
        }
        assert_eq!(failures(&stage, "second"), (0, 0), "{code}");
    }
}

#[tokio::test]
async fn f108_three_failures_in_a_row_park_a_key_for_five_minutes() {
    let ask = json!({"model": "glm-4.5", "messages": [{"role": "user", "content": "say:hello"}]});
    let (stage, [first, _second]) = two_keys().await;
    first.script([Step::Http500, Step::Http500, Step::Ok]);
    for row in [1, 2, 0] {
        assert_eq!(stage.post(CHAT, &ask).await.status, 200);
        assert_eq!(
            failures(&stage, "first").1,
            row,
            "a good answer ends the row"
        );
    }
    first.script([Step::Http500, Step::Http500, Step::Http500]);
    for _ in 0..3 {
        assert_eq!(health(&stage, "first"), Health::Active);
        assert_eq!(stage.post(CHAT, &ask).await.status, 200);
    }
    assert_eq!(failures(&stage, "first"), (5, 0));
    let until = Timestamp::from_secs(NOW + 5 * 60);
    let parked = health(&stage, "first");
    assert!(
        matches!(parked, Health::Cooling { until: at, .. } if at == until),
        "{parked:?}"
    );
    let before = stage.asked().len();
    assert_eq!(stage.post(CHAT, &ask).await.status, 200);
    assert_eq!(stage.asked()[before].0, "second");
}
