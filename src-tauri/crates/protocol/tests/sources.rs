//! Where an answer's words come from, from every dialect to every other one: citations with their places, and searches that ran at the provider
//! (T31, T55, T88).

mod judge;

use bytes::Bytes;
use judge::{Said, events, judge_chat, judge_gemini, judge_messages, judge_responses};
use proptest::prelude::*;
use protocol::{
    Answer, Dialect, End, Failure, Options, Out, ReasoningOutput, Target, Terminal, peek, prepare,
};
use serde_json::{Value, json};

const CLIENTS: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];
const UPSTREAMS: [Target; 4] = [
    Target::Chat,
    Target::Responses,
    Target::Messages,
    Target::Gemini,
];

/// A request that asks for a search of the web, in the client's own words.
fn searching(client: Dialect) -> Value {
    match client {
        Dialect::Chat => {
            json!({"model": "asked", "stream": true, "messages": [{"role": "user", "content": "hi"}], "web_search_options": {}})
        }
        Dialect::Responses => {
            json!({"model": "asked", "stream": true, "input": "hi", "tools": [{"type": "web_search"}]})
        }
        Dialect::Messages => {
            json!({"model": "asked", "stream": true, "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}], "tools": [{"type": "web_search_20250305", "name": "web_search"}]})
        }
        Dialect::Gemini => {
            json!({"contents": [{"parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {}}]})
        }
    }
}

const fn model(to: Target) -> &'static str {
    match to {
        Target::Messages => "claude-sonnet-4-5",
        Target::Gemini => "gemini-2.5-flash",
        Target::Chat | Target::Responses | Target::Codex => "gpt-4.1",
    }
}

fn answer_of(client: Dialect, to: Target, streams: bool, request: &Value) -> Answer {
    let body = Bytes::from(request.to_string());
    let head = peek(client, &body).expect("a request");
    let options = Options {
        request_id: "r1",
        created: 1_700_000_000,
        model: Some(model(to)),
        ..Options::default()
    };
    let prepared = prepare(client, to, &body, &head, &options).expect("prepared");
    Answer::new(client, to, prepared.state, streams)
}

/// As event data, perhaps with every character beyond ASCII escaped, which some servers do.
fn frames(upstream: &[Value], escaped: bool) -> Bytes {
    let mut all = String::new();
    for value in upstream {
        let mut data = value.to_string();
        if escaped {
            let mut units = [0; 2];
            data = data
                .chars()
                .map(|c| match c.is_ascii() {
                    true => c.to_string(),
                    false => c
                        .encode_utf16(&mut units)
                        .iter()
                        .map(|unit| format!("\\u{unit:04x}"))
                        .collect(),
                })
                .collect();
        }
        if let Some(kind) = value["type"].as_str() {
            all += &format!("event: {kind}\n");
        }
        all += &format!("data: {data}\n\n");
    }
    Bytes::from(all)
}

const URL: &str = "https://example.com/a";
/// Characters 7 to 15 and bytes 11 to 19 rest on the page.
const TEXT: [&str; 3] = ["Café 😀 ", "is open.", " Bye."];
const QUERY: &str = "when \"open\"?";

/// The same answer as each provider streams it: a search, then words of which the second stretch rests on a page.
fn told_by(to: Target) -> Vec<Value> {
    let [before, words, behind] = TEXT;
    match to {
        Target::Chat => {
            let delta = |delta: Value| json!({"id": "c", "created": 7, "model": "up", "choices": [{"index": 0, "delta": delta}]});
            vec![
                delta(json!({"content": before})),
                delta(json!({"content": words})),
                delta(json!({"content": behind})),
                delta(
                    json!({"annotations": [{"type": "url_citation", "url_citation": {"url": URL, "title": "T", "start_index": 7, "end_index": 15, "content": "q"}}]}),
                ),
                json!({"id": "c", "created": 7, "model": "up", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            ]
        }
        Target::Responses | Target::Codex => {
            let delta = |delta: &str| json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": delta});
            let call = json!({"type": "web_search_call", "id": "ws_7", "status": "completed", "action": {"type": "search", "query": QUERY, "sources": [{"type": "url", "url": URL}]}});
            vec![
                json!({"type": "response.created", "response": {"id": "resp_1", "model": "up"}}),
                json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "web_search_call", "id": "ws_7", "status": "in_progress"}}),
                json!({"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_7"}),
                json!({"type": "response.output_item.done", "output_index": 0, "item": call}),
                json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "id": "msg_7", "role": "assistant", "content": []}}),
                delta(before),
                delta(words),
                json!({"type": "response.output_text.annotation.added", "output_index": 1, "content_index": 0, "annotation_index": 0, "annotation": {"type": "url_citation", "url": URL, "title": "T", "start_index": 7, "end_index": 15}}),
                delta(behind),
                json!({"type": "response.output_item.done", "output_index": 1, "item": {"type": "message", "id": "msg_7", "role": "assistant", "content": [
                    {"type": "output_text", "text": TEXT.concat(), "annotations": [{"type": "url_citation", "url": URL, "title": "T", "start_index": 7, "end_index": 15}]}]}}),
                json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}}),
            ]
        }
        Target::Messages => {
            let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
            let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
            let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
            let input = json!({"query": QUERY}).to_string();
            let (head, tail) = input.split_at(11);
            let mut all = vec![
                json!({"type": "message_start", "message": {"id": "msg_1", "model": "up", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
                start(
                    0,
                    json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
                ),
                delta(0, json!({"type": "input_json_delta", "partial_json": head})),
                delta(0, json!({"type": "input_json_delta", "partial_json": tail})),
                stop(0),
                start(
                    1,
                    json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": URL, "title": "T", "encrypted_content": "E", "page_age": null}]}),
                ),
                stop(1),
            ];
            for (index, text) in (2..).zip(TEXT) {
                all.push(start(index, json!({"type": "text", "text": ""})));
                if index == 3 {
                    all.push(delta(3, json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": URL, "title": "T", "cited_text": "q", "encrypted_index": "I"}})));
                }
                all.push(delta(index, json!({"type": "text_delta", "text": text})));
                all.push(stop(index));
            }
            all.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}));
            all.push(json!({"type": "message_stop"}));
            all
        }
        Target::Gemini => {
            let piece = |text: &str| json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}], "modelVersion": "up"});
            let mut first = piece(before);
            first["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": [QUERY]});
            let mut last = piece(behind);
            last["candidates"][0]["finishReason"] = json!("STOP");
            last["candidates"][0]["groundingMetadata"] = json!({
                "webSearchQueries": [QUERY], "groundingChunks": [{"web": {"uri": URL, "title": "T"}}],
                "groundingSupports": [{"segment": {"startIndex": 11, "endIndex": 19, "text": words}, "groundingChunkIndices": [0]}]});
            vec![first, piece(words), last]
        }
    }
}

