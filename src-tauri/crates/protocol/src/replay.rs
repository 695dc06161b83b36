//! What a Responses request replays of earlier turns: items that only their maker can open, and the id of the answer it continues.
//!
//! Called by `gateway` when an account cannot serve a request as it is: sealed items can be left out (T104), the id can be left out where
//! the input tells the whole conversation (F38). Rare, so the result is a body of its own; the fast lane never comes here.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hasher},
    ops::Range,
};

use bytes::Bytes;

use crate::{
    gemini::wire::NO_SIGNATURE,
    json::scan::{self, Member},
    messages::cite::FOREIGN,
    patch::{Edits, ObjectPatch, quoted},
    peek::peek,
    types::{Dialect, Head, Loss},
};

/// A request body with something left out, ready for [`crate::prepare()`].
#[derive(Debug, Clone)]
pub struct Amended {
    /// The new body.
    pub body: Bytes,
    /// What [`crate::peek()`] says of it.
    pub head: Head,
    /// What was left out.
    pub losses: Vec<Loss>,
}

impl Amended {
    fn new(dialect: Dialect, body: &Bytes, edits: Edits, losses: Vec<Loss>) -> Option<Self> {
        let body = edits.apply(body).to_bytes();
        let head = peek(dialect, &body).ok()?;
        Some(Self { body, head, losses })
    }
}

/// One item of the input, as far as it matters here.
struct Item {
    range: Range<usize>,
    members: Vec<Member>,
}

impl Item {
    fn token<'b>(&self, body: &'b [u8], name: &str) -> Option<&'b [u8]> {
        let member = self.members.iter().rev();
        let member = member
            .clone()
            .find(|member| member.name(body) == name.as_bytes())?;
        Some(&body[member.value.clone()])
    }

    fn kind<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        let quoted = self.token(body, "type").unwrap_or_default();
        quoted
            .strip_prefix(b"\"")
            .and_then(|rest| rest.strip_suffix(b"\""))
            .unwrap_or_default()
    }

    /// The fingerprint of what only its maker can open.
    fn seal(&self, body: &[u8]) -> Option<u64> {
        let member = match self.kind(body) {
            b"thinking" => "signature",
            b"redacted_thinking" => "data",
            _ => "encrypted_content",
        };
        let token = self.token(body, member)?;
        if !token.starts_with(b"\"") || token.len() <= 2 {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(token);
        Some(hasher.finish())
    }
}

/// The items of the input; none when it is a string or absent.
fn items(body: &[u8], head: &Head) -> Vec<Item> {
    let Some(input) = head.member(body, "input") else {
        return Vec::new();
    };
    elements(body, input.value.start)
}

/// The elements of the array that begins at `start`.
fn elements(body: &[u8], start: usize) -> Vec<Item> {
    let mut found = Vec::new();
    // `peek` has walked the whole body: there is nothing left to fail on.
    let _ = scan::each_element(body, start, |range| {
        let members = match body[range.start] {
            b'{' => scan::members(body, range.start).map_or_else(|_| Vec::new(), |(list, _)| list),
            _ => Vec::new(),
        };
        found.push(Item { range, members });
    });
    found
}

/// The blocks of every message of a Messages conversation, whose thoughts are sealed inside them.
fn blocks(body: &[u8], head: &Head) -> Vec<Vec<Item>> {
    let Some(messages) = head.member(body, "messages") else {
        return Vec::new();
    };
    let content = |message: &Item| {
        let members = message.members.iter().rev();
        let content = members
            .clone()
            .find(|member| member.name(body) == b"content")?;
        (body[content.value.start] == b'[').then(|| elements(body, content.value.start))
    };
    let messages = elements(body, messages.value.start);
    messages.iter().filter_map(content).collect()
}

