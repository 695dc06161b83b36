//! What the models of OpenAI refuse, by their names (T5, T100, T105). A model that is not in the table takes everything.
//!
//! Called by the request encoders of Chat and of Responses; the Codex backend has a list of its own.

use crate::json::text::Text;

/// When a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinks {
    /// It cannot.
    Never,
    /// It cannot do without.
    Always,
    /// Unless it is told not to.
    ByDefault,
    /// When it is told to.
    WhenAsked,
}

/// By the beginning of the name; the first row that fits counts.
const TABLE: &[(&str, Thinks)] = &[
    ("o1", Thinks::Always),
    ("o3", Thinks::Always),
    ("o4", Thinks::Always),
    ("gpt-5-chat", Thinks::Never),
    ("gpt-5.1", Thinks::WhenAsked),
    ("gpt-5.2", Thinks::WhenAsked),
    ("gpt-5.3", Thinks::WhenAsked),
    ("gpt-5.4", Thinks::WhenAsked),
    ("gpt-5.5", Thinks::WhenAsked),
    ("gpt-5.", Thinks::ByDefault),
    ("gpt-5", Thinks::Always),
    ("gpt-6", Thinks::ByDefault),
];

/// Models that take no instructions but the person's own words (T5).
const NO_SYSTEM: &[&str] = &["o1-mini", "o1-preview"];

/// Why a field that steers sampling is not sent (T100).
pub(crate) const REFUSED: &str = "models that think refuse it (T100)";

/// The name without a vendor before it.
fn bare(model: Option<&str>) -> &str {
    let model = model.unwrap_or_default();
    model.rsplit_once('/').map_or(model, |(_, name)| name)
}

/// Whether the model will think, with that effort asked for. Then it refuses what steers sampling (T100).
pub(crate) fn thinks(model: Option<&str>, effort: Option<&Text<'_>>) -> bool {
    let name = bare(model);
    let row = TABLE.iter().find(|(start, _)| name.starts_with(start));
    let row = row.map_or(Thinks::Never, |(_, row)| *row);
    let told_not_to = || effort.is_some_and(|word| word.is("none"));
    match row {
        Thinks::Never => false,
        _ if name.contains("-codex") => true,
        Thinks::Always => true,
        Thinks::ByDefault => !told_not_to(),
        Thinks::WhenAsked => effort.is_some() && !told_not_to(),
    }
}

/// Whether instructions have to be told as words of the person (T5).
pub(crate) fn refuses_system(model: Option<&str>) -> bool {
    let name = bare(model);
    NO_SYSTEM.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t100_models_are_known_by_their_names() {
        for (model, effort, thinking) in [
            ("gpt-4.1", None, false),
            ("gpt-4.1", Some("high"), false),
            ("o3-mini", None, true),
            ("openai/o4-mini", Some("low"), true),
            ("gpt-5", Some("none"), true),
            ("gpt-5-chat-latest", None, false),
            ("gpt-5.1", None, false),
            ("gpt-5.1-codex", None, true),
            ("gpt-5.2", Some("low"), true),
            ("gpt-5.4", None, false),
            ("openai/gpt-5.5", Some("low"), true),
            ("gpt-5.6", None, true),
            ("gpt-5.6", Some("none"), false),
            ("glm-4.6", Some("high"), false),
        ] {
            let effort = effort.map(Text::spell);
            let seen = thinks(Some(model), effort.as_ref());
            assert_eq!(seen, thinking, "{model} {effort:?}");
        }
    }
}
