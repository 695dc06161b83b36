//! The fields of Responses events, items and answers that decoding asks for, as slices of their text. Called by `stream_decode`.

use super::{cite, usage};
use crate::canonical::cite::Search;
use crate::json::{
    read::{Kind, Malformed, Reader},
    text::Text,
};
use crate::lost::{Gone, Lost};
use crate::types::Usage;

/// A piece of an item.
#[derive(Default)]
pub(super) struct Piece<'a> {
    pub(super) index: Option<u64>,
    pub(super) delta: Option<Text<'a>>,
    pub(super) logprobs: Option<&'a str>,
    pub(super) paragraph: u64,
}

/// An item that begins or ends, or what is noted on it.
#[derive(Default)]
pub(super) struct Placed<'a> {
    pub(super) index: Option<u64>,
    pub(super) item: Option<RawItem<'a>>,
    pub(super) annotation: Option<&'a str>,
}

/// The type of an event, whose first member it nearly always is.
pub(super) fn kind_of(data: &str) -> Option<&str> {
    const FIRST: &str = "{\"type\":\"";
    let rest = data.strip_prefix(FIRST);
    match rest.and_then(|rest| Some(&rest[..memchr::memchr(b'"', rest.as_bytes())?])) {
        Some(kind) => Some(kind),
        None => find_type(&mut Reader::new(data)),
    }
}

pub(super) fn find_type<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let mut kind = None;
    reader
        .members(|key, value| {
            if key == "type" && value.kind()? == Kind::String {
                kind = value
                    .raw()?
                    .strip_prefix('"')
                    .and_then(|inner| inner.strip_suffix('"'));
                return Ok::<(), Malformed>(());
            }
            value.skip()
        })
        .ok()?;
    kind
}

/// The fields of a delta.
pub(super) fn read_piece<'a>(reader: &mut Reader<'a>) -> Result<Piece<'a>, Malformed> {
    let mut piece = Piece::default();
    reader.members(|key, value| {
        match key {
            "output_index" => piece.index = value.unsigned_or_skip()?,
            "delta" => piece.delta = value.string_or_skip()?,
            "logprobs" => piece.logprobs = Some(value.raw()?).filter(|raw| raw.starts_with("[{")),
            "summary_index" => piece.paragraph = value.unsigned_or_skip()?.unwrap_or(0),
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(piece)
}

/// The fields of an event about a whole item.
pub(super) fn read_placed<'a>(reader: &mut Reader<'a>) -> Result<Placed<'a>, Malformed> {
    let mut placed = Placed::default();
    reader.members(|key, value| {
        match key {
            "output_index" => placed.index = value.unsigned_or_skip()?,
            "annotation" => placed.annotation = Some(value.raw()?),
            // Read at once: these are the long events, and to skip one first is to read it twice.
            "item" if value.kind()? == Kind::Object => placed.item = Some(read_item(value)?),
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(placed)
}

/// The answer that an event of its life holds.
pub(super) fn read_response<'a>(reader: &mut Reader<'a>) -> Result<Option<Told<'a>>, Malformed> {
    let mut response = None;
    reader.members(|key, value| {
        if key == "response" && value.kind()? == Kind::Object {
            response = Some(read_answer(value)?);
            return Ok::<(), Malformed>(());
        }
        value.skip()
    })?;
    Ok(response)
}

/// What is lost with an event of a kind that tells nothing here; none where items and ends tell the same.
pub(super) fn gone(kind: &str) -> Option<Gone> {
    if kind.ends_with("_call.partial_image") {
        return Some(Gone::PartialPicture);
    }
    if kind.starts_with("audio.") {
        return Some(Gone::Audio);
    }
    let (about, step) = kind.rsplit_once('.').unwrap_or(("", kind));
    let told = match about {
        "content_part" | "reasoning_summary_part" => true,
        "output_text"
        | "refusal"
        | "reasoning_text"
        | "reasoning_summary_text"
        | "function_call_arguments"
        | "custom_tool_call_input" => matches!(step, "done" | "delta"),
        // What a hosted call is and did stands in its item.
        about => about.contains("_call") || about == "mcp_list_tools",
    };
    // A life-cycle event without anything new.
    let told = told || matches!(kind, "created" | "in_progress" | "queued");
    (!told).then_some(Gone::Event)
}

/// What is lost with a part of a message of that kind.
pub(super) fn gone_part(kind: &str) -> Option<Gone> {
    match kind {
        "output_text" | "text" | "refusal" | "reasoning_text" | "summary_text" => None,
        "output_audio" | "audio" => Some(Gone::Audio),
        _ => Some(Gone::Item),
    }
}

/// The fields of an item of the answer.
#[derive(Default)]
pub(super) struct RawItem<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) call_id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) namespace: Option<Text<'a>>,
    pub(super) phase: Option<Text<'a>>,
    pub(super) input: Option<Text<'a>>,
    pub(super) seal: Option<Text<'a>>,
    /// What a hosted call brought, as base64, and its type.
    pub(super) result: Option<Text<'a>>,
    /// What ran in the provider's sandbox, and what it printed.
    pub(super) code: Option<Text<'a>>,
    pub(super) outputs: Option<Reader<'a>>,
    /// What a search of the web did.
    pub(super) action: Option<Reader<'a>>,
    pub(super) format: Option<Text<'a>>,
    pub(super) content: Option<Reader<'a>>,
    pub(super) summary: Option<Reader<'a>>,
}