/// The parts of every content of a Gemini conversation, which hold the proofs of thoughts.
fn parts(body: &[u8], head: &Head) -> Vec<Item> {
    let Some(contents) = head.member(body, "contents") else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for content in elements(body, contents.value.start) {
        let members = content.members.iter().rev();
        let parts = members.clone().find(|member| member.name(body) == b"parts");
        if let Some(parts) = parts.filter(|parts| body[parts.value.start] == b'[') {
            all.extend(elements(body, parts.value.start));
        }
    }
    all
}

/// The spellings of the member that holds a proof.
const PROOFS: [&str; 2] = ["thoughtSignature", "thought_signature"];

/// The fingerprint of a part's proof; the value that stands for none is none.
fn proof(part: &Item, body: &[u8]) -> Option<u64> {
    let token = PROOFS.iter().find_map(|name| part.token(body, name))?;
    let inside = token.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inside.is_empty() || inside == NO_SIGNATURE.as_bytes() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(token);
    Some(hasher.finish())
}

/// Fingerprints of the sealed items of a Responses input (`encrypted_content`), of a Messages conversation (`signature`) or of a Gemini one
/// (`thoughtSignature`), in order. Good within one run of the program.
#[must_use]
pub fn seals(body: &Bytes, head: &Head) -> Vec<u64> {
    let items = items(body, head);
    let blocks = blocks(body, head);
    let all = items.iter().chain(blocks.iter().flatten());
    let parts = parts(body, head);
    all.filter_map(|item| item.seal(body))
        .chain(parts.iter().filter_map(|part| proof(part, body)))
        .collect()
}

/// Which sealed items [`without_seals`] leaves out.
#[derive(Debug, Clone, Copy)]
pub enum Sealed<'s> {
    /// All of them.
    All,
    /// Those with these fingerprints.
    These(&'s HashSet<u64>),
}

/// The request without sealed items; `None` when it has none of them.
///
/// What followed a reasoning item loses its own `id`: with it the upstream would ask for the reasoning (T74, T102).
#[must_use]
pub fn without_seals(body: &Bytes, head: &Head, which: Sealed<'_>) -> Option<Amended> {
    let items = items(body, head);
    let goes: Vec<bool> = items.iter().map(|item| goes(item, body, which)).collect();
    if !goes.contains(&true) {
        return without_thoughts(body, head, which).or_else(|| without_proofs(body, head, which));
    }
    let mut edits = Edits::default();
    let (mut reasoning, mut other) = (0_usize, 0_usize);
    let (mut kept_end, mut orphans) = (None, false);
    for (at, item) in items.iter().enumerate() {
        if goes[at] {
            match item.kind(body) {
                b"reasoning" => reasoning += 1,
                _ => other += 1,
            }
            orphans = true;
            let before_next = || items.get(at + 1).map_or(item.range.end, |n| n.range.start);
            // The comma goes with the item: the one before it, or behind it where nothing is before.
            edits.remove(match kept_end {
                Some(end) => end..item.range.end,
                None => item.range.start..before_next(),
            });
            if let Some(end) = &mut kept_end {
                *end = item.range.end;
            }
            continue;
        }
        kept_end = Some(item.range.end);
        let theirs = matches!(
            item.token(body, "role"),
            Some(b"\"user\"" | b"\"developer\"" | b"\"system\"")
        );
        orphans &= !theirs && item.kind(body) != b"reasoning";
        if orphans && !item.members.is_empty() {
            let mut object = ObjectPatch::new(body, item.range.start, &item.members, &mut edits);
            object.remove("id");
            object.finish();
        }
    }
    let mut losses = Vec::new();
    if reasoning > 0 {
        losses.push(Loss::dropped(
            format!("input ({reasoning} sealed reasoning)"),
            "only the account that made it can open it (T104)",
        ));
    }
    if other > 0 {
        losses.push(Loss::dropped(
            format!("input ({other} sealed summary)"),
            "only the account that made it can open it: what it summed up is unknown to this one (T139)",
        ));
    }
    Amended::new(Dialect::Responses, body, edits, losses)
}