/// The same answer as one JSON body.
fn whole_of(to: Target) -> Value {
    let text = TEXT.concat();
    let pieces = told_by(to);
    match to {
        Target::Chat => {
            let annotations = &pieces[3]["choices"][0]["delta"]["annotations"];
            json!({"id": "c", "created": 7, "model": "up", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, "annotations": annotations}}]})
        }
        Target::Responses | Target::Codex => {
            json!({"id": "resp_1", "model": "up", "status": "completed", "output": [pieces[3]["item"], pieces[9]["item"]]})
        }
        Target::Messages => {
            let mut call = pieces[1]["content_block"].clone();
            call["input"] = json!({"query": QUERY});
            let cited = json!([{"type": "web_search_result_location", "url": URL, "title": "T", "cited_text": "q", "encrypted_index": "I"}]);
            json!({"id": "msg_1", "model": "up", "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 9}, "content": [
                call, pieces[5]["content_block"], {"type": "text", "text": TEXT[0]}, {"type": "text", "text": TEXT[1], "citations": cited}, {"type": "text", "text": TEXT[2]}]})
        }
        Target::Gemini => {
            let mut whole = pieces[2].clone();
            // With a thought before it the text is the second part, and some versions count as if it were the first.
            whole["candidates"][0]["content"]["parts"] =
                json!([{"text": "hm", "thought": true}, {"text": text}]);
            whole
        }
    }
}

