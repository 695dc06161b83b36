//! A Responses event stream folded into one JSON answer, out of the upstream's own raw items (T173, T184).
//!
//! For clients that do not stream when the upstream does nothing else, as the Codex backend. Nothing is decoded: the terminal
//! event's `response` object is the answer, and where its `output` is empty the finished items fill it. Called by `passthrough`.

use bytes::Bytes;

use crate::{
    error,
    finished::FinishedItems,
    json::scan,
    observe::{Kind, Observer},
    patch::{Edits, ObjectPatch, quoted},
    types::{Failure, Terminal},
};

/// The raw parts of the answer so far.
#[derive(Default)]
pub(crate) struct Fold {
    items: FinishedItems,
    /// The `response` object of the last life-cycle event that may end the answer.
    response: Option<Bytes>,
}

impl Fold {
    /// One event, already observed.
    pub(crate) fn event(&mut self, kind: Kind, data: &[u8], observer: &Observer) {
        match kind {
            Kind::ItemDone => self.items.keep(data),
            Kind::Lifecycle if observer.seen.terminal.is_some() => {
                self.response = scan::member_value(data, 0..data.len(), "response")
                    .map(|value| Bytes::copy_from_slice(&data[value]));
            }
            _ => {}
        }
    }

    /// The answer, with `model` replaced where the client asked under another name.
    pub(crate) fn into_json(
        mut self,
        observer: &Observer,
        echo_model: Option<&str>,
    ) -> Result<Bytes, Failure> {
        match observer.seen.terminal {
            None => {
                let message = "the upstream's stream ended before its terminal event".to_owned();
                return Err(Failure::Cut { message });
            }
            Some(Terminal::Failed) => return Err(failed(observer)),
            Some(Terminal::Completed | Terminal::Incomplete) => {}
        }
        let Some(response) = self.response.take() else {
            return Err(Failure::Unreadable {
                message: "the terminal event holds no response".to_owned(),
            });
        };
        let (members, _) = scan::members(&response, 0).map_err(|error| Failure::Unreadable {
            message: format!("the terminal event's response: {error}"),
        })?;
        let mut edits = Edits::default();
        let mut object = ObjectPatch::new(&response, 0, &members, &mut edits);
        let empty = object.token("output").is_none_or(|output| {
            output.first() != Some(&b'[')
                || output[1..]
                    .iter()
                    .all(|byte| byte.is_ascii_whitespace() || *byte == b']')
        });
        if empty {
            let output = [b"[", self.items.listed().as_slice(), b"]"].concat();
            object.set("output", &output);
        }
        if let Some(model) = echo_model {
            object.set("model", &quoted(model));
        }
        object.finish();
        Ok(edits.apply(&response).to_bytes())
    }
}

/// The failure an observed error event stands for.
pub(crate) fn failed(observer: &Observer) -> Failure {
    let raw = observer.seen.failure.clone().unwrap_or_default();
    let error = error::from_event(&raw);
    Failure::Upstream {
        status: error::event_status(&raw, &error),
        error: Box::new(error),
        raw,
    }
}
