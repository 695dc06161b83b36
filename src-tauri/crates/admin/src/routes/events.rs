//! What changes, as it changes: the engine's events with what they are about, as Server-Sent Events and for the window.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use engine::{Engine, EngineEvent, NoticeKind};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::broadcast::error::RecvError;

use super::{Engines, Surface, Table, mount};
use crate::dto::{self, AdminEvent};

/// A silent stream is kept open this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; events)
}

/// Events as they happen
#[utoipa::path(get, path = "/events", tag = "events", responses((status = 200, body = dto::AdminEvent, content_type = "text/event-stream")))]
async fn events(
    State(engine): Engines,
    Extension(surface): Extension<Surface>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let frames = follow(engine, surface).filter_map(|event| async move {
        let event = Event::default().json_data(&event).ok()?;
        Some(Ok(event))
    });
    Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Events from now on; ends with the engine.
pub(crate) fn follow(engine: Arc<Engine>, surface: Surface) -> impl Stream<Item = AdminEvent> {
    let events = engine.events();
    stream::unfold((engine, events), move |(engine, mut events)| async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => told(&engine, surface, event),
                Err(RecvError::Lagged(_)) => Some(AdminEvent::Lagged),
                Err(RecvError::Closed) => return None,
            };
            if let Some(event) = event {
                return Some((event, (engine, events)));
            }
        }
    })
}

/// The event with what it is about; nothing when that is gone in the meantime.
fn told(engine: &Engine, surface: Surface, event: EngineEvent) -> Option<AdminEvent> {
    Some(match event {
        EngineEvent::AccountChanged(id) => AdminEvent::AccountChanged {
            account: Box::new(engine.account(id.as_str()).ok()?.into()),
        },
        EngineEvent::AccountRemoved(id) => AdminEvent::AccountRemoved { id: id.to_string() },
        EngineEvent::AccountsOrdered => AdminEvent::AccountsOrdered {
            ids: engine
                .accounts()
                .into_iter()
                .map(|account| account.id.to_string())
                .collect(),
        },
        EngineEvent::Switched(switch) => AdminEvent::Switched {
            switch: (*switch).clone().into(),
        },
        // The window tells of a switch by the switch itself, with its way back.
        EngineEvent::Notice(notice) if notice.kind == NoticeKind::Switched => return None,
        EngineEvent::Notice(notice) => AdminEvent::from(&*notice),
        EngineEvent::Quota(id) => AdminEvent::Quota {
            quota: engine.account(id.as_str()).ok()?.quota.as_ref()?.into(),
            account_id: id.to_string(),
        },
        EngineEvent::RequestStarted(request) => AdminEvent::RequestStarted {
            request: (&*request).into(),
        },
        EngineEvent::RequestFinished(request) => AdminEvent::RequestFinished {
            request: Box::new((*request).clone().into()),
        },
        EngineEvent::Status => AdminEvent::Status {
            status: Box::new(dto::Status::of(engine.status(), surface)),
        },
        EngineEvent::SettingsChanged(key) => AdminEvent::SettingsChanged { key },
        EngineEvent::SignIn(id) => AdminEvent::SignIn { id },
        EngineEvent::Progress {
            task,
            done,
            total,
            label,
        } => AdminEvent::Progress {
            task: task.to_owned(),
            done,
            total,
            label,
        },
    })
}
