//! One attempt to have texts embedded (F78): the client's own bytes to a key account that says it can, the account's own bytes back, with nothing
//! but the model's name changed on the way. Between the Embeddings API and Gemini the spelling changes; the vectors are those of the model that
//! was asked for.
//!
//! Called by `exchange` in place of the way of answers in words.

use std::sync::Arc;

use pool::{Format, Outcome};
use protocol::embeddings::{self, gemini as spelled};
use protocol::{Dialect, Observed, RequestError};
use tokio::time::Instant;
use upstream::{Access, Call, Endpoint, Target};

use crate::attempt::Request;
use crate::exchange::{Tried, ask_whole, lacks_path};
use crate::fault::Fault;
use crate::gemini::{self, Action};
use crate::opened::Serving;
use crate::paths::EMBED_BATCH;
use crate::record::Record;
use crate::relay::Slot;

pub(crate) async fn attempt(
    request: &Request,
    record: &mut Option<Record>,
    slot: Arc<Slot>,
    target: Target,
    began: Instant,
) -> Tried {
    let access = match request.gateway.upstream.access(&target).await {
        Ok(access) => access,
        Err(error) => return Tried::Failed(Fault::new(error.outcome(), error.to_string())),
    };
    let asking = match ask(request, record, &target) {
        Ok(asking) => asking,
        Err(error) => return Tried::Unsayable(error),
    };
    let (headers, body, seen) = match embedded(request, &target, &access, asking).await {
        Ok(answer) => answer,
        Err(fault) if lacks_path(&fault) => {
            return Tried::Failed(Fault {
                outcome: Outcome::ModelUnsupported,
                ..fault
            });
        }
        Err(fault) => return Tried::Failed(fault),
    };
    let serving = Serving {
        request,
        target,
        began,
        headers,
        slot,
    };
    serving.commit(record, seen, body)
}

/// What the account is asked, and how its answer is read.
struct Asking {
    call: Call,
    model: String,
    /// The client reads vectors as base64.
    base64: bool,
}

/// Whether client and account spell it alike.
fn alike(request: &Request, target: &Target) -> bool {
    (request.call.dialect == Dialect::Gemini) == (target.format == Format::Gemini)
}

fn ask(
    request: &Request,
    record: &mut Option<Record>,
    target: &Target,
) -> Result<Asking, RequestError> {
    let model = request.take_model(target);
    let batch = request.call == EMBED_BATCH;
    let (gemini_client, gemini_account) = (
        request.call.dialect == Dialect::Gemini,
        target.format == Format::Gemini,
    );
    let renamed = request.head.model.as_deref() != Some(model);
    let mut base64 = false;
    let body = if alike(request, target) {
        match (renamed, gemini_client) {
            (false, _) => vec![request.body.clone()],
            (true, true) => spelled::naming(&request.body, model),
            (true, false) => embeddings::naming(&request.body, model),
        }
    } else {
        let told = match gemini_client {
            true => spelled::to_openai(&request.body, model, batch)?,
            false => spelled::from_openai(&request.body, model)?,
        };
        if let Some(record) = record {
            record.losses(told.losses.iter());
        }
        base64 = told.base64;
        vec![told.body]
    };
    let mut call = match gemini_account {
        true => {
            let action = match gemini_client && !batch {
                true => Action::Embed,
                false => Action::EmbedBatch,
            };
            let mut call = Call::json(Endpoint::Generate, body, false);
            call.tail = Some(gemini::tail(Some(model), action)?);
            call
        }
        false => Call::json(Endpoint::Embeddings, body, false),
    };
    if alike(request, target) {
        call.query = match gemini_client {
            true => gemini::query(request.query.as_deref(), false),
            false => request.query.clone(),
        };
    }
    Ok(Asking {
        call,
        model: model.to_owned(),
        base64,
    })
}

async fn embedded(
    request: &Request,
    target: &Target,
    access: &Access,
    asking: Asking,
) -> Result<(http::HeaderMap, bytes::Bytes, Observed), Fault> {
    let (headers, body) = ask_whole(request, target, access, asking.call).await?;
    let gemini_client = request.call.dialect == Dialect::Gemini;
    let answer = match (alike(request, target), gemini_client) {
        (true, true) => seen(spelled::look(&body)).map(|usage| (body, usage)),
        (true, false) => seen(embeddings::look(&body)).map(|usage| {
            // F92: the client reads the name it asked for, where that is an alias.
            let body = match request.asked == asking.model {
                true => body,
                false => embeddings::naming(&body, &request.asked).concat().into(),
            };
            (body, usage)
        }),
        (false, true) => spelled::answer_from_openai(&body, request.call == EMBED_BATCH),
        (false, false) => spelled::answer_to_openai(&body, &request.asked, asking.base64),
    };
    let Some((body, usage)) = answer else {
        return Err(Fault::new(
            Outcome::EmptyAnswer,
            "the answer holds no vector",
        ));
    };
    let seen = Observed {
        usage,
        ..Observed::default()
    };
    Ok((headers, body, seen))
}

/// What was counted, where there are vectors.
fn seen(looked: Option<embeddings::Looked>) -> Option<Option<protocol::Usage>> {
    looked
        .filter(|looked| looked.any)
        .map(|looked| looked.usage)
}
