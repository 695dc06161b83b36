//! From a client's request to an upstream's: pass-through with patches, or the hub. Called by `gateway` per attempt.

use bytes::Bytes;

use crate::{
    hub,
    passthrough::PassState,
    types::{Dialect, Head, Lane, Options, Prepared, RequestError, RequestState, Target},
};

/// Makes the upstream's request body out of the client's.
///
/// # Errors
/// A [`RequestError`] when the meaning would silently change on the way.
pub fn prepare(
    from: Dialect,
    to: Target,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
) -> Result<Prepared, RequestError> {
    let stream_upstream = to == Target::Codex || options.stream.unwrap_or(head.stream);
    if from == to.dialect() {
        return Ok(Prepared {
            body: body.clone().into(),
            stream_upstream,
            losses: Vec::new(),
            state: RequestState {
                lane: Lane::Pass(PassState::default()),
            },
        });
    }
    let translated = hub::translate_request(from, to, body, head, options)?;
    Ok(Prepared {
        body: translated.body,
        stream_upstream,
        losses: translated.losses,
        state: RequestState {
            lane: Lane::Hub(Box::new(translated.state)),
        },
    })
}
