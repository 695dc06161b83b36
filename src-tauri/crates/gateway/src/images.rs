//! The Images API (F95–F98): its own reading of a request, and what is different on the road of one that draws: who may serve it, how long
//! it waits between tries, and which status an error has in the end.
//!
//! Not the loop (`attempt`) and not one attempt (`draw`). Called by both, and by the surface.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use pool::{AccountId, Format, Outcome};
use protocol::images::Kind;
use protocol::{Dialect, ErrorBody, Head};
use upstream::Target;

use crate::body::{self, Body, ClientBody};
use crate::config::Config;
use crate::fault::Fault;
use crate::inside::Inside;
use crate::key_rules::KeyRules;
use crate::naming::Named;
use crate::paths::{IMAGE_EDITS, IMAGE_GENERATIONS};
use crate::record::Record;
use crate::reply::{Refusal, Shape};
use crate::surface::request_id;
use crate::{Caller, Gateway, attempt, forward, naming, patience, pin};

/// The waits before the second and the third try (F97).
const WAITS: [Duration; 2] = [Duration::from_millis(1_500), Duration::from_secs(4)];

/// Tries after the first one (F97).
pub(crate) const RETRIES: u32 = WAITS.len() as u32;

/// What is to be drawn, and what was learned about it on the way.
pub(crate) struct Drawing {
    pub(crate) asked: protocol::images::Drawing,
    /// The same with every picture that was only an address fetched; filled by the first account that needs it.
    pub(crate) whole: tokio::sync::OnceCell<protocol::images::Drawing>,
}

impl Drawing {
    /// F98, F101: a relay gets the client's own bytes, which a ChatGPT account could not always draw.
    pub(crate) fn formats(&self) -> &'static [Format] {
        if self.asked.is_of_family() && self.asked.refusal().is_none() {
            &[Format::OpenAi, Format::Responses, Format::Codex]
        } else {
            &[Format::OpenAi, Format::Responses]
        }
    }
}

/// Reads the request, then walks the road.
pub(crate) async fn draw(
    gateway: Arc<Gateway>,
    config: Arc<Config>,
    kind: Kind,
    parts: Parts,
    body: &mut ClientBody,
    key: Caller,
) -> Response<Body> {
    let call = match kind {
        Kind::Generation => IMAGE_GENERATIONS,
        Kind::Edit => IMAGE_EDITS,
    };
    let mut record = Record::open(gateway.clone(), &call, request_id(&parts.headers), key.name);
    record.is_of("images");
    if let Some(rules) = &key.rules {
        match rules.enter(&gateway) {
            Ok(slot) => record.key_slot(slot),
            Err(refusal) => return record.refuse(refusal, Shape::Of(call.dialect)),
        }
    }
    let body = match body::read(&parts.headers, body, config.body_limit).await {
        Ok(body) => body,
        Err(error) => {
            return record.refuse(body::refusal(&error, false), Shape::Of(call.dialect));
        }
    };
    let form = parts.headers.get(CONTENT_TYPE);
    let form = form.and_then(|value| value.to_str().ok());
    let mut asked = match protocol::images::read(kind, &body, form) {
        Ok(asked) => asked,
        Err(error) => return record.refuse_request(&error, call.dialect),
    };
    let model = asked.model.as_deref().unwrap_or(protocol::images::MODEL);
    record.asked(model, asked.stream);
    let found = find(
        &gateway,
        &config,
        key.rules.as_deref(),
        &parts.headers,
        model,
    );
    let (pinned, named) = match found {
        Ok(found) => found,
        Err(refusal) => return record.refuse(refusal, Shape::Of(call.dialect)),
    };
    let name = model.to_owned();
    let native = named.native.as_deref();
    let level = native.and_then(|native| native.effort.as_deref());
    if let Err(wrong) = asked.read_as(named.native_model().unwrap_or(&named.model), level) {
        return record.refuse(naming::wrong_level(&wrong), Shape::Of(call.dialect));
    }
    let inside = parts.extensions.get::<Inside>();
    let (stream, id) = (asked.stream, record.request_id().to_owned());
    let road = Box::pin(attempt::serve(
        attempt::Request {
            pinned: inside.and_then(|inside| inside.account.clone()).or(pinned),
            gateway,
            config,
            call,
            query: forward::query(parts.uri.query()),
            asked: name,
            named,
            drawing: Some(Drawing {
                asked,
                whole: tokio::sync::OnceCell::new(),
            }),
            headers: parts.headers,
            body,
            // Held back until it is whole, also for a client that streams: its limits are those of a whole answer.
            head: Head::default(),
        },
        record,
    ));
    match stream {
        true => patience::answer(road, &id).await,
        false => road.await,
    }
}

/// The account asked for and the names of the model, as for every other call (F27, F38, F90–F92).
fn find(
    gateway: &Gateway,
    config: &Config,
    rules: Option<&KeyRules>,
    headers: &HeaderMap,
    model: &str,
) -> Result<(Option<AccountId>, Named), Refusal> {
    let catalog = gateway.catalog.load();
    let look = |step: &mut dyn FnMut(&mut pool::Pool)| gateway.pool.with(|pool| step(pool));
    let pin = pin::find(look, &catalog, headers, model)?;
    if let Some(rules) = rules {
        rules.check_model(pin.model)?;
    }
    let named = naming::resolve(&config.naming, &catalog, pin.model);
    let named = named.map_err(|wrong| naming::wrong_level(&wrong))?;
    Ok((pin.account, named))
}

/// F97: worth another try as it is.
pub(crate) const fn is_transient(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Network
            | Outcome::Timeout
            | Outcome::ServerError { .. }
            | Outcome::Overloaded { .. }
    )
}

/// Whether anybody may be asked again at all. A model that has answered in words would do so on any account.
pub(crate) const fn may_repeat(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::EmptyAnswer)
}

/// F97: the wait before the next try; none after what another account does better at once.
pub(crate) async fn pause(before: &Outcome, failures: u32) {
    let wait = usize::try_from(failures)
        .ok()
        .and_then(|failures| WAITS.get(failures.checked_sub(1)?));
    if let Some(wait) = wait.filter(|_| is_transient(before)) {
        tokio::time::sleep(*wait).await;
    }
}

/// F97: 503 for what may pass, 502 for everything else; what the request itself is to blame for, and limits, keep their status (F57).
pub(crate) fn shown(mut fault: Fault, target: &Target) -> Fault {
    let status = match fault.outcome {
        outcome if is_transient(&outcome) => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::InvalidRequest { .. }
        | Outcome::ModelUnsupported
        | Outcome::UsageLimit { .. }
        | Outcome::RateLimited { .. }
        | Outcome::PaymentRequired
        | Outcome::Unauthorized
        | Outcome::RefreshRefused { .. }
        | Outcome::RefreshUnavailable => return fault,
        _ => StatusCode::BAD_GATEWAY,
    };
    fault.status = Some(status);
    if fault.body.is_none() {
        let error = ErrorBody {
            message: format!("account \"{}\": {}", target.label, fault.reason),
            kind: protocol::error::GATEWAY_ERROR.into(),
            code: Some(fault.outcome.code().into()),
            param: None,
        };
        fault.body = Some(protocol::error::render(
            Dialect::Responses,
            status.as_u16(),
            &error,
        ));
    }
    fault
}
