//! Requests that wait for a busy account: first come, first served, bounded in number and time (F115).
//!
//! Nothing is polled. Whoever frees a slot hands it, in the same step, to the first waiting request that an account can serve; a request
//! that waits for a known instant (a start kept apart, a rest that ends) sleeps until then. Who may serve is the pool's decision alone.
//! Called by `attempt` when every account that could serve is busy, and by `Slot` at its end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pool::{AccountId, Ask, Capability, Chosen, Event, Format, NoCandidate, Pool, Timestamp};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::Gateway;
use crate::relay::Slot;

/// What a waiting request is given: an account with a slot taken on it, or the news that waiting has become pointless.
pub(crate) type Given = Result<(Arc<Slot>, Chosen), NoCandidate>;

/// An [`Ask`] that outlives the step it was made in.
#[derive(Debug)]
struct Wish {
    model: String,
    native: Option<String>,
    group: Option<String>,
    direct_only: bool,
    needs: Capability,
    formats: &'static [Format],
    session: Option<String>,
    continues: Option<String>,
    pinned: Option<AccountId>,
    tried: Vec<AccountId>,
    last_attempt: bool,
}

impl Wish {
    /// Field by field, so that a new one cannot be forgotten here.
    fn of(ask: &Ask<'_>, formats: &'static [Format]) -> Self {
        let Ask {
            model,
            native,
            group,
            direct_only,
            formats: _,
            needs,
            session,
            continues,
            pinned,
            tried,
            // Nobody waits with a slot in the hand.
            holding: _,
            last_attempt,
        } = *ask;
        Self {
            model: model.to_owned(),
            native: native.map(str::to_owned),
            group: group.map(str::to_owned),
            direct_only,
            needs,
            formats,
            session: session.map(str::to_owned),
            continues: continues.map(str::to_owned),
            pinned: pinned.cloned(),
            tried: tried.to_vec(),
            last_attempt,
        }
    }

    fn ask(&self) -> Ask<'_> {
        Ask {
            model: &self.model,
            native: self.native.as_deref(),
            group: self.group.as_deref(),
            direct_only: self.direct_only,
            formats: self.formats,
            needs: self.needs,
            session: self.session.as_deref(),
            continues: self.continues.as_deref(),
            pinned: self.pinned.as_ref(),
            tried: &self.tried,
            holding: None,
            last_attempt: self.last_attempt,
        }
    }

    /// Whether what keeps one from being served keeps the other too.
    fn alike(&self, other: &Self) -> bool {
        self.model == other.model
            && self.native == other.native
            && self.group == other.group
            && self.formats == other.formats
            && self.needs == other.needs
            && self.pinned == other.pinned
            && self.tried == other.tried
    }
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    wish: Wish,
    hand: oneshot::Sender<Given>,
}

/// The line.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    line: Mutex<VecDeque<Waiter>>,
    /// Its length, to be read without the lock: nobody waits, nearly always.
    waiting: AtomicUsize,
    numbers: AtomicU64,
}

impl Queue {
    fn line(&self) -> MutexGuard<'_, VecDeque<Waiter>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Takes a place at the end of the line, unless `most` stand there.
    fn join(&self, wish: Wish, most: usize) -> Option<(u64, oneshot::Receiver<Given>)> {
        let mut line = self.line();
        if line.len() >= most {
            return None;
        }
        let (hand, given) = oneshot::channel();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        line.push_back(Waiter { number, wish, hand });
        self.waiting.store(line.len(), Ordering::SeqCst);
        Some((number, given))
    }

    fn leave(&self, number: u64) {
        let mut line = self.line();
        line.retain(|waiter| waiter.number != number);
        self.waiting.store(line.len(), Ordering::SeqCst);
    }

    /// Gives free accounts to those who wait, in their order; one who cannot be served does not hold up those behind. Says what was given
    /// to nobody, what the pool has to tell, and when time alone will free somebody.
    fn serve(
        &self,
        now: Timestamp,
        slot: impl Fn(&AccountId) -> Arc<Slot>,
        mut decide: impl FnMut(&mut dyn FnMut(&mut Pool)),
    ) -> (Vec<Given>, Vec<Event>, Option<Timestamp>) {
        let mut line = self.line();
        let (mut refused, mut events, mut soonest) = (Vec::new(), Vec::new(), None);
        let mut place = 0;
        let mut busy: Vec<usize> = Vec::new();
        while let Some(waiter) = line.get(place) {
            if busy.iter().any(|at| line[*at].wish.alike(&waiter.wish)) {
                place += 1;
                continue;
            }
            let mut chosen = None;
            decide(&mut |pool| {
                chosen = Some(pool.select(now, &waiter.wish.ask()));
                events.extend(pool.take_events());
            });
            let given = match chosen {
                Some(Ok(chosen)) => Ok((slot(&chosen.id), chosen)),
                Some(Err(none)) if !none.worth_waiting() => Err(none),
                Some(Err(none)) => {
                    soonest = [soonest, none.soonest].into_iter().flatten().min();
                    busy.push(place);
                    place += 1;
                    continue;
                }
                None => break,
            };
            if let Some(waiter) = line.remove(place)
                && let Err(given) = waiter.hand.send(given)
            {
                refused.push(given);
            }
        }
        self.waiting.store(line.len(), Ordering::SeqCst);
        (refused, events, soonest)
    }
}

/// A place in the line, given up when the request is no longer interested.
struct Place<'q> {
    queue: &'q Queue,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.number);
    }
}

impl Gateway {
    /// Requests that wait for a busy account now.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Looks whether somebody who waits can be served now: after a slot was freed, or accounts, settings or quota have changed. Nearly
    /// free while nobody waits.
    pub fn look_at_queue(self: &Arc<Self>) {
        self.serve_queue();
    }

    fn serve_queue(self: &Arc<Self>) -> Option<Timestamp> {
        if self.queue.waiting() == 0 {
            return None;
        }
        let (refused, events, soonest) = self.queue.serve(
            self.clock.now(),
            |id| Arc::new(Slot::new(self.clone(), id.clone())),
            |step| self.pool.with(|pool| step(pool)),
        );
        if !events.is_empty() {
            self.journal.pool_events(events);
        }
        // Freed only now: the end of a slot looks at the line again.
        drop(refused);
        soonest
    }

    /// Waits for an account, at most until `limit` and behind at most `most` others. `Err` when nobody could be had.
    pub(crate) async fn wait_in_line(
        self: &Arc<Self>,
        ask: &Ask<'_>,
        formats: &'static [Format],
        none: NoCandidate,
        limit: Instant,
        most: usize,
    ) -> Given {
        let Some((number, mut given)) = self.queue.join(Wish::of(ask, formats), most) else {
            return Err(none);
        };
        let _place = Place {
            queue: &self.queue,
            number,
        };
        loop {
            // Also right after joining: a slot that was freed between the choice and the place in the line was given to nobody.
            let soonest = self.serve_queue();
            let wake = soonest.map_or(limit, |at| {
                let wait = at.since(self.clock.now()).max(Duration::from_millis(1));
                limit.min(Instant::now() + wait)
            });
            tokio::select! {
                biased;
                given = &mut given => return given.unwrap_or(Err(none)),
                () = sleep_until(wake) => {}
            }
            if Instant::now() >= limit {
                self.queue.leave(number);
                // It may have been given in the very last moment.
                return given.try_recv().unwrap_or(Err(none));
            }
        }
    }
}
