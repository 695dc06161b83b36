//! The profile's tables as byte patches on a client's Responses body. Called by `prepare` for Responses clients of Codex accounts.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;
use memchr::memmem;

use super::{
    DROPPED, EFFORT_FIELDS, FORCED, IMAGE_TOOL, INCLUDE, JSON_LINE, KEEPS_NOTHING, KNOWN,
    NOT_IN_COMPACT, PLAIN_TIERS, REFUSED,
};
use crate::{
    json::scan,
    patch::{ObjectPatch, quoted, set_nested},
    types::{Loss, Options, RequestError, Route, SystemRole},
};

/// Applies the profile to the body behind `object`.
///
/// # Errors
/// A [`RequestError`] for fields and items whose loss would change the meaning.
pub(crate) fn apply(
    body: &[u8],
    object: &mut ObjectPatch<'_>,
    options: &Options<'_>,
    losses: &mut Vec<Loss>,
) -> Result<(), RequestError> {
    refuse(object)?;
    effort(body, object, options);
    drop_fields(body, object, options, losses);
    match options.route {
        Route::Answer => {
            for (field, json) in FORCED {
                object.set(field, json.as_bytes());
            }
            include_reasoning(body, object);
        }
        Route::Compact => {
            for field in NOT_IN_COMPACT {
                object.remove(field);
            }
        }
    }
    service_tier(object, options, losses);
    if options.image_tool {
        image_tool(body, object);
    }
    if let Some(key) = options.prompt_cache_key
        && object.value("prompt_cache_key").is_none()
    {
        object.set("prompt_cache_key", &quoted(key));
    }
    let json_mode = asks_json(body, object);
    let hoisted = input(body, object, options, json_mode)?;
    instructions(body, object, options, &hoisted.texts, hoisted.lite);
    Ok(())
}

fn refuse(object: &ObjectPatch<'_>) -> Result<(), RequestError> {
    for row in REFUSED {
        match object.token(row.field) {
            None | Some(b"false" | b"\"\"") => {}
            Some(_) => {
                let code =
                    (row.field == "previous_response_id").then_some("previous_response_not_found");
                return Err(RequestError::field(row.field, row.reason).coded(code));
            }
        }
    }
    Ok(())
}

fn drop_fields(
    body: &[u8],
    object: &mut ObjectPatch<'_>,
    options: &Options<'_>,
    losses: &mut Vec<Loss>,
) {
    for row in DROPPED {
        if object.remove(row.field) {
            losses.push(Loss::dropped(row.field, row.reason));
        }
    }
    for row in REFUSED {
        object.remove(row.field);
    }
    if object.token("store") == Some(b"true") {
        losses.push(Loss::dropped("store", KEEPS_NOTHING));
    }
    if options.codex_client {
        return;
    }
    for member in object.members() {
        let Ok(name) = std::str::from_utf8(member.name(body)) else {
            continue;
        };
        if EFFORT_FIELDS.contains(&name) {
            // It has been read.
            object.remove(name);
            continue;
        }
        let listed = DROPPED.iter().chain(REFUSED).any(|row| row.field == name);
        if !listed && !KNOWN.contains(&name) && object.remove(name) {
            losses.push(Loss::dropped(
                Cow::Owned(name.to_owned()),
                "the Codex backend does not know this field",
            ));
        }
    }
}

/// `include` gains the encrypted reasoning; what the client asked stays.
fn include_reasoning(body: &[u8], object: &mut ObjectPatch<'_>) {
    let wanted = quoted(INCLUDE);
    let Some(value) = object.value("include") else {
        object.set("include", &[b"[".as_slice(), &wanted, b"]"].concat());
        return;
    };
    let (mut last, mut there) = (None, false);
    let walked = scan::each_element(body, value.start, |element| {
        there |= body[element.clone()] == *wanted;
        last = Some(element.end);
    });
    // Something other than an array is the client's mistake; the backend tells it.
    if walked.is_ok() && !there {
        let (at, text) = match last {
            Some(end) => (end, [b",".as_slice(), &wanted].concat()),
            None => (value.start + 1, wanted),
        };
        object.edits().insert(at, text);
    }
}

fn service_tier(object: &mut ObjectPatch<'_>, options: &Options<'_>, losses: &mut Vec<Loss>) {
    let told = object.token("service_tier").and_then(scan::decode);
    let Some(word) = options.service_tier.map(Cow::Borrowed).or(told) else {
        object.remove("service_tier");
        return;
    };
    match super::service_tier(&word) {
        Some(wire) => object.set("service_tier", &quoted(wire)),
        None => {
            object.remove("service_tier");
            if !PLAIN_TIERS.contains(&&*word) {
                losses.push(Loss::dropped(
                    "service_tier",
                    "the Codex backend takes only the priority tier",
                ));
            }
        }
    }
}

