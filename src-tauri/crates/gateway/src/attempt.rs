//! The loop before the commit point: select an account, let it try, and either commit its answer or try the next account while nothing has
//! reached the client (F50–F56).
//!
//! Not one attempt itself (`exchange`), not the stream after the commit (`relay`) and not the choice (`pool`). Called by the surface with a
//! body that was understood.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use pool::{AccountId, Ask, Capability, Format, NoCandidate, Outcome, Retry};
use protocol::Head;
use tokio::time::{Instant, timeout_at};
use upstream::Target;

use crate::Gateway;
use crate::amend::Amends;
use crate::body::Body;
use crate::config::Config;
use crate::exchange::{Tried, attempt};
use crate::fault::{Fault, last_error, nobody};
use crate::formats::{formats, of_keys};
use crate::images::Drawing;
use crate::journal::End;
use crate::naming::{Named, Native};
use crate::paths::Inference;
use crate::record::Record;
use crate::relay::Slot;
use crate::reply::{Refusal, Shape, json};
use crate::{forward, images};

/// `Retry-After` in seconds where nobody can know when a running request ends.
pub(crate) const BUSY_RETRY: u64 = 5;

/// How long a request waits at least where starts keep their distance.
const SPACED_WAIT: Duration = Duration::from_secs(1);

/// A request that was understood, on its way to an account.
pub(crate) struct Request {
    pub gateway: Arc<Gateway>,
    pub config: Arc<Config>,
    pub call: Inference,
    pub headers: HeaderMap,
    /// The client's query string without a key (F99).
    pub query: Option<String>,
    pub body: Bytes,
    pub head: Head,
    /// What is to be drawn, in place of an answer in words (F95, F96).
    pub drawing: Option<Drawing>,
    /// Model asked for, or the default.
    pub asked: String,
    /// The names under which accounts know it.
    pub named: Named,
    /// The only account that may serve it; a request from inside the process may say so.
    pub pinned: Option<AccountId>,
}

impl Request {
    /// What it needs of an account, before any was tried.
    fn ask(&self) -> Ask<'_> {
        Ask {
            native: self.named.native_model(),
            group: self.named.group.as_deref(),
            direct_only: self.config.naming.direct_only,
            needs: match (&self.drawing, self.call.embeds) {
                (Some(_), _) => Capability::Images,
                (None, true) => Capability::Embeddings,
                (None, false) => Capability::Chat,
            },
            ..Ask::new(&self.named.model, self.formats())
        }
    }

    /// What the model's name says to this account: nothing besides the model to one that takes names as they are (F91).
    pub(crate) fn native(&self, target: &Target) -> Option<&Native> {
        let native = self.named.native.as_deref();
        native.filter(|_| target.reads_suffixes())
    }

    /// The model's name for this account.
    pub(crate) fn model(&self, target: &Target) -> &str {
        self.native(target)
            .map_or(&self.named.model, |native| &native.model)
    }

    /// The same, or where several models stand for one another the one whose turn it is: it is taken with this call (F94).
    pub(crate) fn take_model<'r>(&'r self, target: &'r Target) -> &'r str {
        let model = self.model(target);
        let turns = target.manner.turns.as_ref();
        turns.and_then(|turns| turns.take(model)).unwrap_or(model)
    }

    fn formats(&self) -> &'static [Format] {
        match &self.drawing {
            Some(drawing) => drawing.formats(),
            None if protocol::images::is_of_family(
                self.named.native_model().unwrap_or(&self.named.model),
            ) =>
            {
                of_keys(&self.call)
            }
            None => formats(&self.call),
        }
    }

    /// Attempts on further accounts, or on the same one, after the first.
    fn most_retries(&self) -> u32 {
        match &self.drawing {
            Some(_) => images::RETRIES,
            None => self.config.max_retries,
        }
    }
}

