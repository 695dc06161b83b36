//! From a client's request to an upstream's: pass-through with patches, or the hub. Called by `gateway` per attempt.

use bytes::Bytes;

use crate::{
    codex, gemini,
    hub::{self, HubState},
    json::scan,
    messages,
    passthrough::PassState,
    patch::{Edits, ObjectPatch, quoted, set_nested},
    types::{
        Dialect, Head, Lane, Loss, Options, Prepared, ReasoningOutput, RequestError, RequestState,
        Route, Target,
    },
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
            let silent =
                object.value("reasoning_effort").is_none() && object.value("reasoning").is_none();
            if let Some(effort) = wish(options, silent) {
                object.set("reasoning_effort", &quoted(effort));
            }
            service_tier(&mut object, options);
        }
        Target::Responses => {
            stream_flag(&mut object, options);
            if options.image_tool {
                codex::image_tool(body, &mut object);
            }
            let told = object.value("reasoning");
            let silent = told.is_none_or(|told| scan::member_value(body, told, "effort").is_none());
            if let Some(effort) = wish(options, silent) {
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
            let told = object.value("output_config");
            let silent = object.value("thinking").is_none()
                && told.is_none_or(|told| scan::member_value(body, told, "effort").is_none());
            if let Some(effort) = wish(options, silent) {
                let model = options.model.or(head.model.as_deref());
                match messages::models::takes_effort(model, effort) {
                    Some(effort) => {
                        set_nested(&mut object, "output_config", "effort", &quoted(effort));
                    }
                    None => losses.push(Loss::dropped(
                        "reasoning effort",
                        "the model thinks by a budget, which only the client can choose (T97)",
                    )),
                }
            }
        }
        // Whether it streams stands in the path.
        Target::Gemini => {
            let told = object.value("generationConfig");
            let silent =
                told.is_none_or(|told| scan::member_value(body, told, "thinkingConfig").is_none());
            if let Some(effort) = wish(options, silent) {
                let model = options.model.or(head.model.as_deref());
                gemini::set_effort(&mut object, model, effort);
            }
        }
    }
    object.finish();
    if matches!(to, Target::Chat | Target::Messages | Target::Gemini) && options.image_tool {
        losses.push(Loss::dropped(
            "-image",
            "the account's dialect has no image generation",
        ));
    }
    if matches!(to, Target::Messages | Target::Gemini) && options.service_tier.is_some() {
        losses.push(Loss::dropped(
            "-fast",
            "the account's dialect has no such tier (T131)",
        ));
    }
    let retold = to == Target::Chat
        && options.retell_reasoning
        && options.reasoning != ReasoningOutput::Field;
    let lane = if retold {
        let state = HubState::retold(state.echo_model, head, options.reasoning);
        Lane::Hub(Box::new(state))
    } else {
        Lane::Pass(state)
    };
    Ok(Prepared {
        body: edits.apply(body),
        model: path_model(to, head, options),
        stream_upstream,
        losses,
        state: RequestState { lane },
    })
}

/// The effort to be set: the suffix in any case, the default where the body is silent (F90).
fn wish<'o>(options: &Options<'o>, silent: bool) -> Option<&'o str> {
    options
        .effort
        .or_else(|| options.default_effort.filter(|_| silent))
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
