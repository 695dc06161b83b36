//! Which result answers which call: by id where both have one, else by name in order (F80, T70).
//!
//! Older models and several libraries name no ids; every other dialect needs them. What is made up here depends on the conversation before it
//! alone, so it is the same every turn. Called by `request_decode`.

use crate::json::text::Text;

/// The calls of a conversation so far.
#[derive(Default)]
pub(super) struct Calls<'a> {
    open: Vec<Open<'a>>,
    made: usize,
}

struct Open<'a> {
    id: Text<'a>,
    name: Text<'a>,
    answered: bool,
}

impl<'a> Calls<'a> {
    /// The id of the next call.
    pub(super) fn call(&mut self, id: Option<Text<'a>>, name: &Text<'a>) -> Text<'a> {
        self.made += 1;
        let id = id.unwrap_or_else(|| Text::spell(&format!("call_{}", self.made)));
        self.open.push(Open {
            id: id.clone(),
            name: name.clone(),
            answered: false,
        });
        id
    }

    /// The id of the call that a result answers. A result without a call gets an id that no call has.
    pub(super) fn answer(&mut self, id: Option<&Text<'a>>, name: &Text<'a>) -> Text<'a> {
        let by_id = id.and_then(|id| self.open.iter().rposition(|open| open.id == *id));
        let at = by_id.or_else(|| {
            self.open
                .iter()
                .position(|open| !open.answered && open.name == *name)
        });
        match at.and_then(|at| self.open.get_mut(at)) {
            Some(open) => {
                open.answered = true;
                open.id.clone()
            }
            None => match id {
                Some(id) => id.clone(),
                None => {
                    let mut id = Text::spell("unknown_");
                    id.join(name);
                    id
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_find_their_call_by_id_else_by_name_in_order_f80_t70() {
        let mut calls = Calls::default();
        let (f, g) = (Text::spell("f"), Text::spell("g"));
        let ids: Vec<_> = [(None, &f), (Some("x"), &g), (None, &f)]
            .into_iter()
            .map(|(id, name)| calls.call(id.map(Text::spell), name).raw().to_owned())
            .collect();
        assert_eq!(ids, ["call_1", "x", "call_3"]);
        for (id, name, expected) in [
            (None, &f, "call_1"),
            (Some("x"), &g, "x"),
            (Some("made up by the client"), &f, "call_3"),
            (None, &g, "unknown_g"),
        ] {
            let id = id.map(Text::spell);
            assert_eq!(calls.answer(id.as_ref(), name).raw(), expected);
        }
    }
}
