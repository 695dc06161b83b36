//! Usage in the words of Responses (table C2). Called by the decoders and encoders of this folder.

use crate::{
    chat::usage::detail,
    json::{
        read::{Kind, Malformed, Reader},
        write::Sink,
    },
    types::Usage,
};

/// Reads a `usage` object; `None` for `null` and for one that counts nothing.
pub(crate) fn read(value: &mut Reader<'_>) -> Result<Option<Usage>, Malformed> {
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(None);
    }
    let mut usage = Usage::default();
    let mut counted = false;
    value.members(|key, value| {
        match key {
            "input_tokens" => {
                usage.input = value
                    .unsigned_or_skip()?
                    .inspect(|_| counted = true)
                    .unwrap_or(0)
            }
            "output_tokens" => {
                usage.output = value
                    .unsigned_or_skip()?
                    .inspect(|_| counted = true)
                    .unwrap_or(0)
            }
            "input_tokens_details" => detail(value, "cached_tokens", &mut usage.cached)?,
            "output_tokens_details" => detail(value, "reasoning_tokens", &mut usage.reasoning)?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(counted.then_some(usage))
}

/// Writes a `usage` object, both details included (T156).
pub(crate) fn write<S: Sink>(usage: &Usage, out: &mut S) {
    out.raw("{\"input_tokens\":");
    out.number(usage.input);
    out.raw(",\"input_tokens_details\":{\"cached_tokens\":");
    out.number(usage.cached);
    out.raw("},\"output_tokens\":");
    out.number(usage.output);
    out.raw(",\"output_tokens_details\":{\"reasoning_tokens\":");
    out.number(usage.reasoning);
    out.raw("},\"total_tokens\":");
    out.number(usage.input.saturating_add(usage.output));
    out.raw("}");
}