/// What a client reads of sources: place, address and title of each, and what was searched.
#[derive(Debug, Default, PartialEq)]
struct Read {
    text: String,
    cites: Vec<(u64, u64, String, String)>,
    searches: Vec<(String, Vec<String>)>,
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn cite(value: &Value) -> (u64, u64, String, String) {
    let number = |key: &str| value[key].as_u64().unwrap_or(u64::MAX);
    (
        number("start_index"),
        number("end_index"),
        words(&value["url"]),
        words(&value["title"]),
    )
}

fn read_annotations(list: &Value, read: &mut Read) {
    for one in list.as_array().into_iter().flatten() {
        let nested = one.get("url_citation").unwrap_or(one);
        assert_eq!(one["type"], "url_citation");
        read.cites.push(cite(nested));
    }
}

fn read_item(item: &Value, read: &mut Read) {
    match item["type"].as_str() {
        Some("message") => {
            for part in item["content"].as_array().into_iter().flatten() {
                read.text += part["text"].as_str().unwrap_or_default();
                read_annotations(&part["annotations"], read);
            }
        }
        Some("web_search_call") => {
            assert!(words(&item["id"]).starts_with("ws_"), "T74");
            let pages = item["action"]["sources"].as_array().into_iter().flatten();
            read.searches.push((
                words(&item["action"]["query"]),
                pages.map(|page| words(&page["url"])).collect(),
            ));
        }
        _ => {}
    }
}

fn read_block(block: &Value, read: &mut Read) {
    match block["type"].as_str() {
        Some("text") => {
            read.text += block["text"].as_str().unwrap_or_default();
            for one in block["citations"].as_array().into_iter().flatten() {
                assert_eq!(one["type"], "web_search_result_location");
                assert!(one["cited_text"].is_string() && one["encrypted_index"].is_string());
                read.cites
                    .push((0, 0, words(&one["url"]), words(&one["title"])));
            }
        }
        Some("server_tool_use") => read
            .searches
            .push((words(&block["input"]["query"]), Vec::new())),
        Some("web_search_tool_result") => {
            let last = read.searches.last_mut().expect("a call before its result");
            for page in block["content"].as_array().expect("pages") {
                assert!(page["encrypted_content"].is_string() && page["title"].is_string());
                last.1.push(words(&page["url"]));
            }
        }
        _ => {}
    }
}

fn read_grounding(candidate: &Value, read: &mut Read) {
    let grounding = &candidate["groundingMetadata"];
    for query in grounding["webSearchQueries"]
        .as_array()
        .into_iter()
        .flatten()
    {
        read.searches.push((words(query), Vec::new()));
    }
    for support in grounding["groundingSupports"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let segment = &support["segment"];
        for index in support["groundingChunkIndices"]
            .as_array()
            .expect("indexes")
        {
            let chunk = &grounding["groundingChunks"]
                [usize::try_from(index.as_u64().expect("a number")).expect("small")];
            let (start, end) = (segment["startIndex"].as_u64(), segment["endIndex"].as_u64());
            let (start, end) = (start.expect("a start"), end.expect("an end"));
            if let Some(said) = segment["text"].as_str() {
                assert_eq!(said, TEXT[1], "the words of the segment");
            }
            read.cites.push((
                start,
                end,
                words(&chunk["web"]["uri"]),
                words(&chunk["web"]["title"]),
            ));
        }
    }
}

fn judged(client: Dialect, name: &str, sent: &[u8]) -> Said {
    match client {
        Dialect::Chat => judge_chat(name, sent),
        Dialect::Responses => judge_responses(name, sent),
        Dialect::Messages => judge_messages(name, sent),
        Dialect::Gemini => judge_gemini(name, sent),
    }
}

fn read_stream(client: Dialect, name: &str, sent: &[u8]) -> Read {
    let mut read = Read::default();
    let said = judged(client, name, sent).text;
    let mut added = Vec::new();
    let mut block = Value::Null;
    for (_, value) in events(sent) {
        match client {
            Dialect::Chat => {
                read_annotations(&value["choices"][0]["delta"]["annotations"], &mut read)
            }
            Dialect::Responses => match value["type"].as_str() {
                Some("response.output_text.annotation.added") => {
                    assert_eq!(value["annotation_index"], added.len());
                    added.push(value["annotation"].clone());
                }
                Some("response.completed") => {
                    for item in value["response"]["output"].as_array().expect("items") {
                        read_item(item, &mut read);
                        if item["type"] == "message" {
                            assert_eq!(item["content"][0]["annotations"], json!(added), "{name}");
                        }
                    }
                }
                _ => {}
            },
            Dialect::Messages => match value["type"].as_str() {
                Some("content_block_start") => block = value["content_block"].clone(),
                Some("content_block_delta") => match value["delta"]["type"].as_str() {
                    Some("input_json_delta") => {
                        let input = words(&value["delta"]["partial_json"]);
                        block["input"] = serde_json::from_str(&input).expect("JSON");
                    }
                    Some("citations_delta") => {
                        if !block["citations"].is_array() {
                            block["citations"] = json!([]);
                        }
                        let list = block["citations"].as_array_mut().expect("a list");
                        list.push(value["delta"]["citation"].clone());
                    }
                    _ => {}
                },
                Some("content_block_stop") => read_block(&block, &mut read),
                _ => {}
            },
            Dialect::Gemini => read_grounding(&value["candidates"][0], &mut read),
        }
    }
    read.text = said;
    read
}

fn read_whole(client: Dialect, answer: &Value) -> Read {
    let mut read = Read::default();
    match client {
        Dialect::Chat => {
            let message = &answer["choices"][0]["message"];
            read.text = words(&message["content"]);
            read_annotations(&message["annotations"], &mut read);
        }
        Dialect::Responses => {
            for item in answer["output"].as_array().expect("items") {
                read_item(item, &mut read);
            }
        }
        Dialect::Messages => {
            for block in answer["content"].as_array().expect("blocks") {
                read_block(block, &mut read);
            }
        }
        Dialect::Gemini => {
            for part in answer["candidates"][0]["content"]["parts"]
                .as_array()
                .expect("parts")
            {
                if part["thought"] != true {
                    read.text += part["text"].as_str().unwrap_or_default();
                }
            }
            read_grounding(&answer["candidates"][0], &mut read);
        }
    }
    read
}

/// What a client should read of the answer of [`told_by`].
fn expected(client: Dialect, to: Target, whole: bool) -> Read {
    let place = match client {
        Dialect::Chat | Dialect::Responses => (7, 15),
        Dialect::Gemini => (11, 19),
        Dialect::Messages => (0, 0),
    };
    // Chat has no place for a search, and a Chat server tells none. A Gemini stream names the pages when the words are told already.
    let pages = match (client, to) {
        (Dialect::Gemini, _) => vec![],
        (_, Target::Gemini) if !whole => vec![],
        _ => vec![URL.to_owned()],
    };
    let searches = match (client, to) {
        (Dialect::Chat, _) | (_, Target::Chat) => vec![],
        _ => vec![(QUERY.to_owned(), pages)],
    };
    Read {
        text: TEXT.concat(),
        cites: vec![(place.0, place.1, URL.to_owned(), "T".to_owned())],
        searches,
    }
}

fn pairs() -> impl Iterator<Item = (Dialect, Target)> {
    let all = CLIENTS
        .into_iter()
        .flat_map(|client| UPSTREAMS.map(|to| (client, to)));
    all.filter(|(client, to)| to.dialect() != *client)
}

#[test]
fn t31_t55_sources_and_searches_reach_every_client_with_their_places() {
    for (client, to) in pairs() {
        for escaped in [false, true] {
            let name = format!("{to:?} to {client:?}, escaped: {escaped}");
            let mut answer = answer_of(client, to, true, &searching(client));
            let mut out = Out::new();
            answer.push(&frames(&told_by(to), escaped), &mut out);
            let mut sent = out.take().unwrap_or_default().to_vec();
            answer.finish(&mut out, End::Clean);
            sent.extend_from_slice(&out.take().unwrap_or_default());
            let read = read_stream(client, &name, &sent);
            assert_eq!(read, expected(client, to, false), "{name}");

            let mut folded = answer_of(client, to, false, &searching(client));
            folded.push(&frames(&told_by(to), escaped), &mut out);
            folded.finish(&mut out, End::Clean);
            let json: Value = serde_json::from_slice(&folded.into_json().expect(&name)).unwrap();
            let read = read_whole(client, &json);
            assert_eq!(read, expected(client, to, false), "{name}, folded");
        }
    }
}

#[test]
fn t31_t55_whole_answers_name_their_sources() {
    for (client, to) in pairs() {
        let name = format!("{to:?} to {client:?}");
        let body = Bytes::from(whole_of(to).to_string());
        let mut answer = answer_of(client, to, false, &searching(client));
        let json = answer.answer_json(&body).expect(&name);
        let json: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            read_whole(client, &json),
            expected(client, to, true),
            "{name}"
        );
        let mut out = Out::new();
        answer_of(client, to, true, &searching(client))
            .stream_json(&body, &mut out)
            .expect(&name);
        let sent = out.take().unwrap_or_default();
        assert_eq!(
            read_stream(client, &name, &sent),
            expected(client, to, true),
            "{name}, streamed"
        );
    }
}

