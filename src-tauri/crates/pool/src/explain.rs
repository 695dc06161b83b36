//! Who would be tried for a request, in which order and why, and why the others would not: with the source of each reason and its end.
//!
//! The same pass as `select`, but it takes nothing and stamps nothing. Called by `switchyard explain`, the window, and the gateway where it
//! has to know without choosing.

use crate::models::{Wanted, match_all};
use crate::order::Key;
use crate::select::Pass;
use crate::{AccountId, AccountState, Ask, Pool, SkipReason, Timestamp, Why};
use std::borrow::Cow;

/// What would come of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Which.
    pub id: AccountId,
    /// Its place among the candidates, from 0, and why it has it; or why it is none.
    pub verdict: Result<(usize, Why), SkipReason>,
    /// What the reason was learnt from: a hold's, a reading's or an outcome's word. `None` for what the person or the request decides.
    pub source: Option<Cow<'static, str>>,
}

impl Pool {
    /// The order in which the accounts would be tried for `ask`, and why the others would not, in ring order. Takes nothing; an automatic
    /// switch that would come first is thought of.
    pub fn explain(
        &self,
        now: Timestamp,
        ask: &Ask<'_>,
    ) -> Vec<(AccountId, Result<usize, SkipReason>)> {
        let judged = self.judge_all(now, ask);
        self.accounts()
            .zip(judged)
            .map(|(account, verdict)| (account.id.clone(), verdict.map(|(rank, _)| rank)))
            .collect()
    }

    /// The same with every reason's source.
    pub fn explain_fully(&self, now: Timestamp, ask: &Ask<'_>) -> Vec<Explained> {
        let judged = self.judge_all(now, ask);
        self.entries
            .iter()
            .zip(judged)
            .map(|(entry, verdict)| Explained {
                id: entry.account.id.clone(),
                source: verdict
                    .as_ref()
                    .err()
                    .and_then(|reason| source(now, reason, &entry.state)),
                verdict,
            })
            .collect()
    }

    fn judge_all(&self, now: Timestamp, ask: &Ask<'_>) -> Vec<Result<(usize, Why), SkipReason>> {
        let matches = match_all(
            Wanted::from(ask),
            self.entries.iter().map(|entry| &entry.account),
        );
        let mut pass = Pass::new(self, now, ask, Some(&matches));
        pass.active = self.active_next(now, &matches);
        let judged: Vec<Result<Key, SkipReason>> = self
            .rows
            .iter()
            .enumerate()
            .map(|(place, row)| pass.judge(place, row))
            .collect();
        let mut order: Vec<(Key, usize)> = judged
            .iter()
            .enumerate()
            .filter_map(|(place, judgement)| judgement.ok().map(|key| (key, place)))
            .collect();
        order.sort_unstable();
        let mut told: Vec<Result<(usize, Why), SkipReason>> = judged
            .iter()
            .enumerate()
            .map(|(place, judgement)| judgement.map(|key| (0, pass.why(place, key.tier))))
            .collect();
        for (rank, (_, place)) in order.into_iter().enumerate() {
            if let Ok((place, _)) = &mut told[place] {
                *place = rank;
            }
        }
        told
    }
}

/// Where a reason comes from, in the words that are stored.
fn source(now: Timestamp, reason: &SkipReason, state: &AccountState) -> Option<Cow<'static, str>> {
    let reading = || {
        let quota = state.quota.as_ref()?;
        Some(Cow::Borrowed(quota.source.as_str()))
    };
    let standing = || state.reason.as_ref().map(|reason| reason.code.clone());
    match reason {
        SkipReason::Exhausted { .. } => {
            let refused = state.exhausted.filter(|exhausted| exhausted.until > now);
            refused.map_or_else(reading, |exhausted| {
                Some(Cow::Borrowed(exhausted.source.as_str()))
            })
        }
        SkipReason::Reserved { .. } | SkipReason::ModelQuota { .. } => reading(),
        SkipReason::RateLimited { .. } | SkipReason::Cooling { .. } => state
            .cooldown
            .map(|cooldown| Cow::Borrowed(cooldown.source.as_str())),
        SkipReason::Banned | SkipReason::NeedsLogin => standing(),
        _ => None,
    }
}
