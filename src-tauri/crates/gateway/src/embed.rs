//! One attempt to have texts embedded (F78): the client's own bytes to a key account that says it can, the account's own bytes back, with nothing
//! but the model's name changed on the way.
//!
//! Called by `exchange` in place of the way of answers in words.

use std::sync::Arc;

use pool::Outcome;
use protocol::{Observed, embeddings};
use tokio::time::Instant;
use upstream::{Access, Call, Endpoint, Target};

use crate::attempt::Request;
use crate::exchange::{Tried, ask_whole, lacks_path};
use crate::fault::Fault;
use crate::opened::Serving;
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
    let (headers, body, seen) = match embedded(request, &target, &access).await {
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

async fn embedded(
    request: &Request,
    target: &Target,
    access: &Access,
) -> Result<(http::HeaderMap, bytes::Bytes, Observed), Fault> {
    let model = request.take_model(target);
    let body = match request.head.model.as_deref() {
        Some(said) if said != model => embeddings::naming(&request.body, model),
        _ => vec![request.body.clone()],
    };
    let mut call = Call::json(Endpoint::Embeddings, body, false);
    call.query.clone_from(&request.query);
    let (headers, body) = ask_whole(request, target, access, call).await?;
    let looked = embeddings::look(&body).filter(|looked| looked.any);
    let Some(looked) = looked else {
        return Err(Fault::new(
            Outcome::EmptyAnswer,
            "the answer holds no vector",
        ));
    };
    let seen = Observed {
        usage: looked.usage,
        ..Observed::default()
    };
    // F92: the client reads the name it asked for, where that is an alias.
    let body = match request.asked == model {
        true => body,
        false => embeddings::naming(&body, &request.asked).concat().into(),
    };
    Ok((headers, body, seen))
}