/// The suffix, else the body's own words in their order, else the default (F90).
fn effort(body: &[u8], object: &mut ObjectPatch<'_>, options: &Options<'_>) {
    let native = object
        .value("reasoning")
        .and_then(|value| scan::member_value(body, value, "effort"))
        .and_then(|value| scan::decode(&body[value]));
    let foreign = || {
        EFFORT_FIELDS
            .iter()
            .find_map(|field| object.token(field).and_then(scan::decode))
    };
    let wire = match (options.effort, native) {
        (Some(asked), _) => Cow::Borrowed(super::effort(asked)),
        (None, Some(told)) if super::effort(&told) == told => return,
        (None, told) => match told.or_else(foreign) {
            Some(told) => Cow::Owned(super::effort(&told).to_owned()),
            None => match options.default_effort {
                Some(word) => Cow::Borrowed(super::effort(word)),
                None => return,
            },
        },
    };
    set_nested(object, "reasoning", "effort", &quoted(&wire));
}

/// The provider's image generation joins the client's tools, unless it is among them.
pub(crate) fn image_tool(body: &[u8], object: &mut ObjectPatch<'_>) {
    let Some(value) = object.value("tools") else {
        object.set("tools", format!("[{IMAGE_TOOL}]").as_bytes());
        return;
    };
    let (mut last, mut there) = (None, false);
    let walked = scan::each_element(body, value.start, |element| {
        there |= scan::member_value(body, element.clone(), "type")
            .is_some_and(|kind| &body[kind] == b"\"image_generation\"");
        last = Some(element.end);
    });
    // Something other than an array is the client's mistake; the backend tells it.
    if walked.is_ok() && !there {
        match last {
            Some(end) => object.edits().insert(end, format!(",{IMAGE_TOOL}")),
            None => object.edits().insert(value.start + 1, IMAGE_TOOL),
        }
    }
}

fn asks_json(body: &[u8], object: &ObjectPatch<'_>) -> bool {
    let format = object
        .value("text")
        .and_then(|text| scan::member_value(body, text, "format"));
    let kind = format.and_then(|format| scan::member_value(body, format, "type"));
    kind.is_some_and(|kind| &body[kind] == b"\"json_object\"")
}

/// What the walk over `input` found for `instructions`.
#[derive(Default)]
struct Hoisted {
    /// Raw insides of JSON strings, in order.
    texts: Vec<Range<usize>>,
    /// The first item carries the tools: a responses-lite request.
    lite: bool,
}

fn input(
    body: &[u8],
    object: &mut ObjectPatch<'_>,
    options: &Options<'_>,
    json_mode: bool,
) -> Result<Hoisted, RequestError> {
    let Some(value) = object.value("input") else {
        return Ok(Hoisted::default());
    };
    if body[value.start] == b'"' {
        wrap_text(body, object, value, json_mode);
        return Ok(Hoisted::default());
    }
    let text = &body[value.clone()];
    let has_system = memmem::find(text, b"\"system\"").is_some();
    let has_reference = memmem::find(text, b"\"item_reference\"").is_some();
    let hoist = has_system && options.system_role == SystemRole::Instructions;
    let mut walk = Walk {
        body,
        hoist,
        hoisted: Hoisted::default(),
        leading: 0..0,
        count: 0,
        remaining: false,
        error: None,
    };
    let mut renamed = Vec::new();
    if has_system || has_reference || json_mode {
        // The array was checked by `peek`; an error here cannot happen and would leave the body as it is.
        let _ = scan::each_element(body, value.start, |element| {
            walk.item(element, &mut renamed)
        });
    }
    if let Some(error) = walk.error {
        return Err(error);
    }
    let mut hoisted = walk.hoisted;
    hoisted.lite = is_lite(body, value.start);
    let mut first = value.start + 1;
    if walk.remaining && !hoisted.texts.is_empty() {
        object.edits().remove(walk.leading.clone());
        first = walk.leading.end;
    } else {
        // Nothing but system texts: they stay in place, or the input would be empty (T7).
        hoisted.texts.clear();
    }
    for role in renamed
        .into_iter()
        .filter(|role: &Range<usize>| role.start >= first)
    {
        object
            .edits()
            .replace(role, Bytes::from_static(b"\"developer\""));
    }
    if json_mode && !says_json(&body[first..value.end]) {
        let line = developer_line(if walk.count > 0 { "," } else { "" });
        object.edits().insert(first, line);
    }
    Ok(hoisted)
}

fn developer_line(after: &str) -> String {
    format!(
        r#"{{"type":"message","role":"developer","content":[{{"type":"input_text","text":"{JSON_LINE}"}}]}}{after}"#
    )
}