/// The sources of a Chat answer whose text is "abc" and whose annotations are these, for that client.
fn of_annotations(client: Dialect, annotations: Value) -> Value {
    let body = json!({"id": "c", "created": 7, "model": "up", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "abc", "annotations": annotations}}]});
    let mut answer = answer_of(client, Target::Chat, false, &searching(client));
    let json = answer
        .answer_json(&Bytes::from(body.to_string()))
        .expect("an answer");
    serde_json::from_slice(&json).expect("JSON")
}

#[test]
fn t31_a_place_is_never_made_up() {
    for (annotation, cites) in [
        // Without a place two dialects cannot tell it.
        (
            json!({"type": "url_citation", "url_citation": {"url": URL, "title": "T"}}),
            0,
        ),
        // What a server says is told, even that it knows none.
        (
            json!({"type": "url_citation", "url_citation": {"url": URL, "start_index": 0, "end_index": 0}}),
            1,
        ),
        // A place of another kind than a number.
        (
            json!({"type": "url_citation", "url_citation": {"url": URL, "start_index": "1", "end_index": 2}}),
            0,
        ),
        (json!({"type": "url_citation"}), 0),
        (json!({"type": "url_citation", "url_citation": 7}), 0),
        (json!(7), 0),
        (json!("x"), 0),
        (json!(null), 0),
    ] {
        let told = of_annotations(Dialect::Responses, json!([annotation]));
        let list = told["output"][0]["content"][0]["annotations"].as_array();
        assert_eq!(list.map(Vec::len), Some(cites), "{annotation}");
        // A Messages client is told the page whatever its place, and nothing where there is none.
        let told = of_annotations(Dialect::Messages, json!([annotation]));
        let list = told["content"][0]["citations"].as_array();
        let page = annotation["url_citation"]["url"].is_string();
        assert_eq!(list.map(Vec::len), page.then_some(1), "{annotation}");
    }
    // Behind the end of the text there is nothing to point to.
    let far = json!([{"type": "url_citation", "url_citation": {"url": URL, "start_index": 1, "end_index": 9}}]);
    let told = of_annotations(Dialect::Gemini, far);
    let grounding = &told["candidates"][0]["groundingMetadata"];
    assert_eq!(grounding["groundingChunks"][0]["web"]["uri"], URL);
    assert_eq!(grounding["groundingSupports"], json!([]));
}

#[test]
fn t31_files_and_documents_keep_what_the_other_dialect_can_say() {
    let part = |annotation: Value| json!({"id": "resp_1", "model": "up", "status": "completed", "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "abc", "annotations": [annotation]}]}]});
    let file = part(
        json!({"type": "file_citation", "index": 2, "file_id": "file-1", "filename": "a.pdf"}),
    );
    let body = Bytes::from(file.to_string());
    let read = |client: Dialect, to: Target, body: &Bytes| -> Value {
        let mut answer = answer_of(client, to, false, &searching(client));
        serde_json::from_slice(&answer.answer_json(body).expect("an answer")).expect("JSON")
    };
    let gemini = read(Dialect::Gemini, Target::Responses, &body);
    assert_eq!(
        gemini["candidates"][0]["groundingMetadata"]["groundingChunks"],
        json!([{"retrievedContext": {"title": "a.pdf", "documentName": "file-1"}}])
    );
    let chat = read(Dialect::Chat, Target::Responses, &body);
    assert!(chat["choices"][0]["message"].get("annotations").is_none());
    let messages = read(Dialect::Messages, Target::Responses, &body);
    assert_eq!(
        messages["content"],
        json!([{"type": "text", "text": "abc"}])
    );

    let stored = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "aé c"}]}, "finishReason": "STOP", "groundingMetadata": {
        "groundingChunks": [{"retrievedContext": {"fileSearchStore": "stores/s", "text": "q"}}],
        "groundingSupports": [{"segment": {"endIndex": 3, "text": "aé"}, "groundingChunkIndices": [0, 9]}]}}]});
    let body = Bytes::from(stored.to_string());
    let responses = read(Dialect::Responses, Target::Gemini, &body);
    assert_eq!(
        responses["output"][0]["content"][0]["annotations"],
        json!([{"type": "file_citation", "index": 2, "file_id": "stores/s", "filename": "stores/s"}])
    );

    // Named unasked: words that repeat a work.
    let works = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "aé c"}]}, "finishReason": "STOP", "citationMetadata": {
        "citationSources": [{"startIndex": 1, "endIndex": 3, "uri": URL, "license": "x"}, {"endIndex": 2, "uri": URL}, {"uri": ""}]}}]});
    let body = Bytes::from(works.to_string());
    let responses = read(Dialect::Responses, Target::Gemini, &body);
    assert_eq!(
        responses["output"][0]["content"][0]["annotations"],
        json!([{"type": "url_citation", "start_index": 1, "end_index": 2, "url": URL, "title": ""}]),
        "the second place ends inside a character"
    );
}

