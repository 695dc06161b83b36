//! T104: sealed reasoning of another account is left out once it was refused, once per request, and never sent there again.

use pool::Format;
use serde_json::{Value, json};
use simulator::{Scripted, Step};

use crate::stage::{Reply, Stage};

fn ask(stream: bool) -> Value {
    json!({
        "model": "gpt-5.5", "stream": stream, "store": false,
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "input": [{"type": "message", "role": "user", "content": "say:one"}],
    })
}

/// The next turn: what was asked, what came, and a new question. Codex's own way of stateless turns.
fn next(before: &Value, output: &[Value], words: &str) -> Value {
    let mut body = before.clone();
    let input = body["input"].as_array_mut().unwrap();
    input.extend(output.iter().cloned());
    input.push(json!({"type": "message", "role": "user", "content": words}));
    body
}

fn output(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    if reply.headers["content-type"] == "application/json" {
        return reply.json()["output"].as_array().unwrap().clone();
    }
    let events = reply.events();
    let done = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done");
    done.map(|event| event["item"].clone()).collect()
}

fn said(reply: &Reply) -> String {
    let items = output(reply);
    let message = items.iter().find(|item| item["type"] == "message").unwrap();
    message["content"][0]["text"].as_str().unwrap().to_owned()
}

fn sealed(body: &Value) -> usize {
    let input = body["input"].as_array().unwrap();
    let seals = input
        .iter()
        .filter(|item| item["encrypted_content"].is_string());
    seals.count()
}

async fn two_codex_accounts(stream: bool) {
    let mut stage = Stage::set().await;
    let _first = stage.codex("first");
    let _second = stage.codex("second");
    let body = ask(stream);
    let answer = stage.post("/v1/responses", &body).await;
    let body = next(&body, &output(&answer), "say:two");
    assert_eq!(sealed(&body), 1);

    stage.activate("second");
    let answer = stage.post("/v1/responses", &body).await;
    assert_eq!(said(&answer), "two");
    let asked = stage.asked();
    let who: Vec<&str> = asked.iter().map(|(who, _)| who.as_str()).collect();
    assert_eq!(who, ["first", "second", "second"]);
    assert_eq!((sealed(&asked[1].1), sealed(&asked[2].1)), (1, 0));
    // T74, T102: what is left must not ask for the reasoning it once followed.
    let left = asked[2].1["input"].as_array().unwrap();
    assert!(left.iter().all(|item| item["id"].is_null()), "{left:?}");
    assert_eq!(left.len(), 3);

    let entry = stage.journal(2).await.pop().unwrap();
    let outcomes: Vec<&str> = entry.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, ["invalid_encrypted_content", "success"]);
    assert!(
        entry.losses.iter().any(|loss| loss.contains("sealed")),
        "{:?}",
        entry.losses
    );

    // The seal that was refused is not sent there again; the account's own is.
    let body = next(&body, &output(&answer), "say:three");
    assert_eq!(sealed(&body), 2);
    let answer = stage.post("/v1/responses", &body).await;
    assert_eq!(said(&answer), "three");
    let asked = stage.asked();
    assert_eq!(asked.len(), 4, "no second refusal");
    assert_eq!(sealed(&asked[3].1), 1);
}

#[tokio::test]
async fn t104_a_refused_seal_is_left_out_and_the_stream_goes_on() {
    two_codex_accounts(true).await;
}

#[tokio::test]
async fn t104_a_refused_seal_is_left_out_and_the_answer_is_whole() {
    two_codex_accounts(false).await;
}

/// Failover inside one request: the second account refuses what the first one sealed.
#[tokio::test]
async fn t104_failover_and_repair_in_one_request() {
    let mut stage = Stage::set().await;
    let first = stage.codex("first");
    let _second = stage.codex("second");
    let body = ask(true);
    let answer = stage.post("/v1/responses", &body).await;
    let body = next(&body, &output(&answer), "say:two");
    first.script([Step::UsageLimit { resets_in_s: 600 }]);
    let answer = stage.post("/v1/responses", &body).await;
    assert_eq!(said(&answer), "two");
    let entry = stage.journal(2).await.pop().unwrap();
    let outcomes: Vec<&str> = entry.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(
        outcomes,
        ["usage_limit", "invalid_encrypted_content", "success"]
    );
}

/// The repair is no attempt on another account: it happens with no retry left, too.
#[tokio::test]
async fn t104_the_repair_needs_no_retry_left() {
    let config = gateway::Config {
        max_retries: 0,
        ..gateway::Config::default()
    };
    let mut stage = Stage::with(config).await;
    let relay = stage.relay("relay", Format::Responses);
    let mut body = ask(true);
    body["input"].as_array_mut().unwrap().insert(
        0,
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA-of-somebody-else"}),
    );
    // Also told inside a 200.
    relay.script([Step::failed_first("invalid_encrypted_content")]);
    let answer = stage.post("/v1/responses", &body).await;
    assert_eq!(said(&answer), "one");
    let sealed: Vec<usize> = stage.asked().iter().map(|(_, body)| sealed(body)).collect();
    assert_eq!(sealed, [1, 0]);
}

/// Once: a second refusal, and a refusal of a request without seals, belong to the client.
#[tokio::test]
async fn t104_what_cannot_be_repaired_is_told() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::Responses);
    let mut body = ask(false);
    relay.always(Step::InvalidEncryptedContent);
    let answer = stage.post("/v1/responses", &body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["code"], "invalid_encrypted_content");
    assert_eq!(
        stage.asked().len(),
        1,
        "nothing to leave out: not repeated unchanged"
    );

    body["input"].as_array_mut().unwrap().push(
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}),
    );
    let answer = stage.post("/v1/responses", &body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["code"], "invalid_encrypted_content");
    assert_eq!(stage.asked().len(), 3);
}
