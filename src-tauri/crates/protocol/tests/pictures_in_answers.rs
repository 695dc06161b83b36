//! Pictures inside answers in words, from the two dialects that have them to all four, streamed and whole (F98, T34).

mod judge;
mod stage;

use judge::{events, judge_chat, judge_messages};
use protocol::{Dialect, End, Target};
use serde_json::{Value, json};
use stage::{answer_to, relay};

const PICTURE: &str = "iVBORw0KGgo+/A==";

/// Words, a picture and words again, in the dialect of the account.
fn upstream(target: Target) -> Vec<Value> {
    match target {
        Target::Gemini => vec![
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "here: "}, {"inlineData": {"mimeType": "image/webp", "data": PICTURE}}]}, "index": 0}]}),
            json!({"candidates": [{"content": {"parts": [{"text": "look"}]}, "finishReason": "STOP", "index": 0}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}),
        ],
        _ => {
            let done = |index: u64, item: Value| json!({"type": "response.output_item.done", "output_index": index, "item": item});
            let words = |text: &str| json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, "annotations": []}]});
            vec![
                json!({"type": "response.created", "response": {"id": "r", "model": "m", "output": []}}),
                done(0, words("here: ")),
                done(
                    1,
                    json!({"type": "image_generation_call", "id": "ig_1", "result": PICTURE, "output_format": "webp"}),
                ),
                done(2, words("look")),
                json!({"type": "response.completed", "response": {"id": "r", "model": "m", "status": "completed", "output": [], "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}}),
            ]
        }
    }
}

fn words() -> String {
    format!("here: ![image](data:image/webp;base64,{PICTURE})look")
}

fn whole(client: Dialect, target: Target) -> Value {
    let mut folding = answer_to(client, target, false);
    relay(&mut folding, &upstream(target), End::Clean);
    serde_json::from_slice(&folding.into_json().expect("an answer")).expect("JSON")
}

fn streamed(client: Dialect, target: Target) -> Vec<u8> {
    relay(
        &mut answer_to(client, target, true),
        &upstream(target),
        End::Clean,
    )
}

#[test]
fn f98_t34_a_gemini_client_gets_a_part_of_its_own() {
    let expected = json!([{"text": "here: "}, {"inlineData": {"mimeType": "image/webp", "data": PICTURE}}, {"text": "look"}]);
    let answer = whole(Dialect::Gemini, Target::Responses);
    assert_eq!(answer["candidates"][0]["content"]["parts"], expected);
    let mut parts = Vec::new();
    for (_, piece) in events(&streamed(Dialect::Gemini, Target::Responses)) {
        let list = piece["candidates"][0]["content"]["parts"].as_array();
        parts.extend(
            list.into_iter()
                .flatten()
                .filter(|part| part["text"] != "")
                .cloned(),
        );
    }
    assert_eq!(Value::from(parts), expected);
}

#[test]
fn f98_t34_a_responses_client_gets_the_item_of_its_hosted_tool() {
    let answer = whole(Dialect::Responses, Target::Gemini);
    let output = answer["output"].as_array().expect("items");
    let kinds: Vec<&str> = output
        .iter()
        .filter_map(|item| item["type"].as_str())
        .collect();
    assert_eq!(kinds, ["message", "image_generation_call", "message"]);
    let item = &output[1];
    assert_eq!(
        (&item["status"], &item["result"]),
        (&json!("completed"), &json!(PICTURE))
    );
    assert_eq!(item["output_format"], "webp");
    assert!(item["id"].as_str().is_some_and(|id| id.starts_with("ig_")));

    let told = events(&streamed(Dialect::Responses, Target::Gemini));
    let about: Vec<&(Option<String>, Value)> = told
        .iter()
        .filter(|(_, event)| event["output_index"] == 1)
        .collect();
    let names: Vec<&str> = about
        .iter()
        .filter_map(|(name, _)| name.as_deref())
        .collect();
    assert_eq!(
        names,
        [
            "response.output_item.added",
            "response.image_generation_call.in_progress",
            "response.image_generation_call.generating",
            "response.image_generation_call.completed",
            "response.output_item.done"
        ]
    );
    assert_eq!(about[0].1["item"]["result"], Value::Null);
    assert_eq!(about[1].1["item_id"], about[4].1["item"]["id"]);
    assert_eq!(about[4].1["item"]["result"], PICTURE);
    let last = &told.last().expect("an end").1;
    assert_eq!(last["response"]["output"][1]["result"], PICTURE);
}

#[test]
fn f98_t34_chat_and_messages_clients_get_words_that_show_it() {
    for target in [Target::Responses, Target::Gemini] {
        let chat = whole(Dialect::Chat, target);
        assert_eq!(chat["choices"][0]["message"]["content"], words());
        assert_eq!(
            judge_chat("T34", &streamed(Dialect::Chat, target)).text,
            words()
        );
        let messages = whole(Dialect::Messages, target);
        let text: String = messages["content"]
            .as_array()
            .expect("blocks")
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect();
        assert_eq!(text, words());
        assert_eq!(
            judge_messages("T34", &streamed(Dialect::Messages, target)).text,
            words()
        );
    }
}

#[test]
fn t34_a_media_type_that_is_none_breaks_nothing() {
    for kind in ["image/\"},{\"x", "image/\\\"", "image/", ""] {
        let mut events = upstream(Target::Gemini);
        events[0]["candidates"][0]["content"]["parts"][1]["inlineData"]["mimeType"] = json!(kind);
        let mut folding = answer_to(Dialect::Responses, Target::Gemini, false);
        relay(&mut folding, &events, End::Clean);
        let answer = folding.into_json().expect("an answer");
        assert!(serde_json::from_slice::<Value>(&answer).is_ok(), "{kind}");
    }
}