/// Serves the request: an answer, or the last error in the client's dialect.
pub(crate) async fn serve(request: Request, record: Record) -> Response<Body> {
    let started = record.started();
    let mut record = record;
    // F115.
    if !record.admit(request.config.most_requests) {
        let message = format!(
            "The gateway runs {} requests at once, as many as the setting rotation.most_requests lets it.",
            request.config.most_requests.unwrap_or_default()
        );
        let refusal = Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_requests",
            message,
        )
        .retry_after(Some(BUSY_RETRY));
        return record.refuse(refusal, Shape::Of(request.call.dialect));
    }
    let mut record = Some(record);
    let mut road = Road {
        request: &request,
        tried: Vec::new(),
        last: None,
        repeated: false,
        model_moved: false,
        failures: 0,
        amends: Amends::new(&request),
        again_on: None,
        holding: None,
    };
    loop {
        match road.step(&mut record, started).await {
            Step::Again => {}
            Step::Done(mut response) => {
                if let Some(record) = &record {
                    record.stamp(&mut response);
                }
                return response;
            }
        }
    }
}

struct Road<'r> {
    request: &'r Request,
    tried: Vec<AccountId>,
    last: Option<(Fault, Target)>,
    /// The same account was asked a second time already (F54).
    repeated: bool,
    /// Another account was tried because the model was unsupported (F52: once).
    model_moved: bool,
    failures: u32,
    /// What is left out of the body, and why.
    amends: Amends,
    /// The account that serves the next attempt, with what it refused left out.
    again_on: Option<AccountId>,
    /// The slot of the latest attempt, kept so that it can be swapped for another of its group (F115).
    holding: Option<Arc<Slot>>,
}

/// A request that no account could be asked.
fn refuse(
    request: &Request,
    record: &mut Option<Record>,
    error: &protocol::RequestError,
) -> Response<Body> {
    match record.take() {
        Some(record) => record.refuse_request(error, request.call.dialect),
        None => json(
            StatusCode::BAD_REQUEST,
            protocol::error::render_request_error(request.call.dialect, error),
        ),
    }
}

enum Step {
    Again,
    Done(Response<Body>),
}

