//! Hints in a prompt: how a test tells the brain what to do, in the words of an ordinary message. Called by `brain` alone.

use serde_json::Value;

/// What the last user message asks of the brain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// `say:`: the answer.
    pub say: Option<String>,
    /// `run:`: the shell command.
    pub run: Option<String>,
    /// `think:`: the reasoning.
    pub think: Option<String>,
    /// `call:`: tools by name, with their input where the prompt has it.
    pub calls: Vec<(String, Option<String>)>,
    /// `long:`: number of words.
    pub long: Option<usize>,
    /// The words `two tools`.
    pub two_tools: bool,
    /// `play:`: the step to act out, in the words of `Step::from_hint`. The brain itself never fails.
    pub play: Option<String>,
}

impl Hints {
    /// Reads the hints out of a message.
    #[must_use]
    pub fn read(ask: &str) -> Self {
        Self {
            say: value(ask, "say:"),
            run: value(ask, "run:"),
            think: value(ask, "think:"),
            calls: calls(ask),
            long: value(ask, "long:")
                .and_then(|digits| digits.parse().ok())
                .map(|count: usize| count.min(100_000)),
            two_tools: ask.contains("two tools"),
            play: value(ask, "play:"),
        }
    }
}

/// Text after a marker that starts a word.
fn after<'a>(ask: &'a str, marker: &str) -> Option<&'a str> {
    ask.match_indices(marker).find_map(|(at, _)| {
        let starts_word = ask[..at]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric());
        starts_word.then(|| &ask[at + marker.len()..])
    })
}

/// A quoted text (a JSON string) or a single word.
fn value(ask: &str, marker: &str) -> Option<String> {
    let rest = after(ask, marker)?;
    if rest.starts_with('"') {
        return first_json(rest).and_then(|(quoted, _)| quoted.as_str().map(str::to_owned));
    }
    let word: String = rest
        .chars()
        .take_while(|letter| !letter.is_whitespace())
        .collect();
    (!word.is_empty()).then_some(word)
}

fn calls(ask: &str) -> Vec<(String, Option<String>)> {
    let (mut found, mut rest) = (Vec::new(), ask);
    while let Some(tail) = after(rest, "call:") {
        let end = tail
            .find(|letter: char| !(letter.is_alphanumeric() || "_-.".contains(letter)))
            .unwrap_or(tail.len());
        let (name, after_name) = tail.split_at(end);
        rest = after_name;
        let mut input = None;
        if after_name.starts_with('{')
            && let Some((_, used)) = first_json(after_name)
        {
            input = Some(after_name[..used].to_owned());
            rest = &after_name[used..];
        }
        if !name.is_empty() {
            found.push((name.to_owned(), input));
        }
    }
    found
}

/// The JSON value a text starts with, and its length in bytes.
fn first_json(text: &str) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}