#[test]
fn t34_code_that_ran_at_the_provider_is_told_in_words() {
    let body = json!({"id": "resp_1", "model": "up", "status": "completed", "output": [
        {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "print(1)", "outputs": [{"type": "logs", "logs": "1"}, {"type": "image", "url": URL}, 7]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "one"}]}]});
    let body = Bytes::from(body.to_string());
    for client in [Dialect::Chat, Dialect::Messages, Dialect::Gemini] {
        let mut answer = answer_of(client, Target::Responses, false, &searching(client));
        let json = answer.answer_json(&body).expect("an answer");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(
            read_whole(client, &json).text,
            "\n```python\nprint(1)\n```\n\n```\n1\n```\none",
            "{client:?}"
        );
    }
}

#[test]
fn t34_code_that_ran_at_a_messages_vendor_moves_no_place() {
    let mut whole = whole_of(Target::Messages);
    let content = whole["content"].as_array_mut().expect("blocks");
    let ran = [
        json!({"type": "server_tool_use", "id": "srvtoolu_2", "name": "bash_code_execution", "input": {"command": "ls"}}),
        json!({"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {"type": "bash_code_execution_result", "stdout": "a", "stderr": "", "return_code": 0, "content": []}}),
    ];
    content.splice(2..2, ran);
    let body = Bytes::from(whole.to_string());
    let before = "\n```sh\nls\n```\n\n```\na\n```\n";
    for client in [Dialect::Chat, Dialect::Responses, Dialect::Gemini] {
        let mut answer = answer_of(client, Target::Messages, false, &searching(client));
        let json = answer.answer_json(&body).expect("an answer");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        let read = read_whole(client, &json);
        assert_eq!(
            read.text,
            format!("{before}{}", TEXT.concat()),
            "{client:?}"
        );
        let mut moved = expected(client, Target::Messages, true).cites;
        moved[0].0 += before.len() as u64;
        moved[0].1 += before.len() as u64;
        assert_eq!(read.cites, moved, "{client:?}");
    }
}

#[test]
fn t34_files_that_were_edited_at_a_messages_vendor_are_told() {
    for (kind, input, result, told) in [
        (
            "text_editor",
            json!({"command": "create", "path": "/tmp/a.py", "file_text": "print(1)"}),
            json!({"type": "text_editor_code_execution_create_result", "is_file_update": false}),
            "\n```sh\ncreate /tmp/a.py\n```\n\n```\nprint(1)\n```\n",
        ),
        (
            "text_editor",
            json!({"command": "view", "path": "/tmp/a.py"}),
            json!({"type": "text_editor_code_execution_view_result", "file_type": "text", "content": "print(1)", "num_lines": 1, "start_line": 1, "total_lines": 1}),
            "\n```sh\nview /tmp/a.py\n```\n\n```\nprint(1)\n```\n",
        ),
        (
            "text_editor",
            json!({"command": "str_replace", "path": "/tmp/a.py", "old_str": "1", "new_str": "2"}),
            json!({"type": "text_editor_code_execution_str_replace_result", "old_start": 1, "old_lines": 1, "new_start": 1, "new_lines": 1, "lines": ["-print(1)", "+print(2)"]}),
            "\n```sh\nstr_replace /tmp/a.py\n```\n\n```\n-print(1)\n+print(2)\n```\n",
        ),
        (
            "text_editor",
            json!({"command": "view", "path": "/tmp/b"}),
            json!({"type": "text_editor_code_execution_tool_result_error", "error_code": "file_not_found", "error_message": "no such file"}),
            "\n```sh\nview /tmp/b\n```\n\n```\nfile_not_found\n```\n\n```\nno such file\n```\n",
        ),
        (
            "bash",
            json!({"command": "ls"}),
            json!({"type": "bash_code_execution_tool_result_error", "error_code": "execution_time_exceeded"}),
            "\n```sh\nls\n```\n\n```\nexecution_time_exceeded\n```\n",
        ),
        (
            "bash",
            json!({"command": "plot"}),
            json!({"type": "bash_code_execution_result", "stdout": "", "stderr": "", "return_code": 0, "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}]}),
            "\n```sh\nplot\n```\n\n```\nfile_1\n```\n",
        ),
        (
            "",
            json!({"code": "1/0"}),
            json!({"type": "code_execution_tool_result_error", "error_code": "unavailable"}),
            "\n```python\n1/0\n```\n\n```\nunavailable\n```\n",
        ),
    ] {
        let name = format!("{kind}_code_execution");
        let name = name.trim_start_matches('_');
        let asked =
            json!({"type": "server_tool_use", "id": "srvtoolu_2", "name": name, "input": input});
        let ran = json!({"type": format!("{name}_tool_result"), "tool_use_id": "srvtoolu_2", "content": result});
        let mut whole = whole_of(Target::Messages);
        let content = whole["content"].as_array_mut().expect("blocks");
        content.splice(2..2, [asked, ran]);
        let body = Bytes::from(whole.to_string());
        for client in [Dialect::Chat, Dialect::Responses, Dialect::Gemini] {
            let mut answer = answer_of(client, Target::Messages, false, &searching(client));
            let json = answer.answer_json(&body).expect("an answer");
            let json: Value = serde_json::from_slice(&json).expect("JSON");
            assert_eq!(
                read_whole(client, &json).text,
                format!("{told}{}", TEXT.concat()),
                "{client:?} {result}"
            );
        }
    }
}

#[test]
fn t31_thoughts_in_the_text_move_it_so_no_place_is_told() {
    let body = Bytes::from(searching(Dialect::Chat).to_string());
    let head = peek(Dialect::Chat, &body).expect("a request");
    let options = Options {
        request_id: "r1",
        reasoning: ReasoningOutput::ThinkTags,
        ..Options::default()
    };
    let to = Target::Responses;
    let prepared = prepare(Dialect::Chat, to, &body, &head, &options).expect("prepared");
    let mut answer = Answer::new(Dialect::Chat, to, prepared.state, true);
    let mut out = Out::new();
    answer.push(&frames(&told_by(to), false), &mut out);
    let sent = out.take().unwrap_or_default();
    assert!(memchr::memmem::find(&sent, b"annotations").is_none());
}

#[test]
fn t146_a_pause_is_an_error_for_who_cannot_continue_and_untouched_for_who_can() {
    let mut pieces = told_by(Target::Messages);
    let at = pieces.len() - 2;
    pieces[at]["delta"]["stop_reason"] = json!("pause_turn");
    let mut whole = whole_of(Target::Messages);
    whole["stop_reason"] = json!("pause_turn");
    let whole = Bytes::from(whole.to_string());
    for client in CLIENTS {
        let name = format!("{client:?}");
        let stream = frames(&pieces, false);
        let mut answer = answer_of(client, Target::Messages, true, &searching(client));
        let mut out = Out::new();
        answer.push(&stream, &mut out);
        let mut sent = out.take().unwrap_or_default().to_vec();
        answer.finish(&mut out, End::Clean);
        sent.extend_from_slice(&out.take().unwrap_or_default());
        let json =
            answer_of(client, Target::Messages, false, &searching(client)).answer_json(&whole);
        if client == Dialect::Messages {
            let text = String::from_utf8(sent).expect("text");
            assert!(text.contains("\"stop_reason\":\"pause_turn\"") && text.contains("srvtoolu_1"));
            assert_eq!(answer.observed().terminal, Some(Terminal::Completed));
            let json: Value = serde_json::from_slice(&json.expect("an answer")).expect("JSON");
            assert_eq!(json["stop_reason"], "pause_turn");
            assert_eq!(json["content"][0]["type"], "server_tool_use");
            continue;
        }
        let said = judged(client, &name, &sent);
        assert_eq!(
            (said.end.as_str(), said.text),
            ("error", TEXT.concat()),
            "{name}"
        );
        assert_eq!(answer.observed().terminal, Some(Terminal::Failed), "{name}");
        let Err(Failure::Upstream { error, .. }) = json else {
            panic!("{name}: a failure");
        };
        assert!(
            error.message.contains("paused"),
            "{name}: says what happened"
        );
    }
}

/// The body that the account is sent and what was lost, or the refusal's field and words.
fn sent(client: Dialect, to: Target, changes: &Value) -> Result<(Value, String), (String, String)> {
    let mut request = searching(client);
    for (key, value) in changes.as_object().expect("an object") {
        request[key] = value.clone();
    }
    let body = Bytes::from(request.to_string());
    let head = peek(client, &body).expect("a request");
    let options = Options {
        request_id: "r1",
        model: Some(changes["model"].as_str().unwrap_or(model(to))),
        ..Options::default()
    };
    match prepare(client, to, &body, &head, &options) {
        Ok(prepared) => Ok((
            serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON"),
            format!("{:?}", prepared.losses),
        )),
        Err(error) => Err((
            error.param.clone().unwrap_or_default().into(),
            error.message.clone(),
        )),
    }
}

#[test]
fn t55_a_search_is_asked_of_every_account_that_can() {
    for (client, to) in pairs() {
        let (body, losses) = sent(client, to, &json!({})).expect("prepared");
        let (field, expected) = match to {
            Target::Chat => ("web_search_options", Value::Null),
            Target::Responses | Target::Codex => ("tools", json!([{"type": "web_search"}])),
            Target::Messages => (
                "tools",
                json!([{"type": "web_search_20250305", "name": "web_search"}]),
            ),
            Target::Gemini => ("tools", json!([{"googleSearch": {}}])),
        };
        assert_eq!(body[field], expected, "{client:?} to {to:?}");
        assert!(!losses.is_empty() && losses != "[]", "{client:?} to {to:?}");
    }
    // What was found is told only when asked for; the Codex backend has a list of its own.
    let (body, _) = sent(Dialect::Messages, Target::Responses, &json!({})).expect("prepared");
    assert_eq!(body["include"], json!(["web_search_call.action.sources"]));
    let (body, _) = sent(Dialect::Messages, Target::Codex, &json!({})).expect("prepared");
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    // Chat servers search with some models alone.
    let place = json!([{"type": "web_search", "user_location": {"type": "approximate", "city": "Bern"}, "filters": {"allowed_domains": ["example.com"]}}]);
    let asked = json!({"model": "gpt-4o-search-preview", "tools": place});
    let (body, losses) = sent(Dialect::Responses, Target::Chat, &asked).expect("prepared");
    assert_eq!(
        body["web_search_options"],
        json!({"user_location": {"type": "approximate", "approximate": {"city": "Bern"}}})
    );
    assert!(body.get("tools").is_none() && losses.contains("allowed_domains"));
    // Limits that the other cannot be told are losses; those it can are kept.
    let limited = json!({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "blocked_domains": ["example.org"], "user_location": {"type": "approximate", "country": "CH"}}]});
    for (to, lost) in [
        (Target::Responses, &["max_uses", "blocked_domains"][..]),
        (Target::Codex, &["max_uses", "blocked_domains"]),
        (
            Target::Gemini,
            &["max_uses", "blocked_domains", "user_location"],
        ),
    ] {
        let (_, losses) = sent(Dialect::Messages, to, &limited).expect("prepared");
        for name in lost {
            assert!(losses.contains(name), "{to:?} {name}: {losses}");
        }
    }
    let blocked = json!({"tools": [{"googleSearch": {"excludeDomains": ["example.org"]}}]});
    let (body, _) = sent(Dialect::Gemini, Target::Messages, &blocked).expect("prepared");
    assert_eq!(body["tools"][0]["blocked_domains"], json!(["example.org"]));
}

#[test]
fn t55_t56_other_hosted_tools_go_where_both_have_them() {
    let tools = |list: Value| json!({"tools": list});
    for (client, to, given, expected, lost) in [
        (
            Dialect::Gemini,
            Target::Responses,
            json!([{"codeExecution": {}}]),
            json!([{"type": "code_interpreter", "container": {"type": "auto"}}]),
            "",
        ),
        (
            Dialect::Gemini,
            Target::Codex,
            json!([{"codeExecution": {}}]),
            Value::Null,
            "codeExecution",
        ),
        (
            Dialect::Gemini,
            Target::Messages,
            json!([{"urlContext": {}}, {"codeExecution": {}}]),
            json!([{"type": "web_fetch_20250910", "name": "web_fetch"}, {"type": "code_execution_20250825", "name": "code_execution"}]),
            "",
        ),
        (
            Dialect::Messages,
            Target::Gemini,
            json!([{"type": "web_fetch_20250910", "name": "web_fetch"}, {"type": "code_execution_20250825", "name": "code_execution"}]),
            json!([{"urlContext": {}}, {"codeExecution": {}}]),
            "",
        ),
        (
            Dialect::Responses,
            Target::Gemini,
            json!([{"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "file_search", "vector_store_ids": ["v"]}]),
            json!([{"codeExecution": {}}]),
            "file_search",
        ),
        (
            Dialect::Responses,
            Target::Messages,
            json!([{"type": "mcp", "server_label": "m"}, {"type": "computer_use_preview"}]),
            Value::Null,
            "computer_use_preview",
        ),
        (
            Dialect::Messages,
            Target::Chat,
            json!([{"type": "web_search_20250305", "name": "web_search"}]),
            Value::Null,
            "web_search",
        ),
    ] {
        let (body, losses) = sent(client, to, &tools(given.clone())).expect("prepared");
        assert_eq!(
            body.get("tools").cloned().unwrap_or_default(),
            expected,
            "{client:?} to {to:?}: {given}"
        );
        assert!(losses.contains(lost), "{losses}");
    }
    // Typed tools of the client's own have a schema that others do not know (T54).
    let typed = tools(json!([{"type": "computer_20250124", "name": "computer"}]));
    let refused = sent(Dialect::Messages, Target::Gemini, &typed).expect_err("refused");
    assert!(refused.1.contains("computer_20250124"));
}

#[test]
fn t55_a_search_that_is_demanded_is_made_or_refused_by_name() {
    let choice = |client: Dialect| match client {
        Dialect::Messages => json!({"tool_choice": {"type": "tool", "name": "web_search"}}),
        _ => json!({"tool_choice": {"type": "web_search"}}),
    };
    for (client, to, expected) in [
        (Dialect::Messages, Target::Responses, json!("required")),
        (Dialect::Messages, Target::Codex, json!("required")),
        (Dialect::Messages, Target::Gemini, Value::Null),
        (
            Dialect::Responses,
            Target::Messages,
            json!({"type": "tool", "name": "web_search"}),
        ),
        (Dialect::Responses, Target::Gemini, Value::Null),
    ] {
        let (body, _) = sent(client, to, &choice(client)).expect("prepared");
        let told = body.get("tool_choice").cloned().unwrap_or_default();
        assert_eq!(told, expected, "{client:?} to {to:?}");
        assert!(body["tools"].is_array(), "{client:?} to {to:?}");
    }
    // Beside others it is called by its type.
    let mut two = choice(Dialect::Messages);
    two["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {"type": "object"}}]);
    let (body, _) = sent(Dialect::Messages, Target::Codex, &two).expect("prepared");
    assert_eq!(body["tool_choice"], json!({"type": "web_search"}));
    for client in [Dialect::Messages, Dialect::Responses] {
        let (param, message) = sent(client, Target::Chat, &choice(client)).expect_err("refused");
        assert_eq!(param, "tool_choice");
        assert!(message.contains("web_search"), "{message}");
    }
    // Nothing else can be demanded of another provider, beside a search neither.
    let fetch = json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}, {"type": "web_fetch_20250910", "name": "web_fetch"}], "tool_choice": {"type": "tool", "name": "web_fetch"}});
    for to in [Target::Codex, Target::Gemini, Target::Chat] {
        let (_, message) = sent(Dialect::Messages, to, &fetch).expect_err("refused");
        assert!(message.contains("web_fetch"), "{message}");
    }
    // Another vendor's model behind a relay of the dialect has none.
    let mut relay = choice(Dialect::Responses);
    relay["model"] = json!("glm-4.6");
    assert!(sent(Dialect::Responses, Target::Messages, &relay).is_err());
}

#[test]
fn t88_what_was_searched_comes_back_and_breaks_nothing() {
    // What a client of each dialect keeps of an answer with a search, sent to accounts of all others.
    let blocks = json!([
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": QUERY}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": URL, "title": "T", "encrypted_content": "E"}]},
        {"type": "text", "text": "is open.", "citations": [{"type": "web_search_result_location", "url": URL, "title": "T", "cited_text": "q", "encrypted_index": "I"}]}]);
    let again = json!({"role": "user", "content": "and?"});
    let messages = json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": blocks}, again]});
    let items = json!({"input": [{"role": "user", "content": "hi"},
        {"type": "web_search_call", "id": "ws_7", "status": "completed", "action": {"type": "search", "query": QUERY}},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "is open.", "annotations": [{"type": "url_citation", "url": URL, "title": "T", "start_index": 0, "end_index": 2}]}]}, again]});
    let chat = json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "is open.", "annotations": [{"type": "url_citation", "url_citation": {"url": URL, "title": "T", "start_index": 0, "end_index": 2}}]}, again]});
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"toolCall": {"toolType": "GOOGLE_SEARCH_WEB"}}, {"toolResponse": {}}, {"text": "is open."}]}, {"role": "user", "parts": [{"text": "and?"}]}]});
    for (client, to) in pairs() {
        let history = match client {
            Dialect::Chat => &chat,
            Dialect::Responses => &items,
            Dialect::Messages => &messages,
            Dialect::Gemini => &contents,
        };
        let (body, losses) = sent(client, to, history).expect("prepared");
        let text = body.to_string();
        for (word, there) in [
            ("is open.", true),
            (URL, false),
            ("srvtoolu_1", false),
            ("ws_7", false),
        ] {
            assert_eq!(text.contains(word), there, "{client:?} to {to:?}: {word}");
        }
        assert_ne!(losses, "[]", "{client:?} to {to:?}");
    }
}

