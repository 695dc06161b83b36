//! The test page: a prompt through the gateway's own road.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};

use super::{Engines, Table, mount};
use crate::dto::{self, TryEvent};
use crate::error::AdminError;

/// A silent stream is kept open this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; send)
}

/// Sends a prompt and streams what comes back; it costs quota. Hanging up cancels it upstream
#[utoipa::path(post, path = "/try", tag = "try", request_body = dto::TryRequest, responses((status = 200, body = dto::TryEvent, content_type = "text/event-stream")))]
async fn send(
    State(engine): Engines,
    Json(request): Json<dto::TryRequest>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, AdminError> {
    let events = engine.try_out(&request.into())?;
    let frames = events.filter_map(|event| async move {
        let event = Event::default().json_data(TryEvent::from(event)).ok()?;
        Some(Ok(event))
    });
    Ok(Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
