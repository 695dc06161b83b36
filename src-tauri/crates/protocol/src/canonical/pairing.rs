//! Every call beside its output, every output behind its call (T64–T67).
//!
//! Clients put reminders between the two, lose results on an abort, or lose calls by compaction; upstreams refuse each of these.
//! Called by the request encoders, after everything else that filters items (T13).

use std::collections::{HashMap, VecDeque};

use super::request::{Call, Item, Losses, Part, Role};
use crate::json::text::Text;

/// What a call without a result is answered with (T66).
const ABORTED: &str = "aborted";

/// Reorders `items` so that the outputs of a turn's calls follow them in call order; invents missing outputs and turns orphans into words.
pub(crate) fn pair<'a>(items: Vec<Item<'a>>, losses: &mut Losses) -> Vec<Item<'a>> {
    if is_paired(&items) {
        return items;
    }
    let mut outputs: HashMap<String, VecDeque<(usize, Vec<Part<'a>>)>> = HashMap::new();
    let mut slots: Vec<Option<Item<'a>>> = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        if let Item::Output { call_id, parts } = item {
            outputs
                .entry(call_id.decode().into_owned())
                .or_default()
                .push_back((at, parts));
            slots.push(Some(Item::Output {
                call_id,
                parts: Vec::new(),
            }));
        } else {
            slots.push(Some(item));
        }
    }
    let mut paired = Vec::with_capacity(slots.len());
    let mut turn: Vec<(usize, Text<'a>)> = Vec::new();
    for (at, slot) in slots.into_iter().enumerate() {
        let Some(item) = slot else { continue };
        match item {
            Item::Call(call) => {
                turn.push((at, call.call_id.clone()));
                paired.push(Item::Call(call));
            }
            reasoning @ Item::Reasoning { .. } => paired.push(reasoning),
            Item::Output { call_id, .. } => {
                answer(&mut turn, &mut outputs, &mut paired, losses);
                let waiting = outputs.get_mut(call_id.decode().as_ref());
                if let Some(queue) = waiting
                    && queue.front().is_some_and(|(position, _)| *position == at)
                    && let Some((_, parts)) = queue.pop_front()
                {
                    losses.approximated(
                        format!("tool output {at}"),
                        "no call has this id: sent as a user message (T67)",
                    );
                    paired.push(Item::Message {
                        role: Role::User,
                        parts: orphan(&call_id, parts),
                        phase: None,
                    });
                }
            }
            other => {
                answer(&mut turn, &mut outputs, &mut paired, losses);
                paired.push(other);
            }
        }
    }
    answer(&mut turn, &mut outputs, &mut paired, losses);
    paired
}