fn wrap_text(body: &[u8], object: &mut ObjectPatch<'_>, value: Range<usize>, json_mode: bool) {
    let line = if json_mode && !says_json(&body[value.clone()]) {
        developer_line(",")
    } else {
        String::new()
    };
    let before = format!(
        r#"[{line}{{"type":"message","role":"user","content":[{{"type":"input_text","text":"#
    );
    object.edits().insert(value.start, before);
    object
        .edits()
        .insert(value.end, Bytes::from_static(b"}]}]"));
}

fn says_json(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(step) = memchr::memchr2(b'j', b'J', &text[at..]) {
        at += step;
        if text[at..]
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"json"))
        {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether the first item is `additional_tools`.
fn is_lite(body: &[u8], start: usize) -> bool {
    let Some(at) = (start + 1..body.len()).find(|at| !body[*at].is_ascii_whitespace()) else {
        return false;
    };
    if body[at] != b'{'
        || memmem::find(&body[at..body.len().min(at + 200)], b"additional_tools").is_none()
    {
        return false;
    }
    scan::member_value(body, at..body.len(), "type")
        .is_some_and(|kind| &body[kind] == b"\"additional_tools\"")
}

struct Walk<'a> {
    body: &'a [u8],
    hoist: bool,
    hoisted: Hoisted,
    /// The leading items that move into `instructions`, up to the next item.
    leading: Range<usize>,
    count: usize,
    /// Whether an item other than a hoisted one was met.
    remaining: bool,
    error: Option<RequestError>,
}

impl Walk<'_> {
    fn item(&mut self, item: Range<usize>, renamed: &mut Vec<Range<usize>>) {
        let position = self.count;
        self.count += 1;
        if position == 0 {
            self.leading = item.start..item.start;
        }
        if !self.remaining {
            self.leading.end = item.start;
        }
        let (mut role, mut kind, mut content) = (None, None, None);
        if self.body[item.start] == b'{' {
            let _ = scan::each_member(self.body, item.start, |member| {
                match member.name(self.body) {
                    b"role" => role = Some(member.value),
                    b"type" => kind = Some(member.value),
                    b"content" => content = Some(member.value),
                    _ => {}
                }
            });
        }
        if kind.is_some_and(|kind| &self.body[kind] == b"\"item_reference\"") {
            self.error.get_or_insert_with(|| {
                let message = "The Codex backend keeps no items: send the item itself instead of an 'item_reference'.";
                RequestError::field(format!("input[{position}]"), message)
            });
        }
        let system = role.filter(|role| &self.body[role.clone()] == b"\"system\"");
        if let Some(role) = system.clone() {
            renamed.push(role);
        }
        let texts = if system.is_some() && self.hoist && !self.remaining {
            self.texts(content)
        } else {
            None
        };
        match texts {
            Some(texts) => self.hoisted.texts.extend(texts),
            None => self.remaining = true,
        }
    }

    /// The text parts of a content, if it holds nothing else.
    fn texts(&self, content: Option<Range<usize>>) -> Option<Vec<Range<usize>>> {
        let content = content?;
        match self.body[content.start] {
            b'"' => Some(std::iter::once(content.start + 1..content.end - 1).collect()),
            b'[' => {
                let mut texts = Some(Vec::new());
                let _ = scan::each_element(self.body, content.start, |part| {
                    let text = scan::member_value(self.body, part, "text")
                        .filter(|text| self.body[text.start] == b'"');
                    match (text, texts.as_mut()) {
                        (Some(text), Some(texts)) => texts.push(text.start + 1..text.end - 1),
                        _ => texts = None,
                    }
                });
                texts
            }
            _ => None,
        }
    }
}

/// `instructions` gains the hoisted texts behind its own; an absent one becomes empty unless the request is a lite one.
fn instructions(
    body: &[u8],
    object: &mut ObjectPatch<'_>,
    options: &Options<'_>,
    hoisted: &[Range<usize>],
    lite: bool,
) {
    let own = object
        .value("instructions")
        .filter(|value| body[value.start] == b'"' && value.len() > 2);
    if hoisted.is_empty() {
        if object.value("instructions").is_none() && !options.lite && !lite {
            object.set("instructions", b"\"\"");
        }
        return;
    }
    let mut text = vec![b'"'];
    let own = own.map(|value| value.start + 1..value.end - 1);
    for (position, part) in own.into_iter().chain(hoisted.iter().cloned()).enumerate() {
        if position > 0 {
            text.extend_from_slice(br"\n\n");
        }
        text.extend_from_slice(&body[part]);
    }
    text.push(b'"');
    object.set("instructions", &text);
}
