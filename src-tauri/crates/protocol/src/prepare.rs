//! From a client's request to an upstream's: pass-through with patches, or the hub. Called by `gateway` per attempt.

use bytes::Bytes;

use crate::{
    codex, gemini, hub,
    passthrough::PassState,
    patch::{Edits, ObjectPatch, quoted, set_nested},
    types::{Dialect, Head, Lane, Options, Prepared, RequestError, RequestState, Route, Target},
};

/// Makes the upstream's request body out of the client's.
///
/// Client dialect = upstream dialect: the client's own bytes with as few patches as the target demands; without patches the
/// very same [`Bytes`]. Otherwise a translation.
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
    // A vendor that gives several answers itself may do so to its own clients.
    let several = from == Dialect::Gemini && to == Target::Gemini;
    if head
        .n
        .is_some_and(|n| n > 1 || (n == 0 && from != Dialect::Gemini))
        && !several
    {
        if from == Dialect::Gemini {
            let message =
                "Only candidateCount=1 is supported. Send the request once per answer you want.";
            return Err(RequestError::field(
                "generationConfig.candidateCount",
                message,
            ));
        }
        let message = "Only n=1 is supported. Send the request once per choice you want.";
        return Err(RequestError::field("n", message));
    }
    let streams = to == Target::Codex || options.stream.unwrap_or(head.stream);
    let stream_upstream = streams && options.route == Route::Answer;
    if from == to.dialect() {
        return pass_through(to, body, head, options, stream_upstream);
    }
    let translated = hub::translate_request(from, to, body, head, options)?;
    Ok(Prepared {
        body: translated.body,
        model: path_model(to, head, options),
        stream_upstream,
        losses: translated.losses,
        state: RequestState {
            lane: Lane::Hub(Box::new(translated.state)),
        },
    })
}

fn pass_through(
    to: Target,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
    stream_upstream: bool,
) -> Result<Prepared, RequestError> {
    let (mut edits, mut losses) = (Edits::default(), Vec::new());
    let mut object = ObjectPatch::new(body, 0, &head.members, &mut edits);
    let mut state = PassState::new(to, head, options);
    if let Some(model) = options.model
        && to != Target::Gemini
    {
        object.set("model", &quoted(model));
    }
    match to {
        Target::Codex => codex::apply(body, &mut object, options, &mut losses)?,
        Target::Chat => {
            stream_flag(&mut object, options);
            if stream_upstream && options.ask_usage && !head.include_usage {
                set_nested(&mut object, "stream_options", "include_usage", b"true");
                state.hide_usage = true;
            }
            if let Some(effort) = options.effort {
                object.set("reasoning_effort", &quoted(effort));
            }
            service_tier(&mut object, options);
        }
        Target::Responses => {
            stream_flag(&mut object, options);
            if let Some(effort) = options.effort {
                set_nested(&mut object, "reasoning", "effort", &quoted(effort));
            }
            service_tier(&mut object, options);
            if let Some(key) = options.prompt_cache_key
                && object.value("prompt_cache_key").is_none()
            {
                object.set("prompt_cache_key", &quoted(key));
            }
        }
        Target::Messages => {
            stream_flag(&mut object, options);
            if let Some(effort) = options.effort {
                set_nested(&mut object, "output_config", "effort", &quoted(effort));
            }
        }
        // Whether it streams stands in the path.
        Target::Gemini => {
            if let Some(effort) = options.effort {
                let model = options.model.or(head.model.as_deref());
                gemini::set_effort(&mut object, model, effort);
            }
        }
    }
    object.finish();
    Ok(Prepared {
        body: edits.apply(body),
        model: path_model(to, head, options),
        stream_upstream,
        losses,
        state: RequestState {
            lane: Lane::Pass(state),
        },
    })
}

/// The model's name where the caller needs it for the path.
fn path_model(to: Target, head: &Head, options: &Options<'_>) -> Option<String> {
    let name = options.model.or(head.model.as_deref());
    name.filter(|_| to == Target::Gemini).map(str::to_owned)
}

fn stream_flag(object: &mut ObjectPatch<'_>, options: &Options<'_>) {
    if let Some(stream) = options.stream {
        object.set("stream", if stream { b"true" } else { b"false" });
    }
}

fn service_tier(object: &mut ObjectPatch<'_>, options: &Options<'_>) {
    if let Some(tier) = options.service_tier {
        object.set("service_tier", &quoted(tier));
    }
}
