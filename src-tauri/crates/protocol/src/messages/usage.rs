//! Usage in the words of Messages (table C2): input is told without what was read from or written to the cache.
//!
//! A stream tells its counts in two events; what the second says replaces the first (T157). Called by the decoders and encoders of this
//! folder and by the observer.

use crate::{
    json::{
        read::{Kind, Malformed, Reader},
        write::Sink,
    },
    types::Usage,
};

/// The counts of an answer so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    input: u64,
    output: u64,
    read: u64,
    written: u64,
    reasoning: u64,
    any: bool,
}

impl Counts {
    /// Adds what a `usage` object says; `null` and absent leave what was known (T157).
    pub(crate) fn read(&mut self, value: &mut Reader<'_>) -> Result<(), Malformed> {
        if value.kind()? != Kind::Object {
            return value.skip();
        }
        value.members(|key, value| {
            match key {
                "input_tokens" => self.any |= set(value, &mut self.input)?,
                "output_tokens" => self.any |= set(value, &mut self.output)?,
                "cache_read_input_tokens" => self.any |= set(value, &mut self.read)?,
                "cache_creation_input_tokens" => self.any |= set(value, &mut self.written)?,
                "output_tokens_details" if value.kind()? == Kind::Object => {
                    value.members(|key, value| match key {
                        "thinking_tokens" | "reasoning_tokens" => {
                            set(value, &mut self.reasoning).map(drop)
                        }
                        _ => value.skip(),
                    })?;
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })
    }

    /// In the common form; `None` while nothing was counted.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.any.then(|| Usage {
            input: self
                .input
                .saturating_add(self.read)
                .saturating_add(self.written),
            output: self.output,
            cached: self.read,
            reasoning: self.reasoning,
            cache_written: self.written,
        })
    }
}

fn set(value: &mut Reader<'_>, to: &mut u64) -> Result<bool, Malformed> {
    let number = value.unsigned_or_skip()?;
    if let Some(number) = number {
        *to = number;
    }
    Ok(number.is_some())
}

/// Writes a `usage` object with every count (T150).
pub(crate) fn write<S: Sink>(usage: &Usage, out: &mut S) {
    let fresh = usage
        .input
        .saturating_sub(usage.cached)
        .saturating_sub(usage.cache_written);
    out.raw("{\"input_tokens\":");
    out.number(fresh);
    out.raw(",\"cache_creation_input_tokens\":");
    out.number(usage.cache_written);
    out.raw(",\"cache_read_input_tokens\":");
    out.number(usage.cached);
    out.raw(",\"output_tokens\":");
    out.number(usage.output);
    out.raw("}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_numbers_come_back_t148_t157() {
        let mut counts = Counts::default();
        for usage in [
            r#"{"input_tokens":3,"cache_read_input_tokens":40,"cache_creation_input_tokens":500,"output_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":500}}"#,
            r#"{"input_tokens":null,"output_tokens":7,"server_tool_use":null}"#,
        ] {
            counts.read(&mut Reader::new(usage)).unwrap();
        }
        let usage = counts.usage().unwrap();
        assert_eq!((usage.input, usage.output), (543, 7));
        let mut out = String::new();
        write(&usage, &mut out);
        assert_eq!(
            out,
            r#"{"input_tokens":3,"cache_creation_input_tokens":500,"cache_read_input_tokens":40,"output_tokens":7}"#
        );
        assert!(Counts::default().usage().is_none());
    }
}
