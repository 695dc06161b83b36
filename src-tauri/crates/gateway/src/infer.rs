//! A call of inference up to the road: the body is read, the head looked at, and the model it names found among aliases, pins and what the
//! key may use (F26, F38, F58, F90–F92).
//!
//! Not the choice of an account (`attempt`). Called by `surface`, which has checked path, host and key.

use std::sync::Arc;

use http::request::Parts;
use http::{Response, StatusCode};

use crate::body::{self, Body, ClientBody};
use crate::config::Config;
use crate::inside::Inside;
use crate::paths::{GENERATE_STREAM, Inference};
use crate::record::Record;
use crate::reply::{Refusal, Shape};
use crate::surface::request_id;
use crate::{Caller, Gateway, attempt, forward, gemini, naming, pin};

/// Reads body and head, then walks the road. `path_model` is the model that a Gemini path names.
pub(crate) async fn infer(
    gateway: Arc<Gateway>,
    config: Arc<Config>,
    call: Inference,
    parts: Parts,
    body: &mut ClientBody,
    key: Caller,
    path_model: Option<String>,
) -> Response<Body> {
    let mut record = Record::open(gateway.clone(), &call, request_id(&parts.headers), key.name);
    let shape = Shape::Of(call.dialect);
    if let Some(rules) = &key.rules {
        match rules.enter(&gateway) {
            Ok(slot) => record.key_slot(slot),
            Err(refusal) => return record.refuse(refusal, shape),
        }
    }
    let limit = if call.compact {
        config.compact_body_limit
    } else {
        config.body_limit
    };
    let body = match body::read(&parts.headers, body, limit).await {
        Ok(body) => body,
        Err(error) => return record.refuse(body::refusal(&error, call.compact), shape),
    };
    let mut head = match protocol::peek(call.dialect, &body) {
        Ok(head) => head,
        Err(error) => return record.refuse_request(&error, call.dialect),
    };
    if call.embeds {
        // No member of such a body means what it means in a conversation.
        let mut plain = protocol::Head::default();
        plain.model = head.model;
        head = plain;
    }
    if let Some(model) = path_model {
        head.model = (!model.is_empty()).then_some(model);
        head.stream = call == GENERATE_STREAM;
        head.array = head.stream && !gemini::wants_events(parts.uri.query());
    }
    let default = || {
        let own = config.naming.default_model(call.dialect);
        own.or(config.default_model.as_ref()).cloned()
    };
    let Some(asked) = head.model.clone().or_else(default) else {
        let refusal = Refusal::new(
            StatusCode::BAD_REQUEST,
            "missing_required_parameter",
            "`model` is missing: name one of GET /v1/models.",
        )
        .param("model");
        return record.refuse(refusal, shape);
    };
    record.asked(&asked, head.stream);
    let inside = parts.extensions.get::<Inside>();
    let look = |step: &mut dyn FnMut(&mut pool::Pool)| gateway.pool.with(|pool| step(pool));
    let found = pin::find(look, &gateway.catalog.load(), &parts.headers, &asked);
    let (pinned, prefix) = match found {
        Ok(pin) => (pin.account, asked.len() - pin.model.len()),
        Err(refusal) => return record.refuse(refusal, shape),
    };
    if let Some(rules) = &key.rules
        && let Err(refusal) = rules.check_model(&asked[prefix..])
    {
        return record.refuse(refusal, shape);
    }
    let named = match naming::resolve(&config.naming, &gateway.catalog.load(), &asked[prefix..]) {
        Ok(named) => named,
        Err(wrong) => return record.refuse(naming::wrong_level(&wrong), shape),
    };
    attempt::serve(
        attempt::Request {
            pinned: inside.and_then(|inside| inside.account.clone()).or(pinned),
            gateway,
            config,
            call,
            drawing: None,
            query: forward::query(parts.uri.query()),
            headers: parts.headers,
            body,
            head,
            asked,
            named,
        },
        record,
    )
    .await
}