fn goes(item: &Item, body: &[u8], which: Sealed<'_>) -> bool {
    match (item.seal(body), which) {
        (None, _) => false,
        (Some(_), Sealed::All) => true,
        (Some(seal), Sealed::These(list)) => list.contains(&seal),
    }
}

/// A Messages conversation without sealed thoughts (T90); `None` when it has none of them.
fn without_thoughts(body: &Bytes, head: &Head, which: Sealed<'_>) -> Option<Amended> {
    let mut edits = Edits::default();
    let mut gone = 0_usize;
    for blocks in blocks(body, head) {
        let left = |block: &Item| !goes(block, body, which);
        gone += blocks.iter().filter(|block| !left(block)).count();
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else {
            continue;
        };
        if blocks.iter().all(left) {
            continue;
        }
        // What stays is written anew between the brackets, each block as it was.
        let kept: Vec<&[u8]> = blocks
            .iter()
            .filter(|block| left(block))
            .map(|block| &body[block.range.clone()])
            .collect();
        let list = if kept.is_empty() {
            br#"{"type":"text","text":"(no content)"}"#.to_vec()
        } else {
            kept.join(b",".as_slice())
        };
        edits.replace(first.range.start..last.range.end, list);
    }
    if gone == 0 {
        return None;
    }
    let loss = Loss::dropped(
        format!("messages ({gone} thinking blocks)"),
        "only the account that made them takes them back (T90)",
    );
    Amended::new(Dialect::Messages, body, edits, vec![loss])
}

/// A Messages conversation without what only looks as if its vendor had found it: searches and citations of accounts of other dialects, which it
/// could not read (T88). `None` when there are none, which a look at the bytes tells.
#[must_use]
pub fn without_foreign_sources(body: &Bytes, head: &Head) -> Option<Amended> {
    memchr::memmem::find(body, FOREIGN.as_bytes())?;
    let foreign = |token: Option<&[u8]>| {
        token.is_some_and(|token| memchr::memmem::find(token, FOREIGN.as_bytes()).is_some())
    };
    let mut edits = Edits::default();
    let (mut searches, mut cited) = (0_usize, 0_usize);
    for blocks in blocks(body, head) {
        let goes = |block: &Item| match block.kind(body) {
            b"server_tool_use" => foreign(block.token(body, "id")),
            b"web_search_tool_result" => foreign(block.token(body, "tool_use_id")),
            _ => false,
        };
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else {
            continue;
        };
        searches += blocks.iter().filter(|block| goes(block)).count();
        if blocks.iter().all(goes) {
            let nothing = br#"{"type":"text","text":"(no content)"}"#;
            edits.replace(first.range.start..last.range.end, nothing.to_vec());
            continue;
        }
        let mut kept_end = None;
        for (at, block) in blocks.iter().enumerate() {
            if goes(block) {
                let before_next = || {
                    blocks
                        .get(at + 1)
                        .map_or(block.range.end, |next| next.range.start)
                };
                // The comma goes with it: the one before it, or behind it where nothing is before.
                edits.remove(match kept_end {
                    Some(end) => end..block.range.end,
                    None => block.range.start..before_next(),
                });
                if let Some(end) = &mut kept_end {
                    *end = block.range.end;
                }
                continue;
            }
            kept_end = Some(block.range.end);
            if block.kind(body) == b"text" && foreign(block.token(body, "citations")) {
                cited += 1;
                let mut object =
                    ObjectPatch::new(body, block.range.start, &block.members, &mut edits);
                object.remove("citations");
                object.finish();
            }
        }
    }
    if searches + cited == 0 {
        return None;
    }
    let loss = Loss::dropped(
        format!("messages ({searches} blocks of searches, citations of {cited} blocks)"),
        "another provider made them, which this one would refuse (T88)",
    );
    Amended::new(Dialect::Messages, body, edits, vec![loss])
}

