//! What of an answer the client did not get stands in the journal, beside what the request lost: of a stream, of one JSON answer, of one that is cut
//! or that nobody waits for.

use bytes::Bytes;
use futures_util::StreamExt;
use pool::Format;
use serde_json::{Value, json};
use simulator::{Endpoint, Gate, Scripted, Step};

use crate::stage::Stage;

const OPENED: &str = "Dropped: answer.open_page (a page that was read at the provider has no place in the client's dialect (T55))";
const SEED: &str = "Dropped: seed (";

/// The model opened a page, then said what stands there.
fn events() -> Vec<Value> {
    let page = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "open_page", "url": "https://example.com"}});
    let said = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "hello", "annotations": []}]});
    vec![
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "m"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": page}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": said}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "model": "m", "status": "completed", "output": []}}),
    ]
}

fn streamed(events: &[Value]) -> Step {
    let frames = events
        .iter()
        .map(|event| Bytes::from(format!("data: {event}\n\n")));
    Step::Replay {
        content_type: "text/event-stream".into(),
        chunks: frames.collect(),
    }
}

fn whole(events: &[Value]) -> Step {
    let output: Vec<&Value> = events
        .iter()
        .filter_map(|event| event.get("item"))
        .collect();
    let answer = json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": output});
    Step::json(200, &answer.to_string())
}

/// A request of which the seed cannot be told to a Responses account.
fn chat(stream: bool) -> Value {
    json!({"model": "m", "seed": 7, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

#[tokio::test]
async fn a_loss_of_an_answer_stands_beside_those_of_its_request() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::Responses);
    let mut count = 0;
    for stream in [true, false] {
        for step in [streamed(&events()), whole(&events())] {
            relay.script([step]);
            let reply = stage.post("/v1/chat/completions", &chat(stream)).await;
            assert!(reply.text.contains("hello"), "{stream}: {}", reply.text);
            count += 1;
            let entry = stage.journal(count).await.pop().unwrap();
            let [seed, opened] = &entry.losses[..] else {
                panic!("{stream}: {:?}", entry.losses)
            };
            assert!(seed.starts_with(SEED), "{seed}");
            assert_eq!(opened, OPENED);
        }
    }
    // In its own dialect nothing is lost.
    relay.script([streamed(&events())]);
    let own = json!({"model": "m", "stream": true, "input": "hi"});
    let reply = stage.post("/v1/responses", &own).await;
    assert!(reply.text.contains("open_page"), "{}", reply.text);
    assert_eq!(stage.journal(5).await[4].losses, [""; 0]);
}

#[tokio::test]
async fn a_loss_of_an_answer_that_ended_early_is_told_as_well() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::Responses);
    // Cut after the page and the words.
    relay.script([streamed(&events()[..3])]);
    let reply = stage.post("/v1/chat/completions", &chat(true)).await;
    assert!(reply.text.contains("stream_disconnected"), "{}", reply.text);
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(entry.losses[1..], [OPENED]);
    // A first account failed after it had lost something: the second one's answer counts.
    let other = stage.relay("other", Format::Responses);
    stage.activate("relay");
    relay.script([streamed(&events()[..3])]);
    other.script([Step::Say("hello".into())]);
    let reply = stage.post("/v1/chat/completions", &chat(false)).await;
    assert!(reply.text.contains("hello"), "{}", reply.text);
    let entry = stage.journal(2).await.pop().unwrap();
    assert_eq!(entry.attempts.len(), 2);
    assert_eq!(entry.losses.len(), 1, "{:?}", entry.losses);
}

#[tokio::test]
async fn a_loss_of_an_answer_that_nobody_waits_for_is_told_as_well() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::Anthropic);
    let gate = Gate::new();
    // The model thinks and speaks; the proof of its thoughts comes before its words, and a Chat client has no place for it.
    relay.script([Step::Gated {
        events: 10,
        gate: gate.clone(),
    }]);
    let body = json!({"model": "claude-sonnet-4-5", "stream": true, "reasoning_effort": "low",
        "messages": [{"role": "user", "content": "think:\"hm\" say:\"one two three four five six\""}]});
    let answer = stage
        .request("/v1/chat/completions")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let mut stream = answer.bytes_stream();
    let mut seen = String::new();
    while !seen.contains("\"content\":\"") {
        seen += &String::from_utf8_lossy(&stream.next().await.unwrap().unwrap());
    }
    drop(stream);
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(entry.end, gateway::End::Cancelled);
    let told = entry
        .losses
        .iter()
        .any(|loss| loss.contains("answer.reasoning.signature"));
    assert!(told, "{:?} {seen}", entry.losses);
    gate.release();
}

#[tokio::test]
async fn f97_words_and_more_pictures_beside_a_picture_are_losses() {
    let mut stage = Stage::set().await;
    let account = stage.codex("first");
    let picture = |id: &str| json!({"type": "image_generation_call", "id": id, "status": "completed", "result": "iVBORw0KGgo="});
    let events = [
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "m"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": picture("ig_1")}),
        json!({"type": "response.output_text.delta", "output_index": 1, "delta": "There you are."}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": picture("ig_2")}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}}),
    ];
    account.script_at(Endpoint::Images, [Step::Forbidden403Json]);
    account.script([streamed(&events)]);
    let body = json!({"model": "gpt-image-1", "prompt": "a lighthouse"});
    let reply = stage.post("/v1/images/generations", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let entry = stage.journal(1).await.pop().unwrap();
    for field in ["answer.words", "answer.images"] {
        let told = entry.losses.iter().any(|loss| loss.contains(field));
        assert!(told, "{field}: {:?}", entry.losses);
    }
}
