//! What an attempt leaves out of the client's body so that its account can serve it: sealed items it cannot open (T104), and the id of an
//! answer that another account keeps (F38); and whether its model may think beside tools (T101).
//!
//! Not the choice of the account and not the bytes (`protocol::replay` cuts). Called by the loop in `attempt`.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use pool::{AccountId, Format, Outcome, SkipReason};
use protocol::replay::{self, Amended, Sealed};
use protocol::{Dialect, Head, Loss};
use upstream::Target;

use crate::attempt::Request;
use crate::fault::Fault;

/// Most refused seals remembered of one account; a long coding session has some hundreds. When full the memory starts afresh.
const REMEMBERED: usize = 20_000;

/// Sealed items an account has refused: sending them there again costs a refusal each turn, since clients replay the whole conversation.
///
/// Only fingerprints, and only in memory: after a restart one more refusal teaches it again.
#[derive(Debug, Default)]
pub(crate) struct RefusedSeals {
    /// False until the first refusal ever, so that nobody takes the lock for nothing.
    any: AtomicBool,
    by_account: Mutex<HashMap<AccountId, Arc<HashSet<u64>>>>,
}

impl RefusedSeals {
    fn of(&self, id: &AccountId) -> Option<Arc<HashSet<u64>>> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let all = self
            .by_account
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.get(id).cloned()
    }

    fn add(&self, id: &AccountId, seals: Vec<u64>) {
        let mut all = self
            .by_account
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = Arc::make_mut(all.entry(id.clone()).or_default());
        if known.len() + seals.len() > REMEMBERED {
            known.clear();
        }
        known.extend(seals.into_iter().take(REMEMBERED));
        self.any.store(true, Ordering::Relaxed);
    }
}

/// What of the client's body goes to one account.
pub(crate) struct Sent<'r> {
    request: &'r Request,
    amended: Option<Amended>,
    /// The model is not to think: beside tools its endpoint refuses it (T101).
    pub(crate) thoughtless: bool,
}

impl Sent<'_> {
    pub(crate) fn body(&self) -> &Bytes {
        self.amended
            .as_ref()
            .map_or(&self.request.body, |amended| &amended.body)
    }

    pub(crate) fn head(&self) -> &Head {
        self.amended
            .as_ref()
            .map_or(&self.request.head, |amended| &amended.head)
    }

    pub(crate) fn losses(&self) -> impl Iterator<Item = &Loss> {
        self.amended.iter().flat_map(|amended| &amended.losses)
    }

    fn amend(&mut self, change: impl FnOnce(&Bytes, &Head) -> Option<Amended>) {
        if let Some(mut next) = change(self.body(), self.head()) {
            if let Some(before) = self.amended.take() {
                next.losses.splice(0..0, before.losses);
            }
            self.amended = Some(next);
        }
    }
}

/// What one request has come to leave out, over its attempts.
#[derive(Debug, Default)]
pub(crate) struct Amends {
    /// Every sealed item: an account has refused some.
    unsealed: bool,
    /// The account that keeps the answer this request continues.
    owner: Option<AccountId>,
    /// The input tells the conversation without that answer.
    tells_all: bool,
    /// An upstream did not know that answer.
    unknown: bool,
    /// A Chat endpoint refused tools while the model thinks.
    thoughtless: bool,
    /// That account cannot serve now.
    owner_out: bool,
    /// The request was sent elsewhere without that answer, which happens once (F38).
    forgotten: bool,
}

impl Amends {
    pub(crate) fn new(request: &Request) -> Self {
        let Some(previous) = &request.head.previous_response_id else {
            return Self::default();
        };
        let gateway = &request.gateway;
        let now = gateway.clock.now();
        Self {
            owner: gateway
                .pool
                .with(|pool| pool.seat_of(now, previous).cloned()),
            tells_all: replay::tells_all(&request.body, &request.head),
            ..Self::default()
        }
    }

    /// The only account that can serve the request: without the answer that it keeps, the rest of the conversation is unknown.
    pub(crate) fn only(&self) -> Option<&AccountId> {
        self.owner.as_ref().filter(|_| !self.tells_all)
    }

    /// Who was passed over for the next attempt.
    pub(crate) fn skipped(&mut self, skipped: &[(AccountId, SkipReason)]) {
        self.owner_out = skipped
            .iter()
            .any(|(id, _)| self.owner.as_ref() == Some(id));
    }

    /// Whether another account may be tried after a failure.
    pub(crate) fn may_move(&self) -> bool {
        !self.forgotten
    }

    /// What goes to this account.
    pub(crate) fn apply<'r>(&mut self, request: &'r Request, target: &Target) -> Sent<'r> {
        let mut sent = Sent {
            request,
            amended: None,
            thoughtless: self.thoughtless && target.format == Format::OpenAi,
        };
        if request.head.previous_response_id.is_some() && self.tells_all {
            let kept_elsewhere = self.owner.as_ref().is_some_and(|owner| *owner != target.id);
            // These formats keep no answers at all; asking them to would be a refusal for nothing.
            let keeps_none = target.format != Format::Responses;
            if kept_elsewhere || keeps_none || self.unknown {
                sent.amend(replay::without_previous);
            }
            self.forgotten |= kept_elsewhere && self.owner_out;
        }
        if request.call.dialect == Dialect::Messages && target.format == Format::Anthropic {
            sent.amend(replay::without_foreign_sources);
        }
        if self.unsealed {
            sent.amend(|body, head| replay::without_seals(body, head, Sealed::All));
        } else if let Some(refused) = request.gateway.refused_seals.of(&target.id) {
            sent.amend(|body, head| replay::without_seals(body, head, Sealed::These(&refused)));
        }
        sent
    }

    /// Whether the same account may serve the request once more with what it refused left out (T104, F38). At most once for each reason.
    pub(crate) fn repair(&mut self, sent: &Sent<'_>, fault: &Fault, target: &Target) -> bool {
        match fault.outcome {
            Outcome::InvalidEncryptedContent if !self.unsealed => {
                let seals = replay::seals(sent.body(), sent.head());
                if seals.is_empty() {
                    return false;
                }
                self.unsealed = true;
                sent.request.gateway.refused_seals.add(&target.id, seals);
                true
            }
            Outcome::InvalidRequest { .. }
                if target.format == Format::OpenAi
                    && !self.thoughtless
                    && fault.tools_or_thoughts() =>
            {
                self.thoughtless = true;
                true
            }
            Outcome::InvalidRequest { .. } if self.tells_all && !self.unknown => {
                self.unknown = sent.head().previous_response_id.is_some() && fault.answer_unknown();
                self.unknown
            }
            _ => false,
        }
    }
}