pub(super) fn read_item<'a>(value: &mut Reader<'a>) -> Result<RawItem<'a>, Malformed> {
    let mut item = RawItem::default();
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(item);
    }
    value.members(|key, value| {
        match (key, value.kind()?) {
            ("type", _) => item.kind = value.string_or_skip()?,
            ("id", _) => item.id = value.string_or_skip()?,
            ("call_id", _) => item.call_id = value.string_or_skip()?.filter(|id| !id.is_empty()),
            ("name", _) => item.name = value.string_or_skip()?.filter(|name| !name.is_empty()),
            ("namespace", _) => {
                item.namespace = value.string_or_skip()?.filter(|space| !space.is_empty())
            }
            ("phase", _) => item.phase = value.string_or_skip()?,
            ("arguments" | "input", Kind::String) => item.input = Some(value.string()?),
            ("arguments", Kind::Object) => item.input = Some(Text::spell(value.raw()?)),
            ("encrypted_content", Kind::String) => {
                item.seal = Some(value.string()?).filter(|seal| !seal.is_empty())
            }
            ("result", Kind::String) => item.result = Some(value.string()?),
            ("output_format", Kind::String) => item.format = Some(value.string()?),
            ("code", Kind::String) => item.code = Some(value.string()?),
            ("outputs", Kind::Array) => {
                item.outputs = Some(value.clone());
                value.skip()?;
            }
            ("action", Kind::Object) => {
                item.action = Some(value.clone());
                value.skip()?;
            }
            ("content", Kind::Array) => {
                item.content = Some(value.clone());
                value.skip()?;
            }
            ("summary", Kind::Array) => {
                item.summary = Some(value.clone());
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(item)
}

/// What a response object says besides its items.
#[derive(Default)]
pub(super) struct AnswerHead<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) model: Option<Text<'a>>,
    pub(super) created: Option<u64>,
    pub(super) status: Option<Text<'a>>,
    pub(super) reason: Option<Text<'a>>,
    pub(super) usage: Option<Usage>,
    pub(super) failed: bool,
}

/// What a response object says, and where its items stand.
pub(super) type Told<'a> = (AnswerHead<'a>, Option<Reader<'a>>);

pub(super) fn read_answer<'a>(response: &mut Reader<'a>) -> Result<Told<'a>, Malformed> {
    let mut head = AnswerHead::default();
    let mut output = None;
    response.members(|key, value| {
        match (key, value.kind()?) {
            ("id", _) => head.id = value.string_or_skip()?,
            ("model", _) => head.model = value.string_or_skip()?,
            ("created_at", _) => head.created = value.unsigned_or_skip()?,
            ("status", _) => head.status = value.string_or_skip()?,
            ("usage", _) => head.usage = usage::read(value)?,
            ("error", Kind::Object) => {
                head.failed = true;
                value.skip()?;
            }
            ("incomplete_details", Kind::Object) => value.members(|key, value| {
                if key == "reason" {
                    head.reason = value.string_or_skip()?;
                    return Ok::<(), Malformed>(());
                }
                value.skip()
            })?,
            ("output", Kind::Array) => {
                output = Some(value.clone());
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok((head, output))
}

impl RawItem<'_> {
    pub(super) fn is_reasoning(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| kind.is("reasoning"))
    }

    /// What is lost of an item that is none of the client's.
    pub(super) fn lost(&self) -> Lost {
        let gone = match self.kind.as_ref().map(Text::raw).unwrap_or_default() {
            "image_generation_call" if self.is_picture() => return Lost::NONE,
            "code_interpreter_call" if self.is_code() => {
                let mut lost = Lost::of(Gone::Code);
                lost.add_if(self.has_files(), Gone::Files);
                return lost;
            }
            "web_search_call" => match self.search() {
                Some(_) if self.finds() => Gone::FoundText,
                Some(_) => return Lost::NONE,
                None => Gone::Search,
            },
            "file_search_call" => Gone::FileSearch,
            "computer_call" | "computer_call_output" => Gone::Computer,
            "mcp_call" | "mcp_list_tools" | "mcp_approval_request" | "mcp_approval_response" => {
                Gone::Mcp
            }
            "local_shell_call"
            | "local_shell_call_output"
            | "shell_call"
            | "shell_call_output"
            | "apply_patch_call"
            | "apply_patch_call_output" => Gone::Shell,
            "compaction" | "context_compaction" => Gone::Compaction,
            "function_call" | "custom_tool_call" => Gone::Item,
            kind if kind.ends_with("_call") || kind.ends_with("_output") => Gone::Hosted,
            _ => Gone::Item,
        };
        Lost::of(gone)
    }

    /// Whether code that ran left anything but words.
    fn has_files(&self) -> bool {
        let mut files = false;
        if let Some(mut outputs) = self.outputs.clone() {
            // What cannot be read of it is no file.
            let _ = outputs.elements(|output| {
                files |= find_type(&mut output.clone()).is_some_and(|kind| kind != "logs");
                output.skip()
            });
        }
        files
    }

    /// Whether words were looked for inside a page.
    fn finds(&self) -> bool {
        let action = self.action.clone();
        action
            .and_then(|mut action| find_type(&mut action))
            .is_some_and(|kind| kind.starts_with("find"))
    }

    /// What it searched for, where it is a search of the web (T55).
    pub(super) fn search(&self) -> Option<Search<'_>> {
        let action = self.action.clone()?;
        let searched = self
            .kind
            .as_ref()
            .is_some_and(|kind| kind.is("web_search_call"));
        let id = self.id.as_ref();
        searched.then(|| cite::search(id, action).ok()).flatten()
    }

    pub(super) fn is_picture(&self) -> bool {
        let drawn = self.result.as_ref().is_some_and(|data| !data.is_empty());
        let kind = self.kind.as_ref();
        drawn && kind.is_some_and(|kind| kind.is("image_generation_call"))
    }

    pub(super) fn is_code(&self) -> bool {
        let kind = self.kind.as_ref();
        kind.is_some_and(|kind| kind.is("code_interpreter_call"))
            && self.code.as_ref().is_some_and(|code| !code.is_empty())
    }

    pub(super) fn is_custom(&self) -> bool {
        self.kind
            .as_ref()
            .is_some_and(|kind| kind.is("custom_tool_call"))
    }
}