/// A Gemini conversation without proofs of thoughts (T90, T108); `None` when it has none of them. A call keeps the value that asks for none.
fn without_proofs(body: &Bytes, head: &Head, which: Sealed<'_>) -> Option<Amended> {
    let mut edits = Edits::default();
    let mut gone = 0_usize;
    for part in parts(body, head) {
        let leaves = match (proof(&part, body), which) {
            (None, _) => false,
            (Some(_), Sealed::All) => true,
            (Some(seal), Sealed::These(list)) => list.contains(&seal),
        };
        if !leaves {
            continue;
        }
        gone += 1;
        let call = ["functionCall", "function_call"]
            .iter()
            .any(|name| part.token(body, name).is_some());
        let mut object = ObjectPatch::new(body, part.range.start, &part.members, &mut edits);
        for name in PROOFS {
            if call && object.value(name).is_some() {
                object.set(name, &quoted(NO_SIGNATURE));
            } else {
                object.remove(name);
            }
        }
        object.finish();
    }
    if gone == 0 {
        return None;
    }
    let loss = Loss::dropped(
        format!("contents ({gone} thought signatures)"),
        "only the account that made them takes them back (T90)",
    );
    let mut amended = Amended::new(Dialect::Gemini, body, edits, vec![loss])?;
    // What the path says stays said.
    amended.head.model.clone_from(&head.model);
    (amended.head.stream, amended.head.array) = (head.stream, head.array);
    Some(amended)
}

/// Whether the input tells the conversation by itself: it holds the model's own turns, and every result has its call (F38).
#[must_use]
pub fn tells_all(body: &Bytes, head: &Head) -> bool {
    let items = items(body, head);
    let calls: HashSet<&[u8]> = items
        .iter()
        .filter(|item| item.kind(body).ends_with(b"_call"))
        .filter_map(|item| item.token(body, "call_id"))
        .collect();
    let own = |item: &Item| {
        item.token(body, "role") == Some(b"\"assistant\"") || item.kind(body).ends_with(b"_call")
    };
    let paired = |item: &Item| {
        !item.kind(body).ends_with(b"_output")
            || item
                .token(body, "call_id")
                .is_none_or(|id| calls.contains(id))
    };
    let references = |item: &Item| item.kind(body) == b"item_reference";
    items.iter().any(own) && items.iter().all(paired) && !items.iter().any(references)
}

