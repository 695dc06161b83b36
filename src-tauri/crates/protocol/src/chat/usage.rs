//! Usage in the words of Chat Completions (table C2). Called by the decoders and encoders of this folder.

use crate::{
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
            "prompt_tokens" => counted |= count(value, &mut usage.input)?,
            "completion_tokens" => counted |= count(value, &mut usage.output)?,
            // DeepSeek's own word for cached tokens.
            "prompt_cache_hit_tokens" => {
                count(value, &mut usage.cached)?;
            }
            "prompt_tokens_details" => detail(value, "cached_tokens", &mut usage.cached)?,
            "completion_tokens_details" => detail(value, "reasoning_tokens", &mut usage.reasoning)?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(counted.then_some(usage))
}

fn count(value: &mut Reader<'_>, to: &mut u64) -> Result<bool, Malformed> {
    let number = value.unsigned_or_skip()?;
    if let Some(number) = number {
        *to = number;
    }
    Ok(number.is_some())
}

/// One number of a details object, which may be `null`.
pub(crate) fn detail(value: &mut Reader<'_>, name: &str, to: &mut u64) -> Result<(), Malformed> {
    if value.kind()? != Kind::Object {
        return value.skip();
    }
    value.members(|key, value| {
        if key == name {
            count(value, to).map(drop)
        } else {
            value.skip()
        }
    })
}

/// Writes a `usage` object, both details included (T156).
pub(crate) fn write<S: Sink>(usage: &Usage, out: &mut S) {
    out.raw("{\"prompt_tokens\":");
    out.number(usage.input);
    out.raw(",\"completion_tokens\":");
    out.number(usage.output);
    out.raw(",\"total_tokens\":");
    out.number(usage.input.saturating_add(usage.output));
    out.raw(",\"prompt_tokens_details\":{\"cached_tokens\":");
    out.number(usage.cached);
    out.raw("},\"completion_tokens_details\":{\"reasoning_tokens\":");
    out.number(usage.reasoning);
    out.raw("}}");
}
