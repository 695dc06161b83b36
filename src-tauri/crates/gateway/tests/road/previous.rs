//! F38: a request that continues an answer by its id goes to the account that keeps the answer, or tells the whole conversation elsewhere.

use bytes::Bytes;
use pool::Format;
use serde_json::{Value, json};
use simulator::{RelayKey, Scripted, Step};

use crate::stage::{Reply, Stage};

/// An answer with this id, as a stream: the simulated relay keeps no answers of its own.
fn answer(id: &str) -> Step {
    let response = |status: &str, output: Value| json!({"id": id, "object": "response", "created_at": 1, "status": status, "model": "m", "output": output});
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "kept", "annotations": []}]});
    let events = [
        json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": message}),
        json!({"type": "response.output_item.done", "sequence_number": 2, "output_index": 0, "item": message}),
        json!({"type": "response.completed", "sequence_number": 3, "response": response("completed", json!([message]))}),
    ];
    let frames = events.iter().map(|event| {
        let kind = event["type"].as_str().unwrap();
        Bytes::from(format!("event: {kind}\ndata: {event}\n\n"))
    });
    Step::Replay {
        content_type: "text/event-stream".into(),
        chunks: frames.collect(),
    }
}

fn ask(input: Value, previous: Option<&str>) -> Value {
    let mut body = json!({"model": "m", "stream": true, "input": input});
    if let Some(id) = previous {
        body["previous_response_id"] = id.into();
    }
    body
}

fn question() -> Value {
    json!([{"type": "message", "role": "user", "content": "say:more"}])
}

fn whole() -> Value {
    json!([
        {"type": "message", "role": "user", "content": "first"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "kept"}]},
        {"type": "message", "role": "user", "content": "say:more"},
    ])
}

fn completed(reply: &Reply) -> bool {
    reply.text.contains("response.completed")
}

/// Two relays; the second one, which is not the active account, has given the answer `resp_kept`.
async fn kept_by_the_second() -> (Stage, RelayKey, RelayKey) {
    let mut stage = Stage::set().await;
    let first = stage.relay("first", Format::Responses);
    let second = stage.relay("second", Format::Responses);
    first.script([Step::Http500]);
    second.script([answer("resp_kept")]);
    let reply = stage.post("/v1/responses", &ask(question(), None)).await;
    assert!(completed(&reply), "{}", reply.text);
    assert_eq!(stage.asked().len(), 2);
    stage.pool.with(|pool| {
        let now = pool::Timestamp::from_secs(1_789_344_000);
        pool.clear(now, &"first".into());
    });
    (stage, first, second)
}

fn later(stage: &Stage) -> Vec<(String, bool)> {
    let asked = stage.asked();
    asked[2..]
        .iter()
        .map(|(who, body)| (who.clone(), body["previous_response_id"].is_string()))
        .collect()
}

#[tokio::test]
async fn f38_the_account_that_keeps_the_answer_serves_the_next_turn() {
    let (stage, _, second) = kept_by_the_second().await;
    second.script([answer("resp_next"), answer("resp_last")]);
    let reply = stage
        .post("/v1/responses", &ask(question(), Some("resp_kept")))
        .await;
    assert!(completed(&reply), "{}", reply.text);
    let reply = stage
        .post("/v1/responses", &ask(question(), Some("resp_next")))
        .await;
    assert!(completed(&reply), "{}", reply.text);
    let there = ("second".to_owned(), true);
    assert_eq!(later(&stage), [there.clone(), there]);
}

#[tokio::test]
async fn f38_without_history_the_owners_error_is_returned_unchanged() {
    let (stage, _, second) = kept_by_the_second().await;
    second.script([Step::UsageLimit { resets_in_s: 600 }]);
    let body = ask(question(), Some("resp_kept"));
    let reply = stage.post("/v1/responses", &body).await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.json()["error"]["type"], "usage_limit_reached");
    // Now it is known to be exhausted: nobody is asked, and the client learns who and why.
    let reply = stage.post("/v1/responses", &body).await;
    assert_eq!(reply.status, 429);
    assert!(reply.text.contains("second"), "{}", reply.text);
    assert_eq!(later(&stage), [("second".to_owned(), true)]);
}

#[tokio::test]
async fn f38_the_whole_input_is_sent_once_on_another_account() {
    let (mut stage, _, second) = kept_by_the_second().await;
    let third = stage.relay("third", Format::Responses);
    stage.activate("second");
    second.script([Step::Http500]);
    third.script([Step::Http500]);
    let body = ask(whole(), Some("resp_kept"));
    let reply = stage.post("/v1/responses", &body).await;
    assert_eq!(reply.status, 500, "once, and on no other: {}", reply.text);
    stage.pool.with(|pool| {
        let now = pool::Timestamp::from_secs(1_789_344_000);
        for id in ["first", "second", "third"] {
            pool.clear(now, &id.into());
        }
    });
    second.script([Step::Http500]);
    let reply = stage.post("/v1/responses", &body).await;
    assert!(completed(&reply), "{}", reply.text);
    let elsewhere = later(&stage);
    assert_eq!(elsewhere.len(), 4, "{elsewhere:?}");
    assert_eq!((elsewhere[0].1, elsewhere[1].1), (true, false));
    assert_eq!((elsewhere[2].1, elsewhere[3].1), (true, false));
    assert!(elsewhere[1].0 != "second" && elsewhere[3].0 != "second");
    let sent = &stage.asked()[5].1;
    assert_eq!(sent["input"], whole());
    let entry = stage.journal(3).await.pop().unwrap();
    assert!(
        entry
            .losses
            .iter()
            .any(|l| l.contains("previous_response_id")),
        "{:?}",
        entry.losses
    );
}

/// After a restart nobody remembers who keeps the answer; the upstream knows that it does not.
#[tokio::test]
async fn f38_an_answer_nobody_knows() {
    let mut stage = Stage::set().await;
    let _relay = stage.relay("relay", Format::Responses);
    let body = ask(question(), Some("resp_lost"));
    let reply = stage.post("/v1/responses", &body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"]["code"], "previous_response_not_found");
    let body = ask(whole(), Some("resp_lost"));
    let reply = stage.post("/v1/responses", &body).await;
    assert!(completed(&reply), "{}", reply.text);
    let sent: Vec<bool> = stage
        .asked()
        .iter()
        .map(|(_, body)| body["previous_response_id"].is_string())
        .collect();
    assert_eq!(sent, [true, true, false]);
}

/// T136: accounts that keep no answers at all take the whole input, and refuse a part of it.
#[tokio::test]
async fn t136_accounts_that_keep_no_answers() {
    let mut stage = Stage::set().await;
    let _codex = stage.codex("codex");
    for (input, status) in [(question(), 400), (whole(), 200)] {
        let mut body = ask(input, Some("resp_lost"));
        body["model"] = "gpt-5.5".into();
        let reply = stage.post("/v1/responses", &body).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        if status == 400 {
            assert_eq!(reply.json()["error"]["code"], "previous_response_not_found");
        }
    }
}