#[test]
fn t31_documents_that_are_to_be_named_are_a_loss_elsewhere() {
    let document = |citations: Value| {
        json!({"messages": [{"role": "user", "content": [
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "citations": citations},
            {"type": "text", "text": "hi", "citations": null}]}]})
    };
    for to in [Target::Chat, Target::Codex, Target::Gemini] {
        for (citations, lost) in [
            (json!({"enabled": true}), true),
            (json!({"enabled": false}), false),
            (Value::Null, false),
        ] {
            let (body, losses) =
                sent(Dialect::Messages, to, &document(citations)).expect("prepared");
            assert!(body.to_string().contains("words"), "{to:?}");
            assert_eq!(losses.contains("\"citations\""), lost, "{to:?}: {losses}");
        }
    }
}

proptest! {
    /// Damaged events: the client still sees whole frames of JSON and one end, whoever names sources.
    #[test]
    fn damaged_sources_are_survived(cut in 0usize..4000, swap in any::<u8>(), at in 0usize..4000, pair in 0usize..12, streams in any::<bool>()) {
        let (client, to) = pairs().nth(pair).expect("a pair");
        let mut bytes = frames(&told_by(to), false).to_vec();
        let at = at % bytes.len();
        bytes[at] = swap;
        bytes.truncate(bytes.len().saturating_sub(cut % 700));
        let mut answer = answer_of(client, to, streams, &searching(client));
        let mut out = Out::new();
        answer.push(&Bytes::from(bytes), &mut out);
        let mut sent = out.take().unwrap_or_default().to_vec();
        answer.finish(&mut out, End::Clean);
        sent.extend_from_slice(&out.take().unwrap_or_default());
        if streams {
            for (_, value) in events(&sent) {
                prop_assert!(value.is_object() || value == "[DONE]", "{value}");
            }
        } else if let Ok(json) = answer.into_json() {
            prop_assert!(serde_json::from_slice::<Value>(&json).is_ok());
        }
    }
}
