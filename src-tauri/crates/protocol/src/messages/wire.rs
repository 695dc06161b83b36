//! The words of the Messages dialect: names of fields and values that both directions share.
//!
//! Called by the other files of this folder.

use std::borrow::Cow;

use crate::{canonical::event::Finish, json::text::Text};

/// Fields of a request that mean nothing to any other dialect and may go without a word: they are the gateway's own business.
pub(crate) const QUIET: &[&str] = &["model", "stream", "betas"];

/// The first system line of Claude Code: it changes every turn and would defeat another provider's prompt cache (T17).
pub(crate) const ATTRIBUTION: &str = "x-anthropic-billing-header:";

/// How the types of tools begin that the client runs by a schema only the vendor's models know (T54).
pub(crate) const TYPED_TOOLS: &[&str] = &["bash_", "text_editor_", "computer_", "memory_"];

/// What stands for words in a turn that has to have some (T7, T9, T12).
pub(crate) const NO_CONTENT: &str = "(no content)";

/// The lowest thinking budget the dialect takes (T98).
pub(crate) const LOWEST_BUDGET: u64 = 1024;

/// Thinking budgets up to which an effort reaches (F79): below the first number it is the first word, and so on.
pub(crate) const EFFORT_BY_BUDGET: &[(u64, &str)] =
    &[(2_000, "low"), (8_000, "medium"), (20_000, "high")];

/// The effort above every budget of [`EFFORT_BY_BUDGET`].
pub(crate) const HIGHEST_EFFORT: &str = "xhigh";

/// The budget an effort stands for with models that think by budget (table C3).
pub(crate) fn budget(effort: &str) -> Option<u64> {
    Some(match effort {
        "minimal" => 1_024,
        "low" => 2_048,
        "medium" => 8_192,
        "high" => 16_384,
        "xhigh" | "max" => 32_000,
        _ => return None,
    })
}

/// The effort a thinking budget stands for (F79).
pub(crate) fn effort(budget: u64) -> &'static str {
    EFFORT_BY_BUDGET
        .iter()
        .find(|(below, _)| budget < *below)
        .map_or(HIGHEST_EFFORT, |(_, word)| word)
}

/// Reads a `stop_reason` (table C1); words nobody knows count as a whole answer (T147). `None` for an answer that asks to be continued,
/// which is no end (T146).
pub(crate) fn read_stop(word: &str) -> Option<Finish> {
    Some(match word {
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "refusal" => Finish::Filter,
        "pause_turn" => return None,
        _ => Finish::Stop,
    })
}

/// The `stop_reason` of an answer (table C1). Which stop string was hit is not known from other dialects (T120).
pub(crate) const fn stop_word(finish: Finish, has_calls: bool) -> &'static str {
    match finish {
        Finish::Length => "max_tokens",
        Finish::Filter => "refusal",
        Finish::Stop if has_calls => "tool_use",
        Finish::Stop => "end_turn",
    }
}

/// A call id in the dialect's alphabet, `[A-Za-z0-9_-]`; the same id every time (T71). What had to change gets a mark made of the whole id,
/// so that two ids never become one.
pub(crate) fn call_id<'t>(id: &'t Text<'_>) -> Cow<'t, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !id.is_empty() && id.raw().bytes().all(fits) {
        return Cow::Borrowed(id.raw());
    }
    let plain = id.decode();
    let mut clean: String = plain
        .chars()
        .take(40)
        .map(|c| {
            if u8::try_from(c).is_ok_and(fits) {
                c
            } else {
                '_'
            }
        })
        .collect();
    clean.push_str(&format!("_{:08x}", mark(plain.as_bytes()) & 0xffff_ffff));
    Cow::Owned(clean)
}

/// FNV-1a: stable over versions. Not for secrets.
pub(crate) fn mark(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fit_the_alphabet_and_stay_apart_t71() {
        for id in ["toolu_01A", "call_abc-9"] {
            assert_eq!(call_id(&Text::spell(id)), id);
        }
        let odd = ["functions.Bash:0", "functions.Bash:1", "", "a b", "é\"\\"];
        let mut seen = Vec::new();
        for id in odd {
            let id = Text::spell(id);
            let clean = call_id(&id).into_owned();
            assert!(
                clean
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
                "{clean}"
            );
            assert_eq!(clean, call_id(&id));
            assert!(!seen.contains(&clean));
            seen.push(clean);
        }
    }

    #[test]
    fn budgets_and_efforts_follow_the_table_f79() {
        for (budget, word) in [
            (1_024, "low"),
            (1_999, "low"),
            (2_000, "medium"),
            (7_999, "medium"),
            (8_000, "high"),
            (19_999, "high"),
            (31_999, "xhigh"),
        ] {
            assert_eq!(effort(budget), word, "{budget}");
        }
        for word in ["high", "xhigh"] {
            assert_eq!(effort(budget(word).unwrap_or(0)), word, "{word}");
        }
    }
}
