//! A panic while a request is served (F114): its slot is free again, in its group as well, the journal says what it was, and everybody else
//! goes on. What panics is the test's own part of the gateway: its journal.

use gateway::End;
use pool::{AccountId, Format};
use serde_json::{Value, json};
use simulator::{RelayKey, Step};

use crate::stage::{NOW, Stage};

fn body(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "say:hello"}]})
}

/// One account with one slot, in a group for one.
async fn narrow() -> (Stage, RelayKey) {
    let mut stage = Stage::set().await;
    let key = stage.relay("only", Format::OpenAi);
    stage.pool.with(|pool| {
        let mut account = pool.account(&AccountId::from("only")).unwrap().clone();
        account.slots = Some(1);
        account.group = Some("team".into());
        pool.upsert(account);
        pool.set_group_limit("team", Some(1));
    });
    (stage, key)
}

/// Running requests of the account and of its group.
fn running(stage: &Stage) -> (u32, u32) {
    stage.pool.with(|pool| {
        let of_group = pool.group_use()[0].1;
        (pool.in_flight(&AccountId::from("only")), of_group)
    })
}

#[tokio::test]
async fn f114_a_panic_before_the_answer_frees_the_slot() {
    let (stage, key) = narrow().await;
    // A refusal that the pool takes note of.
    stage.simulator.script(&key, [Step::Forbidden403Json]);
    stage.at_pool_events().light();
    let reply = stage.post("/v1/chat/completions", &body(false)).await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["error"]["code"], "internal_error");
    assert_eq!(running(&stage), (0, 0));
    let entry = stage.journal(1).await.remove(0);
    assert_eq!(
        (entry.end, entry.error_code.as_deref()),
        (End::Failed, Some("internal_error"))
    );
    let now = pool::Timestamp::from_secs(NOW);
    stage
        .pool
        .with(|pool| pool.clear(now, &AccountId::from("only")));
    let reply = stage.post("/v1/chat/completions", &body(false)).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn f114_a_panic_after_the_commit_frees_the_slot() {
    let (stage, _key) = narrow().await;
    for stream in [true, false] {
        stage.at_the_end().light();
        // The connection breaks off: before or after the last bytes.
        let sent = stage.request("/v1/chat/completions");
        if let Ok(response) = sent.body(body(stream).to_string()).send().await {
            response.bytes().await.ok();
        }
        stage.journal(1).await;
        assert_eq!(running(&stage), (0, 0));
        let reply = stage.post("/v1/chat/completions", &body(stream)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}