/// The request without `previous_response_id`; `None` when it has none.
#[must_use]
pub fn without_previous(body: &Bytes, head: &Head) -> Option<Amended> {
    head.previous_response_id.as_ref()?;
    let mut edits = Edits::default();
    let mut object = ObjectPatch::new(body, 0, &head.members, &mut edits);
    object.remove("previous_response_id");
    object.finish();
    let loss = Loss::dropped(
        "previous_response_id",
        "another account keeps that answer; the input tells the conversation (F38)",
    );
    Amended::new(Dialect::Responses, body, edits, vec![loss])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Bytes, Head) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let head = peek(Dialect::Responses, &body).expect("a request");
        (body, head)
    }

    fn text(amended: &Amended) -> &str {
        std::str::from_utf8(&amended.body).expect("UTF-8")
    }

    #[test]
    fn t104_sealed_items_go_with_their_commas_and_the_ids_that_depend_on_them() {
        let rs = r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gA"}"#;
        let say = r#"{"role":"user","content":"a","id":"msg_0"}"#;
        let call = r#"{"type":"function_call","id":"fc_1","call_id":"c","name":"f"}"#;
        let bare = r#"{"type":"function_call","call_id":"c","name":"f"}"#;
        let plain = r#"{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":null}"#;
        for (input, expected) in [
            (rs.to_owned(), String::new()),
            (format!("{rs} , {say}"), say.to_owned()),
            (format!("{say} , {rs}"), say.to_owned()),
            (format!("{say},{rs},{rs}, {say}"), format!("{say}, {say}")),
            (
                format!("{rs},{call},{say},{call}"),
                format!("{bare},{say},{call}"),
            ),
            (
                format!("{call},{rs},{plain},{call}"),
                format!("{call},{plain},{call}"),
            ),
        ] {
            let (body, head) = read(&format!(r#"{{"model":"m","input":[{input}],"z":1}}"#));
            let amended = without_seals(&body, &head, Sealed::All).expect("sealed");
            let expected = format!(r#"{{"model":"m","input":[{expected}],"z":1}}"#);
            assert_eq!(text(&amended), expected, "{input}");
            assert_eq!(amended.losses.len(), 1, "{input}");
            assert!(without_seals(&amended.body, &amended.head, Sealed::All).is_none());
        }
    }

    #[test]
    fn t104_only_the_refused_seals_go() {
        let item = |seal| format!(r#"{{"type":"reasoning","encrypted_content":"{seal}"}}"#);
        let (one, head) = read(&format!(r#"{{"input":[{}]}}"#, item("a")));
        let refused: HashSet<u64> = seals(&one, &head).into_iter().collect();
        let (both, head) = read(&format!(r#"{{"input":[{},{}]}}"#, item("a"), item("b")));
        assert_eq!(seals(&both, &head).len(), 2);
        let amended = without_seals(&both, &head, Sealed::These(&refused)).expect("one of them");
        assert_eq!(text(&amended), format!(r#"{{"input":[{}]}}"#, item("b")));
        let none = HashSet::new();
        assert!(without_seals(&both, &head, Sealed::These(&none)).is_none());
        let (words, head) = read(r#"{"input":"encrypted_content"}"#);
        assert!(without_seals(&words, &head, Sealed::All).is_none());
    }

    #[test]
    fn t90_thoughts_go_and_the_other_blocks_keep_their_bytes() {
        let thought = r#"{"type":"thinking","thinking":"h","signature":"s1"}"#;
        let hidden = r#"{"type":"redacted_thinking","data":"s2"}"#;
        let words = r#"{ "type":"text", "text":"a" }"#;
        for (content, expected) in [
            (format!("{thought}, {words}"), words.to_owned()),
            (
                format!("{hidden} ,{thought},{words},{words}"),
                format!("{words},{words}"),
            ),
            (
                thought.to_owned(),
                r#"{"type":"text","text":"(no content)"}"#.to_owned(),
            ),
        ] {
            let text_of = |content: &str| {
                format!(
                    r#"{{"max_tokens":1,"messages":[{{"role":"user","content":"q"}},{{"role":"assistant","content":[{content}]}}]}}"#
                )
            };
            let body = Bytes::from(text_of(&content));
            let head = peek(Dialect::Messages, &body).expect("a request");
            assert!(!seals(&body, &head).is_empty());
            let amended = without_seals(&body, &head, Sealed::All).expect("thoughts");
            assert_eq!(text(&amended), text_of(&expected));
            assert!(without_seals(&amended.body, &amended.head, Sealed::All).is_none());
        }
    }

    #[test]
    fn t90_t108_proofs_of_a_gemini_conversation_go_and_calls_say_so() {
        let text_of = |call: &str, words: &str| {
            format!(
                r#"{{"contents":[{{"role":"user","parts":[{{"text":"q"}}]}},{{"role":"model","parts":[{{"functionCall":{{"name":"f"}}{call}}},{{"text":"a"{words}}}]}}]}}"#
            )
        };
        let body = Bytes::from(text_of(
            r#","thoughtSignature":"AAAA""#,
            r#","thought_signature":"BBBB""#,
        ));
        let mut head = peek(Dialect::Gemini, &body).expect("a request");
        (head.model, head.stream) = (Some("m".to_owned()), true);
        assert_eq!(seals(&body, &head).len(), 2);
        let amended = without_seals(&body, &head, Sealed::All).expect("proofs");
        let none = r#","thoughtSignature":"skip_thought_signature_validator""#;
        assert_eq!(text(&amended), text_of(none, ""));
        assert!(amended.head.stream && amended.head.model.as_deref() == Some("m"));
        assert!(without_seals(&amended.body, &amended.head, Sealed::All).is_none());
    }

    #[test]
    fn t88_searches_and_citations_of_others_do_not_go_to_the_vendor() {
        let own = r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}"#;
        let call = r#"{"type":"server_tool_use","id":"srvtoolu_switchyard_ws_7","name":"web_search","input":{}}"#;
        let result = r#"{"type":"web_search_tool_result","tool_use_id":"srvtoolu_switchyard_ws_7","content":[]}"#;
        let said = r#"{"type":"text","text":"a"}"#;
        let cited = r#"{"type":"text","citations":[{"encrypted_index":"srvtoolu_switchyard_"}],"text":"a"}"#;
        let words = r#"{"type":"text","text":"srvtoolu_switchyard_"}"#;
        for (content, expected) in [
            (vec![call, result, cited], Some(vec![said])),
            (vec![said, call, result, said], Some(vec![said, said])),
            (vec![own, call, result], Some(vec![own])),
            (vec![call, said, result, cited], Some(vec![said, said])),
            (
                vec![call, result],
                Some(vec![r#"{"type":"text","text":"(no content)"}"#]),
            ),
            (vec![own, said, words], None),
        ] {
            let of = |blocks: &[&str]| {
                let blocks = blocks.join(" , ");
                format!(r#"{{"messages":[{{"role":"assistant","content":[{blocks}]}}]}}"#)
            };
            let body = Bytes::from(of(&content));
            let head = peek(Dialect::Messages, &body).expect("a request");
            let amended = without_foreign_sources(&body, &head);
            let read =
                |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).expect("JSON");
            assert_eq!(
                amended.as_ref().map(|amended| read(&amended.body)),
                expected.map(|blocks| read(of(&blocks).as_bytes())),
                "{content:?}"
            );
            assert!(amended.is_none_or(|amended| amended.losses.len() == 1));
        }
    }

    #[test]
    fn t139_a_lost_summary_is_a_loss_of_its_own() {
        let (body, head) = read(r#"{"input":[{"type":"compaction","encrypted_content":"a"}]}"#);
        let amended = without_seals(&body, &head, Sealed::All).expect("sealed");
        assert!(
            amended.losses[0].field.contains("summary"),
            "{:?}",
            amended.losses
        );
    }

    #[test]
    fn f38_only_an_input_with_history_tells_all() {
        for (input, expected) in [
            (r#""hi""#, false),
            (r#"[{"role":"user","content":"hi"}]"#, false),
            (
                r#"[{"type":"function_call_output","call_id":"c","output":"1"}]"#,
                false,
            ),
            (
                r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]"#,
                true,
            ),
            (
                r#"[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"1"}]"#,
                true,
            ),
            (
                r#"[{"role":"assistant","content":"b"},{"type":"function_call_output","call_id":"c","output":"1"}]"#,
                false,
            ),
            (
                r#"[{"type":"item_reference","id":"msg_1"},{"role":"assistant","content":"b"}]"#,
                false,
            ),
        ] {
            let (body, head) = read(&format!(r#"{{"input":{input}}}"#));
            assert_eq!(tells_all(&body, &head), expected, "{input}");
        }
    }

    #[test]
    fn f38_the_id_goes_and_nothing_else() {
        let (body, head) = read(r#"{"previous_response_id":"resp_1","input":[ ],"x":1}"#);
        let amended = without_previous(&body, &head).expect("an id");
        assert_eq!(text(&amended), r#"{"input":[ ],"x":1}"#);
        assert_eq!(amended.head.previous_response_id, None);
        assert!(without_previous(&amended.body, &amended.head).is_none());
    }
}
