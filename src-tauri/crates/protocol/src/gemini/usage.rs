//! Usage in the words of Gemini (table C2): thoughts are counted beside the answer, and what tools put into the prompt beside the prompt.
//!
//! Counts are repeated and cumulative: the last ones count (T155). Called by the decoders and encoders of this folder and by the observer.

use super::part::members;
use crate::{
    json::{
        read::{Kind, Malformed, Reader},
        write::Sink,
    },
    types::Usage,
};

/// Reads a `usageMetadata` object; `None` for one that counts nothing.
pub(crate) fn read(value: &mut Reader<'_>) -> Result<Option<Usage>, Malformed> {
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(None);
    }
    let (mut prompt, mut tools, mut words, mut thoughts, mut cached) =
        (None, None, None, None, None);
    members(value, |key, value| {
        let to = match key {
            "promptTokenCount" => &mut prompt,
            "toolUsePromptTokenCount" => &mut tools,
            "candidatesTokenCount" => &mut words,
            "thoughtsTokenCount" => &mut thoughts,
            "cachedContentTokenCount" => &mut cached,
            _ => return value.skip(),
        };
        *to = value.unsigned_or_skip()?;
        Ok(())
    })?;
    if prompt.is_none() && words.is_none() {
        return Ok(None);
    }
    let [prompt, tools, words, thoughts, cached] =
        [prompt, tools, words, thoughts, cached].map(Option::unwrap_or_default);
    Ok(Some(Usage {
        input: prompt.saturating_add(tools),
        output: words.saturating_add(thoughts),
        cached,
        reasoning: thoughts,
        cache_written: 0,
    }))
}

/// Writes a `usageMetadata` object.
pub(super) fn write<S: Sink>(usage: &Usage, out: &mut S) {
    out.raw("{\"promptTokenCount\":");
    out.number(usage.input);
    out.raw(",\"candidatesTokenCount\":");
    out.number(usage.output.saturating_sub(usage.reasoning));
    out.raw(",\"totalTokenCount\":");
    out.number(usage.input.saturating_add(usage.output));
    for (key, count) in [
        (",\"thoughtsTokenCount\":", usage.reasoning),
        (",\"cachedContentTokenCount\":", usage.cached),
    ] {
        if count > 0 {
            out.raw(key);
            out.number(count);
        }
    }
    out.raw("}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_count_as_output_and_tool_prompts_as_input_t149() {
        let told = r#"{"promptTokenCount":10,"toolUsePromptTokenCount":5,"candidatesTokenCount":7,"thoughtsTokenCount":30,"cachedContentTokenCount":4,"totalTokenCount":52}"#;
        let usage = read(&mut Reader::new(told)).unwrap().unwrap();
        assert_eq!((usage.input, usage.output), (15, 37));
        assert_eq!((usage.cached, usage.reasoning), (4, 30));
        let mut out = String::new();
        write(&usage, &mut out);
        assert_eq!(
            out,
            r#"{"promptTokenCount":15,"candidatesTokenCount":7,"totalTokenCount":52,"thoughtsTokenCount":30,"cachedContentTokenCount":4}"#
        );
        assert!(read(&mut Reader::new("{}")).unwrap().is_none());
    }
}
