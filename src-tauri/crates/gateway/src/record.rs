//! The journal entry of one request while it is being served. Whatever happens, it is written exactly once: at the end, or as cancelled
//! when it is dropped before (the client went away, F56).

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode};
use pool::{AccountId, Outcome, SkipReason};
use protocol::Dialect;
use tokio::time::Instant;
use upstream::Target;

use crate::body::Body;
use crate::journal::{Attempt, End, Entry};
use crate::key_rules::KeySlot;
use crate::paths::Inference;
use crate::reply::{Refusal, Shape, json};
use crate::surface::{MESSAGE_REQUEST_ID, REQUEST_ID};
use crate::{Admitted, Gateway};
use std::sync::atomic::Ordering;

/// See the module.
#[derive(Debug)]
pub(crate) struct Record {
    gateway: Arc<Gateway>,
    started: Instant,
    entry: Option<Box<Entry>>,
    /// The attempt under way before the commit: what is cancelled when the client goes away then (F56).
    pending: Option<(Target, Instant)>,
    /// Its place under the cap (F115).
    admitted: Option<Admitted>,
    /// The place among its key's running requests, where those are limited.
    key_slot: Option<KeySlot>,
}

impl Record {
    pub(crate) fn open(
        gateway: Arc<Gateway>,
        call: &Inference,
        request_id: String,
        key: Arc<str>,
    ) -> Self {
        gateway.running.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            request_id,
            started_at: gateway.clock.now(),
            key,
            dialect: match call.dialect {
                Dialect::Chat => "chat",
                Dialect::Responses => "responses",
                Dialect::Messages => "messages",
                Dialect::Gemini => "gemini",
            },
            endpoint: call.path,
            model: String::new(),
            // 499: what stands when the client went away before there was a status (nginx's word for it).
            status: 499,
            end: End::Cancelled,
            error_code: None,
            stream: false,
            first_byte_ms: None,
            duration_ms: 0,
            usage: None,
            images: 0,
            losses: Vec::new(),
            attempts: Vec::new(),
            skipped: Vec::new(),
        };
        Self {
            gateway,
            started: Instant::now(),
            entry: Some(Box::new(entry)),
            pending: None,
            admitted: None,
            key_slot: None,
        }
    }

    /// Takes a place under the cap (F115). False when there is none.
    pub(crate) fn admit(&mut self, most: Option<usize>) -> bool {
        match self.gateway.admit(most) {
            Some(admitted) => {
                self.admitted = admitted;
                true
            }
            None => false,
        }
    }

    /// Gives the place up: a request that waits for an account keeps nobody else out.
    pub(crate) fn step_aside(&mut self) {
        self.admitted = None;
    }

    /// Takes it again.
    pub(crate) fn step_back(&mut self, most: Option<usize>) {
        self.admitted = self.gateway.admit_again(most);
    }

    /// Holds the place until the request has ended.
    pub(crate) fn key_slot(&mut self, slot: Option<KeySlot>) {
        self.key_slot = slot;
    }

    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    pub(crate) fn request_id(&self) -> &str {
        self.entry.as_ref().map_or("", |entry| &entry.request_id)
    }

    fn edit(&mut self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = &mut self.entry {
            change(entry);
        }
    }

    /// Pictures that the answer holds (F70).
    pub(crate) fn images(&mut self, pictures: usize) {
        self.edit(|entry| entry.images = u32::try_from(pictures).unwrap_or(u32::MAX));
    }

    /// What an answer was seen to hold (F70): tokens, and pictures beside its words.
    pub(crate) fn seen(&mut self, seen: &protocol::Observed) {
        self.usage(seen.usage);
        self.edit(|entry| entry.images = entry.images.max(seen.pictures));
    }

    /// A call of another API than the dialect whose shapes its errors have.
    pub(crate) fn is_of(&mut self, api: &'static str) {
        self.edit(|entry| entry.dialect = api);
    }

    pub(crate) fn asked(&mut self, model: &str, stream: bool) {
        self.edit(|entry| {
            model.clone_into(&mut entry.model);
            entry.stream = stream;
        });
        if let Some(entry) = &self.entry {
            self.gateway.journal.started(entry);
        }
    }

    /// What the attempt under way cannot carry over.
    pub(crate) fn losses<'l>(&mut self, losses: impl Iterator<Item = &'l protocol::Loss>) {
        self.edit(|entry| {
            entry.losses.clear();
            entry.losses.extend(losses.map(told));
        });
    }

    /// What of the answer the client did not get, beside what the request lost.
    pub(crate) fn lost(&mut self, lost: protocol::Lost) {
        if !lost.is_empty() {
            self.edit(|entry| entry.losses.extend(lost.losses().map(|loss| told(&loss))));
        }
    }

    pub(crate) fn skipped(&mut self, skipped: impl Iterator<Item = (AccountId, SkipReason)>) {
        self.edit(|entry| {
            entry.skipped = skipped.map(|(id, reason)| (id, reason.code())).collect()
        });
    }

    /// An account is being asked.
    pub(crate) fn attempting(&mut self, target: Target, since: Instant) {
        self.pending = Some((target, since));
    }

    /// One more account was tried; `since` is when the attempt began.
    pub(crate) fn attempt(
        &mut self,
        account: &AccountId,
        label: &str,
        outcome: &Outcome,
        status: Option<u16>,
        since: Instant,
        reason: String,
    ) {
        let attempt = Attempt {
            account: account.clone(),
            label: label.to_owned(),
            outcome: outcome.code(),
            status,
            duration_ms: millis(since),
            reason,
        };
        self.pending = None;
        self.edit(|entry| entry.attempts.push(attempt));
    }

    /// The answer's head leaves now.
    pub(crate) fn committed(&mut self, status: StatusCode) {
        let first_byte = millis(self.started);
        self.edit(|entry| {
            entry.status = status.as_u16();
            entry.first_byte_ms = Some(first_byte);
        });
    }

    pub(crate) fn usage(&mut self, usage: Option<protocol::Usage>) {
        self.edit(|entry| entry.usage = usage);
    }

    /// Writes the entry. Later calls do nothing.
    pub(crate) fn close(&mut self, end: End, error_code: Option<&str>) {
        if let Some(mut entry) = self.entry.take() {
            entry.end = end;
            entry.error_code = error_code.map(str::to_owned);
            entry.duration_ms = millis(self.started);
            self.gateway.running.fetch_sub(1, Ordering::Relaxed);
            self.gateway.journal.record(*entry);
            // Counted first: a budget that this request has spent is known before the place is free.
            self.key_slot = None;
        }
    }

    /// Adds the request id every answer carries.
    pub(crate) fn stamp(&self, response: &mut Response<Body>) {
        if let Ok(id) = HeaderValue::from_str(self.request_id()) {
            // T196: each dialect's libraries look under their own name.
            if self
                .entry
                .as_ref()
                .is_some_and(|entry| entry.dialect == "messages")
            {
                response
                    .headers_mut()
                    .insert(MESSAGE_REQUEST_ID, id.clone());
            }
            response.headers_mut().insert(REQUEST_ID, id);
        }
    }

    /// Answers with an error of the gateway and closes.
    pub(crate) fn refuse(mut self, refusal: Refusal, shape: Shape) -> Response<Body> {
        let code = refusal.code;
        let mut response = refusal.into_response(shape);
        self.stamp(&mut response);
        self.committed(response.status());
        self.close(End::Failed, Some(code));
        response
    }

    /// Answers with a 400 of the protocol room and closes.
    pub(crate) fn refuse_request(
        mut self,
        error: &protocol::RequestError,
        dialect: Dialect,
    ) -> Response<Body> {
        let mut response = json(
            StatusCode::BAD_REQUEST,
            protocol::error::render_request_error(dialect, error),
        );
        self.stamp(&mut response);
        self.committed(StatusCode::BAD_REQUEST);
        self.close(End::Failed, Some(error.code.unwrap_or("invalid_request")));
        response
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.entry.is_some()
            && let Some((target, since)) = self.pending.take()
        {
            // F56: counted as cancelled on the account that was being asked, not as its error.
            self.gateway.tell(&target.id, &Outcome::Cancelled);
            self.attempt(
                &target.id,
                &target.label,
                &Outcome::Cancelled,
                None,
                since,
                String::new(),
            );
        }
        if std::thread::panicking() {
            return self.close(End::Failed, Some("internal_error"));
        }
        self.close(End::Cancelled, None);
    }
}

/// As people read it: what became of what, and why.
fn told(loss: &protocol::Loss) -> String {
    format!("{:?}: {} ({})", loss.kind, loss.field, loss.reason)
}

fn millis(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}