impl Road<'_> {
    async fn step(&mut self, record: &mut Option<Record>, started: Instant) -> Step {
        let request = self.request;
        let gateway = &request.gateway;
        let deadline = started + request.config.deadline;
        let Some((slot, target)) = (match self.select(record, deadline).await {
            Ok(found) => found,
            Err(none) if let Some(error) = self.cannot_be_drawn(&none) => {
                return Step::Done(refuse(request, record, &error));
            }
            Err(none) => return Step::Done(self.give_up(record.take(), Some(none))),
        }) else {
            return Step::Again;
        };
        self.pause_between(&target).await;
        let began = Instant::now();
        // The deadline is for the first byte (F50). An answer that is not streamed has its first byte at its end: its own limit holds (F55).
        let limit = if request.head.stream {
            deadline
        } else {
            deadline.max(started + request.config.total_timeout)
        };
        if let Some(record) = record {
            record.attempting(target.clone(), began);
        }
        let sent = self.amends.apply(request, &target);
        let attempt = attempt(request, &sent, record, slot, target.clone(), began, limit);
        let tried = match timeout_at(limit, attempt).await {
            Ok(tried) => tried,
            Err(_) => Tried::Failed(Fault::new(
                Outcome::Timeout,
                "no answer before the deadline",
            )),
        };
        let fault = match tried {
            Tried::Answered(response) => return Step::Done(response),
            Tried::Unsayable(error) => {
                return Step::Done(refuse(request, record, &error));
            }
            Tried::Failed(fault) => fault,
        };
        gateway.tell(&target.id, &fault.outcome);
        if let Some(record) = record {
            record.attempt(
                &target.id,
                &target.label,
                &fault.outcome,
                fault.status.map(|s| s.as_u16()),
                began,
                fault.reason.clone(),
            );
        }
        tracing::debug!(account = %target.label, outcome = fault.outcome.code(), "an attempt failed");
        // A picture takes longer than the first byte of an answer.
        let latest = request.drawing.as_ref().map_or(deadline, |_| limit);
        let in_time = Instant::now() < latest;
        if in_time && self.amends.repair(&sent, &fault, &target) {
            self.tried.retain(|tried| *tried != target.id);
            self.again_on = Some(target.id.clone());
            self.last = Some((fault, target));
            return Step::Again;
        }
        self.failures += 1;
        let again = match fault.outcome.retry() {
            Retry::Never => false,
            Retry::NextAccount => true,
            Retry::NextAccountOnce => !std::mem::replace(&mut self.model_moved, true),
            // There is nothing to leave out, or it was left out already: the same bytes would be refused again (T104).
            Retry::SameAccountOnce => false,
        };
        let again = again && (request.drawing.is_none() || images::may_repeat(&fault.outcome));
        let left = self.failures <= request.most_retries() && in_time;
        let again = again && left && self.amends.may_move();
        self.last = Some((fault, target));
        if again {
            Step::Again
        } else {
            Step::Done(self.give_up(record.take(), None))
        }
    }

    /// The next account with a slot taken on it; `Ok(None)` asks for another round. Waits where every account that could serve is busy.
    async fn select(
        &mut self,
        record: &mut Option<Record>,
        deadline: Instant,
    ) -> Result<Option<(Arc<Slot>, Target)>, NoCandidate> {
        let request = self.request;
        let gateway = &request.gateway;
        let again_on = self.again_on.take();
        let held = self.holding.take();
        let holding = held.as_ref().map(|slot| slot.account().clone());
        let formats = request.formats();
        let ask = Ask {
            session: forward::session(&request.headers, &request.head),
            continues: request.head.previous_response_id.as_deref(),
            pinned: again_on
                .as_ref()
                .or(self.amends.only())
                .or(request.pinned.as_ref()),
            tried: &self.tried,
            holding: holding.as_ref(),
            last_attempt: self.failures > 0 && self.failures == request.most_retries(),
            ..request.ask()
        };
        // Who came before goes before.
        gateway.look_at_queue();
        let (chosen, events) = gateway
            .pool
            .with(|pool| (pool.select(gateway.clock.now(), &ask), pool.take_events()));
        if !events.is_empty() {
            gateway.journal.pool_events(events);
        }
        let given = match chosen {
            Ok(chosen) => {
                let slot = Arc::new(Slot::new(gateway.clone(), chosen.id.clone()));
                Ok((slot, chosen))
            }
            Err(none) => {
                // Nobody waits with a slot in the hand.
                drop(held);
                // Starts that keep their distance (F114) are no reason to fail, also where nobody waits for the end of a request.
                let patience = if none.spaced() {
                    request.config.queue_wait.max(SPACED_WAIT)
                } else {
                    request.config.queue_wait
                };
                if none.worth_waiting() && !patience.is_zero() {
                    let limit = deadline.min(Instant::now() + patience);
                    if let Some(record) = record {
                        record.step_aside();
                    }
                    let most = request.config.queue_length;
                    let given = gateway.wait_in_line(&ask, formats, none, limit, most).await;
                    if let Some(record) = record {
                        record.step_back(request.config.most_requests);
                    }
                    given
                } else {
                    Err(none)
                }
            }
        };
        let (slot, chosen) = match given {
            Ok(given) => given,
            Err(none) => {
                // F54: with nobody else left, a connection that broke before any answer may be tried once more on the same account.
                // F97: a picture may be tried on it as often as tries are left.
                let drawing = request.drawing.is_some();
                let same = self.last.as_ref().filter(|(fault, _)| match drawing {
                    true => images::is_transient(&fault.outcome),
                    false => fault.outcome.same_account_may_repeat(),
                });
                if let Some(id) = same.map(|(_, target)| target.id.clone())
                    && self.tried.contains(&id)
                    && (drawing || !std::mem::replace(&mut self.repeated, true))
                {
                    self.tried.retain(|tried| *tried != id);
                    return Ok(None);
                }
                return Err(none);
            }
        };
        self.amends.skipped(&chosen.skipped);
        if let Some(record) = record {
            record.skipped(chosen.skipped.into_iter());
        }
        self.tried.push(chosen.id.clone());
        self.holding = Some(slot.clone());
        // An account that was removed between two swaps has no target any more: the slot is freed and the next one asked.
        Ok(gateway.targets.load().get(&chosen.id).map(|target| {
            // F103: in the format that serves this call best.
            let target = target.speaking(formats);
            (slot, target.clone())
        }))
    }

    /// F55: a short wait before another account of a host that has just failed; none after 429 and 401.
    async fn pause_between(&self, next: &Target) {
        let Some((fault, before)) = &self.last else {
            return;
        };
        if self.request.drawing.is_some() {
            return images::pause(&fault.outcome, self.failures).await;
        }
        let ill = matches!(
            fault.outcome,
            Outcome::Network | Outcome::Timeout | Outcome::ServerError { .. }
        );
        if ill && before.base_url == next.base_url {
            let base = Duration::from_millis(500)
                * 2u32.saturating_pow(self.failures.saturating_sub(1)).min(60);
            let spread = 0.7 + 0.6 * fastrand::f64();
            tokio::time::sleep(base.mul_f64(spread).min(Duration::from_secs(30))).await;
        }
    }

    /// Why a drawing that only a relay could serve is refused: there is none (F95, F96).
    fn cannot_be_drawn(&self, none: &NoCandidate) -> Option<protocol::RequestError> {
        let nobody = matches!(
            none.kind,
            pool::NoCandidateKind::Model | pool::NoCandidateKind::Empty
        );
        let drawing = self.request.drawing.as_ref()?;
        drawing.asked.refusal().filter(|_| nobody).cloned()
    }

    /// After a limit: whether every account is limited now, so that the client is told of all of them and of the earliest reset (F39).
    fn all_limited(&self, fault: &Fault) -> Option<NoCandidate> {
        let limited = matches!(
            fault.outcome,
            Outcome::UsageLimit { .. } | Outcome::RateLimited { .. } | Outcome::PaymentRequired
        );
        if !limited {
            return None;
        }
        let request = self.request;
        let ask = request.ask();
        let now = request.gateway.clock.now();
        request.gateway.pool.with(|pool| {
            // Looked at first: selecting would take a slot where somebody is left.
            let nobody = pool
                .explain(now, &ask)
                .iter()
                .all(|(_, verdict)| verdict.is_err());
            let none = nobody.then(|| pool.select(now, &ask).err()).flatten()?;
            (none.kind == pool::NoCandidateKind::Quota).then_some(none)
        })
    }

    /// Nobody is left, or nobody may be asked any more: the last error, or who was passed over and why (F39).
    fn give_up(&mut self, record: Option<Record>, none: Option<NoCandidate>) -> Response<Body> {
        let request = self.request;
        let shape = Shape::Of(request.call.dialect);
        let answer = match (self.last.take(), none) {
            (Some((fault, target)), _) => match self.all_limited(&fault) {
                Some(none) => Err(nobody(request, &none)),
                None if request.drawing.is_some() => {
                    last_error(request, &images::shown(fault, &target), &target)
                }
                None => last_error(request, &fault, &target),
            },
            (None, Some(none)) => Err(nobody(request, &none)),
            (None, None) => Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_account_available",
                "No account could be asked.",
            )),
        };
        match (answer, record) {
            (Ok((mut response, code)), Some(mut record)) => {
                record.stamp(&mut response);
                record.committed(response.status());
                record.close(End::Failed, Some(code));
                response
            }
            (Ok((response, _)), None) => response,
            (Err(refusal), Some(record)) => record.refuse(refusal, shape),
            (Err(refusal), None) => refusal.into_response(shape),
        }
    }
}