/// Whether nothing is to be done, as in nearly every request.
fn is_paired(items: &[Item<'_>]) -> bool {
    let mut calls = Vec::new();
    let mut answered = 0;
    for item in items {
        match item {
            Item::Call(call) => {
                if answered > 0 {
                    if answered < calls.len() {
                        return false;
                    }
                    calls.clear();
                    answered = 0;
                }
                calls.push(&call.call_id);
            }
            Item::Reasoning { .. } if answered == 0 => {}
            Item::Output { call_id, .. } => {
                if calls.get(answered) != Some(&call_id) {
                    return false;
                }
                answered += 1;
            }
            _ => {
                if answered < calls.len() {
                    return false;
                }
                calls.clear();
                answered = 0;
            }
        }
    }
    answered == calls.len()
}

/// Appends the outputs of the calls of one turn.
fn answer<'a>(
    turn: &mut Vec<(usize, Text<'a>)>,
    outputs: &mut HashMap<String, VecDeque<(usize, Vec<Part<'a>>)>>,
    paired: &mut Vec<Item<'a>>,
    losses: &mut Losses,
) {
    for (at, call_id) in turn.drain(..) {
        let parts = outputs
            .get_mut(call_id.decode().as_ref())
            .and_then(|queue| {
                let first = queue.iter().position(|(position, _)| *position > at)?;
                queue.remove(first).map(|(_, parts)| parts)
            });
        let parts = parts.unwrap_or_else(|| {
            losses.approximated(
                format!("tool call {at}"),
                "the call has no output: answered as aborted (T66)",
            );
            vec![Part::Text(Text::spell(ABORTED))]
        });
        paired.push(Item::Output { call_id, parts });
    }
}

fn orphan<'a>(call_id: &Text<'a>, parts: Vec<Part<'a>>) -> Vec<Part<'a>> {
    let mut words = Text::spell("Output of the earlier tool call ");
    words.join(call_id);
    words.join(&Text::spell(":"));
    let mut all = vec![Part::Text(words)];
    all.extend(parts);
    all
}

/// The calls and outputs of `items`, for tests and for the encoders' name tables.
pub(crate) fn calls<'i, 'a>(items: &'i [Item<'a>]) -> impl Iterator<Item = &'i Call<'a>> + Clone {
    items.iter().filter_map(|item| match item {
        Item::Call(call) => Some(call),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(sketch: &str) -> Vec<Item<'static>> {
        sketch
            .split_whitespace()
            .map(|word| {
                let id = Text::spell(&word[1..]);
                match word.as_bytes()[0] {
                    b'c' => Item::Call(Call {
                        call_id: id,
                        name: Text::spell("f"),
                        namespace: None,
                        input: Text::spell("{}"),
                        custom: false,
                    }),
                    b'o' => Item::Output {
                        call_id: id,
                        parts: vec![Part::Text(Text::spell("r"))],
                    },
                    b'a' => Item::Message {
                        role: Role::Assistant,
                        parts: vec![Part::Text(id)],
                        phase: None,
                    },
                    b'r' => Item::Reasoning {
                        text: id,
                        seal: None,
                    },
                    _ => Item::Message {
                        role: Role::User,
                        parts: vec![Part::Text(id)],
                        phase: None,
                    },
                }
            })
            .collect()
    }

    fn sketch(items: &[Item<'_>]) -> String {
        let words: Vec<_> = items
            .iter()
            .map(|item| match item {
                Item::Call(call) => format!("c{}", call.call_id.raw()),
                Item::Output { call_id, parts } => {
                    let aborted =
                        matches!(parts.as_slice(), [Part::Text(text)] if text.is(ABORTED));
                    format!("{}{}", if aborted { "x" } else { "o" }, call_id.raw())
                }
                Item::Message {
                    role: Role::Assistant,
                    ..
                } => "a".to_owned(),
                Item::Message { parts, .. } if parts.len() > 1 => "orphan".to_owned(),
                Item::Message { .. } => "u".to_owned(),
                Item::Reasoning { .. } => "r".to_owned(),
                Item::Opaque { .. } => "?".to_owned(),
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn calls_and_outputs_are_neighbours() {
        for (trap, given, expected) in [
            ("T64 parallel", "u c1 c2 o1 o2", "u c1 c2 o1 o2"),
            ("T68 order", "c1 c2 o2 o1", "c1 c2 o1 o2"),
            ("T65 reminder between", "c1 u o1 u", "c1 o1 u u"),
            ("T66 aborted call", "u c1 u", "u c1 x1 u"),
            ("T66 last call", "u c1", "u c1 x1"),
            ("T67 orphan", "u o9 u", "u orphan u"),
            ("T67 second output", "c1 o1 o1", "c1 o1 orphan"),
            ("T67 output before its call", "o1 c1", "orphan c1 x1"),
            ("T72 repeated ids", "c0 o0 u c0 o0", "c0 o0 u c0 o0"),
            (
                "T102 reasoning between calls",
                "r c1 r c2 o1 o2 a",
                "r c1 r c2 o1 o2 a",
            ),
            ("text before outputs", "c1 a o1", "c1 o1 a"),
        ] {
            let mut losses = Losses::default();
            assert_eq!(sketch(&pair(items(given), &mut losses)), expected, "{trap}");
        }
    }
}
