//! Rows F15–F18 and F22 under paused time: scripted token answers, a recording vault, no sockets.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::{BoxFuture, join_all};
use pool::{AccountId, AccountKind, Clock, Format, Outcome, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Semaphore, time::Instant};

use super::{AccessError, Observer, RefreshError, Refreshed, TokenCalls};
use crate::{
    Config, ConfigError, Credential, CredentialError, CredentialStore, OAuthTokens, ProxyChoice,
    Target, TargetSpec, Upstream,
    oauth::{RefreshAnswer, TokenError},
};

const START: i64 = 1_789_344_000_000;
const DAY: u64 = 86_400;

/// Wall time that follows tokio's paused time.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp(START + i64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// Vault, issuer and observer in one, writing down what happens in order.
#[derive(Default)]
struct World {
    vault: Mutex<Option<Credential>>,
    answers: Mutex<VecDeque<Result<Answer, TokenError>>>,
    log: Mutex<Vec<String>>,
    persist_fails: Mutex<u32>,
    load_error: Mutex<Option<CredentialError>>,
    gate: Mutex<Option<Arc<Semaphore>>>,
    begun: Mutex<Option<Instant>>,
}

/// Which tokens the issuer hands out; a number names each.
#[derive(Clone, Copy)]
struct Answer {
    access: Option<u32>,
    refresh: Option<u32>,
    lives: Option<u64>,
}

fn fresh(n: u32) -> Result<Answer, TokenError> {
    Ok(Answer {
        access: Some(n),
        refresh: Some(n),
        lives: Some(10 * DAY),
    })
}

fn down() -> Result<Answer, TokenError> {
    Err(TokenError::Unavailable {
        reason: "it answered 500".into(),
    })
}

fn refused(code: &str) -> Result<Answer, TokenError> {
    Err(TokenError::Refused {
        code: code.into(),
        banned: code == "account_deactivated",
    })
}

impl World {
    fn note(&self, text: impl Into<String>) {
        self.log.lock().unwrap().push(text.into());
    }
    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
    fn calls(&self) -> usize {
        self.log().iter().filter(|l| l.starts_with("call")).count()
    }
    fn seconds(&self) -> u64 {
        let since = self
            .begun
            .lock()
            .unwrap()
            .map(|b| b.elapsed().as_millis())
            .unwrap_or_default();
        u64::try_from((since + 500) / 1000).unwrap()
    }
    fn stored_refresh(&self) -> String {
        match &*self.vault.lock().unwrap() {
            Some(Credential::OAuth(t)) => t.refresh.as_ref().unwrap().expose_secret().to_owned(),
            _ => String::new(),
        }
    }
}

struct Vault(Arc<World>);

impl CredentialStore for Vault {
    fn load(&self, _id: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            match self.0.load_error.lock().unwrap().clone() {
                Some(error) => Err(error),
                None => Ok(self.0.vault.lock().unwrap().clone()),
            }
        })
    }

    fn persist(
        &self,
        _id: &AccountId,
        credential: &Credential,
    ) -> BoxFuture<'_, Result<(), CredentialError>> {
        let credential = credential.clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut fails = self.0.persist_fails.lock().unwrap();
            if *fails > 0 {
                *fails -= 1;
                self.0.note("persist failed");
                return Err(CredentialError::Locked);
            }
            *self.0.vault.lock().unwrap() = Some(credential);
            self.0
                .note(format!("persisted {}", self.0.stored_refresh()));
            Ok(())
        })
    }
}

struct Issuer(Arc<World>);

impl TokenCalls for Issuer {
    fn refresh<'a>(
        &'a self,
        _upstream: &'a Upstream,
        _target: &'a Target,
        token: &'a SecretString,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<Result<RefreshAnswer, TokenError>, ConfigError>> {
        Box::pin(async move {
            self.0.note(format!(
                "call {} at {}",
                token.expose_secret(),
                self.0.seconds()
            ));
            let gate = self.0.gate.lock().unwrap().clone();
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            let answer = self
                .0
                .answers
                .lock()
                .unwrap()
                .pop_front()
                .unwrap_or_else(down);
            let named =
                |kind: &str, n: Option<u32>| n.map(|n| SecretString::from(format!("{kind}{n}")));
            Ok(answer.map(|a| RefreshAnswer {
                access: named("at", a.access),
                refresh: named("rt", a.refresh),
                id_token: None,
                expires_in: a.lives.map(|s| i64::try_from(s).unwrap()),
            }))
        })
    }
}

struct Ear(Arc<World>);

impl Observer for Ear {
    fn refreshed(&self, _id: &AccountId, _refreshed: &Refreshed) {
        self.0.note("told refreshed");
    }
    fn refresh_refused(&self, _id: &AccountId, code: &str, confirmed: bool, banned: bool) {
        self.0.note(format!(
            "told {code} confirmed={confirmed} banned={banned} at {}",
            self.0.seconds()
        ));
    }
    fn refresh_unavailable(&self, _id: &AccountId, reason: &str, _retry_at: Option<Timestamp>) {
        self.0.note(format!("told unavailable: {reason}"));
    }
    fn persist_failed(&self, _id: &AccountId, _error: &CredentialError) {
        self.0.note("told persist failed");
    }
}

/// Lets other tasks run until something has happened.
async fn until(happened: impl Fn() -> bool) {
    while !happened() {
        tokio::task::yield_now().await;
    }
}

fn spec(kind: AccountKind, format: Format, base_url: &str) -> TargetSpec {
    TargetSpec {
        id: AccountId::from("a1"),
        label: "first".into(),
        kind,
        format,
        base_url: base_url.into(),
        proxy: ProxyChoice::Global,
        headers: Vec::new(),
        provider_account_id: None,
        fedramp: false,
        manner: crate::Manner::default(),
    }
}

fn oauth() -> Target {
    Target::new(spec(AccountKind::CodexOauth, Format::Codex, "")).unwrap()
}

/// An account whose access token `at0` ends in `lives` seconds; negative = it has ended.
fn world(
    lives: i64,
    answers: impl IntoIterator<Item = Result<Answer, TokenError>>,
) -> (Arc<World>, Upstream, Target) {
    let tokens = OAuthTokens {
        access: Some(SecretString::from("at0")),
        refresh: Some(SecretString::from("rt0")),
        id_token: Some(SecretString::from("id0")),
        expires_at: Some(Timestamp(START + lives * 1000)),
        account_id: Some("acc".into()),
        ..OAuthTokens::default()
    };
    let (world, upstream) = with(Some(Credential::OAuth(Box::new(tokens))), answers);
    (world, upstream, oauth())
}

fn with(
    credential: Option<Credential>,
    answers: impl IntoIterator<Item = Result<Answer, TokenError>>,
) -> (Arc<World>, Upstream) {
    let world = Arc::new(World {
        vault: Mutex::new(credential),
        answers: Mutex::new(answers.into_iter().collect()),
        begun: Mutex::new(Some(Instant::now())),
        ..World::default()
    });
    let clock = Arc::new(PausedClock(Instant::now()));
    let (vault, issuer) = (
        Arc::new(Vault(world.clone())),
        Box::new(Issuer(world.clone())),
    );
    let upstream = Upstream::with_calls(Config::default(), vault, clock, issuer).unwrap();
    upstream.set_observer(Arc::new(Ear(world.clone())));
    (world, upstream)
}

fn bearer(access: &super::Access) -> &str {
    access.value.to_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn f15_a_token_outside_the_margin_is_used_as_it_is() {
    let (world, upstream, target) = world(301, []);
    let access = upstream.access(&target).await.unwrap();
    assert_eq!(bearer(&access), "Bearer at0");
    assert!(access.value.is_sensitive());
    assert_eq!(access.account.as_ref().unwrap(), "acc");
    assert_eq!(world.calls(), 0);
    assert!(!format!("{access:?}").contains("at0"));
}

#[tokio::test(start_paused = true)]
async fn f15_inside_the_margin_it_is_refreshed_first() {
    let (world, upstream, target) = world(299, [fresh(1)]);
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at1"
    );
    // F17: durable before anybody hears of it.
    assert_eq!(
        world.log(),
        ["call rt0 at 0", "persisted rt1", "told refreshed"]
    );
}

#[tokio::test(start_paused = true)]
async fn f15_a_valid_token_is_used_when_the_refresh_fails_for_a_passing_reason() {
    for failure in [down(), Err(TokenError::RateLimited { retry_at: None })] {
        let (world, upstream, target) = world(299, [failure]);
        for _ in 0..20 {
            assert_eq!(
                bearer(&upstream.access(&target).await.unwrap()),
                "Bearer at0"
            );
        }
        // The requests do not hammer the issuer meanwhile.
        assert_eq!(world.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f18_an_ended_token_and_a_passing_failure_keep_the_status() {
    let (world, upstream, target) = world(-1, [down()]);
    let error = upstream.access(&target).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::RefreshUnavailable);
    let again = upstream.access(&target).await.unwrap_err();
    let AccessError::Refresh(RefreshError::Unavailable {
        retry_at: Some(at), ..
    }) = again
    else {
        panic!("{again:?}");
    };
    assert!((3500..6500).contains(&(at.0 - START)), "5 s ± 30 %: {at:?}");
    assert_eq!(world.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn f16_fifty_requests_make_one_token_call() {
    let (world, upstream, target) = world(-1, [fresh(1)]);
    let gate = Arc::new(Semaphore::new(0));
    *world.gate.lock().unwrap() = Some(gate.clone());
    let waiting = join_all((0..50).map(|_| upstream.access(&target)));
    let release = async {
        until(|| world.calls() == 1).await;
        gate.add_permits(1);
    };
    let (answers, ()) = tokio::join!(waiting, release);
    assert!(
        answers
            .iter()
            .all(|a| bearer(a.as_ref().unwrap()) == "Bearer at1")
    );
    assert_eq!(world.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn f16_waiting_ends_after_thirty_seconds_but_the_refresh_goes_on() {
    let (world, upstream, target) = world(-1, [fresh(1)]);
    let gate = Arc::new(Semaphore::new(0));
    *world.gate.lock().unwrap() = Some(gate.clone());
    let begun = Instant::now();
    assert_eq!(
        upstream.access(&target).await.unwrap_err(),
        AccessError::TimedOut
    );
    assert_eq!(begun.elapsed().as_secs(), 30);
    gate.add_permits(1);
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at1"
    );
    assert_eq!(world.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn f17_a_client_that_leaves_does_not_interrupt_the_refresh() {
    let (world, upstream, target) = world(-1, [fresh(1)]);
    let gate = Arc::new(Semaphore::new(0));
    *world.gate.lock().unwrap() = Some(gate.clone());
    let left = tokio::time::timeout(Duration::from_millis(1), upstream.access(&target)).await;
    assert!(left.is_err());
    gate.add_permits(1);
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at1"
    );
    assert_eq!(
        world.log(),
        ["call rt0 at 0", "persisted rt1", "told refreshed"]
    );
}

#[tokio::test(start_paused = true)]
async fn f17_the_end_of_the_program_waits_for_a_refresh_under_way() {
    let (world, upstream, target) = world(-1, [fresh(1)]);
    let gate = Arc::new(Semaphore::new(0));
    *world.gate.lock().unwrap() = Some(gate.clone());
    let left = tokio::time::timeout(Duration::from_millis(1), upstream.access(&target)).await;
    assert!(left.is_err());
    assert!(
        !upstream.settle(Duration::from_secs(5)).await,
        "the issuer has not answered yet"
    );
    gate.add_permits(1);
    assert!(upstream.settle(Duration::from_secs(5)).await);
    assert_eq!(world.stored_refresh(), "rt1");
    assert!(
        upstream.settle(Duration::ZERO).await,
        "nothing is under way"
    );
}

#[tokio::test(start_paused = true)]
async fn f17_absent_tokens_keep_the_old_ones() {
    let lives = Some(10 * DAY);
    let only_access = Ok(Answer {
        access: Some(1),
        refresh: None,
        lives,
    });
    let (world, upstream, target) = world(-1, [only_access]);
    upstream.access(&target).await.unwrap();
    let Some(Credential::OAuth(tokens)) = world.vault.lock().unwrap().clone() else {
        panic!()
    };
    assert_eq!(tokens.access.unwrap().expose_secret(), "at1");
    assert_eq!(tokens.refresh.unwrap().expose_secret(), "rt0");
    assert_eq!(tokens.id_token.unwrap().expose_secret(), "id0");
    assert_eq!(tokens.account_id.as_deref(), Some("acc"));
    assert_eq!(tokens.last_refresh, Some(Timestamp(START)));
}

#[tokio::test(start_paused = true)]
async fn f17_tokens_that_could_not_be_stored_are_kept_and_not_used() {
    let (world, upstream, target) = world(-1, [fresh(1)]);
    *world.persist_fails.lock().unwrap() = 2;
    let error = upstream.access(&target).await.unwrap_err();
    assert_eq!(error, AccessError::Store(CredentialError::Locked));
    assert_eq!(error.outcome(), Outcome::RefreshUnavailable);
    assert!(
        upstream.access(&target).await.is_err(),
        "not used before they are durable"
    );
    // The series of tries stores them without asking the issuer again.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.stored_refresh(), "rt1");
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at1"
    );
    assert_eq!(world.calls(), 1);
    assert_eq!(
        world
            .log()
            .iter()
            .filter(|l| *l == "told persist failed")
            .count(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn f18_five_tries_with_growing_pauses() {
    let (world, upstream, target) = world(-1, []);
    upstream.access(&target).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let at: Vec<u64> = world
        .log()
        .iter()
        .filter_map(|l| l.strip_prefix("call rt0 at ")?.parse().ok())
        .collect();
    assert_eq!(at.len(), 5, "{at:?}");
    for (pause, want) in at
        .windows(2)
        .map(|w| w[1] - w[0])
        .zip([5.0, 15.0, 45.0, 135.0f64])
    {
        let off = (pause as f64 - want).abs();
        assert!(off <= want * 0.3 + 1.0, "{pause} for {want}");
    }
    assert!(
        world.log().iter().all(|l| !l.contains("confirmed")),
        "the account keeps its status"
    );
}

#[tokio::test(start_paused = true)]
async fn f18_a_later_success_ends_the_series() {
    let (world, upstream, target) = world(-1, [down(), down(), fresh(1)]);
    upstream.access(&target).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(world.calls(), 3);
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at1"
    );
}

#[tokio::test(start_paused = true)]
async fn f18_a_refusal_counts_when_seen_twice() {
    for (code, banned) in [
        ("refresh_token_reused", false),
        ("invalid_grant", false),
        ("account_deactivated", true),
    ] {
        let (world, upstream, target) = world(-1, [refused(code), refused(code)]);
        let first = upstream.access(&target).await.unwrap_err();
        assert_eq!(
            first.outcome(),
            Outcome::RefreshRefused {
                confirmed: false,
                banned
            }
        );
        // Requests in between change nothing and ask nobody.
        for _ in 0..5 {
            assert_eq!(upstream.access(&target).await.unwrap_err(), first);
        }
        assert_eq!(world.calls(), 1);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(world.calls(), 2);
        assert!(
            world
                .log()
                .contains(&format!("told {code} confirmed=true banned={banned} at 10")),
            "{:?}",
            world.log()
        );
        // Known for good: no further call.
        let later = upstream.access(&target).await.unwrap_err();
        assert_eq!(
            later.outcome(),
            Outcome::RefreshRefused {
                confirmed: true,
                banned
            }
        );
        assert_eq!(world.calls(), 2);
        // F19: the credential is still there, and a person may try by hand.
        assert_eq!(world.stored_refresh(), "rt0");
        world.answers.lock().unwrap().push_back(fresh(1));
        assert!(upstream.refresh(&target, true).await.unwrap().renewed);
        assert_eq!(
            bearer(&upstream.access(&target).await.unwrap()),
            "Bearer at1"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn f18_a_refusal_that_passes_is_forgotten() {
    let (world, upstream, target) = world(-1, [refused("invalid_grant"), fresh(1)]);
    upstream.access(&target).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at1"
    );
    assert!(!world.log().iter().any(|l| l.contains("confirmed=true")));
}

#[tokio::test(start_paused = true)]
async fn f18_a_token_rotated_by_somebody_else_is_adopted() {
    let (world, upstream, target) = world(-1, [refused("refresh_token_reused")]);
    let gate = Arc::new(Semaphore::new(0));
    *world.gate.lock().unwrap() = Some(gate.clone());
    let adopt = async {
        until(|| world.calls() == 1).await;
        let tokens = OAuthTokens {
            access: Some(SecretString::from("at9")),
            refresh: Some(SecretString::from("rt9")),
            expires_at: Some(Timestamp(START + 864_000_000)),
            ..OAuthTokens::default()
        };
        *world.vault.lock().unwrap() = Some(Credential::OAuth(Box::new(tokens)));
        gate.add_permits(1);
    };
    let (access, ()) = tokio::join!(upstream.access(&target), adopt);
    assert_eq!(bearer(&access.unwrap()), "Bearer at9");
    assert_eq!(world.log(), ["call rt0 at 0"]);
}

#[tokio::test(start_paused = true)]
async fn f18_rate_limit_of_the_issuer_waits_and_is_no_fault() {
    let limited = Err(TokenError::RateLimited {
        retry_at: Some(Timestamp(START + 90_000)),
    });
    let (world, upstream, target) = world(-1, [limited, fresh(1)]);
    let error = upstream.access(&target).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::RefreshUnavailable);
    tokio::time::sleep(Duration::from_secs(89)).await;
    assert_eq!(world.calls(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.calls(), 2);
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at1"
    );
}

#[tokio::test(start_paused = true)]
async fn f22_a_refused_request_refreshes_once_in_the_background() {
    let (world, upstream, target) = world(10_000, [fresh(1)]);
    let used = upstream.access(&target).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    *world.gate.lock().unwrap() = Some(gate.clone());
    for _ in 0..10 {
        upstream.unauthorized(&target, &used);
    }
    // The refused token is not handed out again: the next request waits for the refresh.
    let release = async {
        until(|| world.calls() == 1).await;
        gate.add_permits(1);
    };
    let (next, ()) = tokio::join!(upstream.access(&target), release);
    assert_eq!(bearer(&next.unwrap()), "Bearer at1");
    assert_eq!(world.calls(), 1);
    // A late 401 of the old token says nothing about the new one.
    upstream.unauthorized(&target, &used);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn f22_at_most_two_refreshes_in_thirty_seconds() {
    let (world, upstream, target) = world(10_000, (1..10).map(fresh));
    for second in 0..29 {
        let used = upstream.access(&target).await.unwrap();
        upstream.unauthorized(&target, &used);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.calls(), (second + 1).min(2));
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let used = upstream.access(&target).await.unwrap();
    upstream.unauthorized(&target, &used);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn f22_without_a_refresh_token_two_refusals_end_it() {
    let tokens = OAuthTokens {
        access: Some(SecretString::from("at0")),
        ..OAuthTokens::default()
    };
    let (world, upstream) = with(Some(Credential::OAuth(Box::new(tokens))), []);
    let target = oauth();
    // Its expiry is unknown: it is used as long as it works.
    let used = upstream.access(&target).await.unwrap();
    upstream.unauthorized(&target, &used);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.calls(), 0);
    let told: Vec<_> = world.log();
    assert!(
        told[0].contains("no_refresh_token confirmed=false"),
        "{told:?}"
    );
    assert!(
        told[1].contains("no_refresh_token confirmed=true"),
        "{told:?}"
    );
    assert!(upstream.access(&target).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn forgetting_an_account_discards_its_refresh() {
    let (world, upstream, target) = world(-1, [fresh(1)]);
    let gate = Arc::new(Semaphore::new(0));
    *world.gate.lock().unwrap() = Some(gate.clone());
    let waiting = {
        let (upstream, target) = (upstream.clone(), target.clone());
        tokio::spawn(async move { upstream.access(&target).await })
    };
    until(|| world.calls() == 1).await;
    upstream.forget(&target.id);
    gate.add_permits(1);
    assert!(waiting.await.unwrap().is_err());
    assert_eq!(
        world.stored_refresh(),
        "rt0",
        "the old chain must not overwrite a new sign-in"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_vault_may_answer() {
    let (world, upstream) = with(None, []);
    let target = oauth();
    let error = upstream.access(&target).await.unwrap_err();
    assert_eq!(error, AccessError::NoCredential);
    assert_eq!(
        error.outcome(),
        Outcome::RefreshRefused {
            confirmed: true,
            banned: false
        }
    );
    *world.load_error.lock().unwrap() = Some(CredentialError::Locked);
    let error = upstream.access(&target).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::RefreshUnavailable);
    assert!(error.to_string().contains("unlock"), "{error}");
    *world.load_error.lock().unwrap() = None;
    *world.vault.lock().unwrap() = Some(Credential::Key(SecretString::from("sk-1")));
    assert_eq!(
        upstream.access(&target).await.unwrap_err(),
        AccessError::WrongKind
    );
}

#[tokio::test(start_paused = true)]
async fn f100_keys_by_format_and_f102_no_oauth_machinery() {
    for (format, name, value) in [
        (Format::OpenAi, "authorization", "Bearer sk-1"),
        (Format::Responses, "authorization", "Bearer sk-1"),
        (Format::Codex, "authorization", "Bearer sk-1"),
        (Format::Anthropic, "x-api-key", "sk-1"),
        (Format::Gemini, "x-goog-api-key", "sk-1"),
    ] {
        let (world, upstream) = with(Some(Credential::Key(SecretString::from("sk-1\n"))), []);
        let target = Target::new(spec(
            AccountKind::Relay,
            format,
            "https://relay.example.com",
        ))
        .unwrap();
        let access = upstream.access(&target).await.unwrap();
        assert_eq!((access.name.as_str(), bearer(&access)), (name, value));
        assert!(access.value.is_sensitive());
        upstream.unauthorized(&target, &access);
        assert_eq!(
            upstream.refresh(&target, true).await.unwrap_err(),
            AccessError::NotApplicable
        );
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(bearer(&upstream.access(&target).await.unwrap()), value);
        assert_eq!(world.log(), [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn f15_the_clockwork_refreshes_before_the_end() {
    let (world, upstream, target) = world(3600, [fresh(1)]);
    let clockwork = tokio::spawn(upstream.clone().run_schedule({
        let target = target.clone();
        move || vec![target.clone()]
    }));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    clockwork.abort();
    let log = world.log();
    let at: u64 = log[0]
        .strip_prefix("call rt0 at ")
        .unwrap()
        .parse()
        .unwrap();
    // Five minutes ± 15 % before the end.
    assert!((3600 - 345 - 1..=3600 - 255 + 1).contains(&at), "{at}");
    assert_eq!(world.calls(), 1);
    let due = upstream.next_refresh_due(&target.id).unwrap();
    assert!(due > Timestamp(START + 9 * 86_400_000));
}

#[tokio::test(start_paused = true)]
async fn f15_the_clockwork_tries_again_after_its_interval_and_f21_waits_at_start() {
    let (world, upstream, target) = world(-1, []);
    let clockwork = tokio::spawn(upstream.clone().run_schedule(move || vec![target.clone()]));
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(world.calls(), 0);
    tokio::time::sleep(Duration::from_secs(2000)).await;
    assert_eq!(world.calls(), 5, "one series of tries");
    tokio::time::sleep(Duration::from_secs(3000)).await;
    assert_eq!(world.calls(), 10, "the next one an interval later");
    clockwork.abort();
}

#[tokio::test(start_paused = true)]
async fn f14_accounts_left_out_are_not_refreshed() {
    let (world, upstream, _) = world(-1, []);
    let clockwork = tokio::spawn(upstream.run_schedule(Vec::new));
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    assert_eq!(world.log(), [] as [&str; 0]);
    clockwork.abort();
}

#[tokio::test(start_paused = true)]
async fn short_lived_and_ended_tokens_are_not_renewed_with_every_request() {
    let lives = |secs| {
        Ok(Answer {
            access: Some(1),
            refresh: Some(1),
            lives: Some(secs),
        })
    };
    // Two minutes of life: renewed after three quarters of it.
    let (world, upstream, target) = world(-1, [lives(120), fresh(2)]);
    for _ in 0..9 {
        assert_eq!(
            bearer(&upstream.access(&target).await.unwrap()),
            "Bearer at1"
        );
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(world.calls(), 1);
    assert_eq!(
        bearer(&upstream.access(&target).await.unwrap()),
        "Bearer at2"
    );
    // No life at all: clocks disagree.
    let (world, upstream, target) = self::world(-1, [lives(0), lives(0)]);
    for _ in 0..5 {
        assert_eq!(
            upstream.access(&target).await.unwrap_err().outcome(),
            Outcome::RefreshUnavailable
        );
    }
    assert_eq!(world.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_joins_a_look_still_gets_a_fresh_token() {
    let (world, upstream, target) = world(-1, [fresh(1)]);
    let slot = upstream.0.slots.get(&target.id);
    let look = upstream.join(&slot, &target, super::Reason::Look);
    let (_, access) = tokio::join!(look.wait(), upstream.access(&target));
    assert_eq!(bearer(&access.unwrap()), "Bearer at1");
    assert_eq!(world.calls(), 1);
}

#[test]
fn f100_the_form_of_the_key_can_be_chosen() {
    use crate::manner::{AuthForm, Manner};
    for (format, form, name, value, in_query) in [
        (
            Format::Anthropic,
            AuthForm::Bearer,
            "authorization",
            "Bearer sk-1",
            false,
        ),
        (
            Format::Gemini,
            AuthForm::Bearer,
            "authorization",
            "Bearer sk-1",
            false,
        ),
        (
            Format::Gemini,
            AuthForm::Query,
            "x-goog-api-key",
            "sk-1",
            true,
        ),
        (
            Format::OpenAi,
            AuthForm::XApiKey,
            "x-api-key",
            "sk-1",
            false,
        ),
    ] {
        let spec = TargetSpec {
            manner: Manner {
                auth: Some(form),
                ..Manner::default()
            },
            ..spec(AccountKind::Relay, format, "https://relay.example.com")
        };
        let target = Target::new(spec).unwrap();
        let access = super::access_with_key(&target, &SecretString::from("sk-1")).unwrap();
        assert_eq!((access.name.as_str(), bearer(&access)), (name, value));
        assert_eq!(access.in_query(), in_query);
        assert_eq!(AuthForm::from_word(form.as_str()), Some(form));
    }
}

#[tokio::test(start_paused = true)]
async fn f103_an_account_of_several_formats_carries_its_key_as_each_wants() {
    use crate::manner::{AuthForm, Manner, Wire};
    let (world, upstream) = with(Some(Credential::Key(SecretString::from("sk-1"))), []);
    let wire = |format, base_url: &str| Wire {
        format,
        base_url: base_url.to_owned(),
    };
    let target = Target::new(TargetSpec {
        manner: Manner {
            auth: Some(AuthForm::Bearer),
            wires: vec![
                wire(Format::Anthropic, ""),
                wire(Format::Gemini, "https://other.example.com"),
            ],
            ..Manner::default()
        },
        ..spec(
            AccountKind::Relay,
            Format::OpenAi,
            "https://relay.example.com",
        )
    })
    .unwrap();
    // In any order, and back again.
    for (formats, format, base, name, value) in [
        (
            &[Format::Anthropic, Format::OpenAi][..],
            Format::Anthropic,
            "relay",
            "x-api-key",
            "sk-1",
        ),
        (
            &[Format::OpenAi, Format::Anthropic],
            Format::OpenAi,
            "relay",
            "authorization",
            "Bearer sk-1",
        ),
        (
            &[Format::Gemini],
            Format::Gemini,
            "other",
            "x-goog-api-key",
            "sk-1",
        ),
        (
            &[Format::Responses, Format::Anthropic],
            Format::Anthropic,
            "relay",
            "x-api-key",
            "sk-1",
        ),
        (
            &[Format::Codex],
            Format::OpenAi,
            "relay",
            "authorization",
            "Bearer sk-1",
        ),
    ] {
        let wire = target.speaking(formats);
        assert_eq!((wire.format, &wire.id), (format, &target.id));
        assert!(wire.base_url.contains(base));
        let access = upstream.access(wire).await.unwrap();
        assert_eq!((access.name.as_str(), bearer(&access)), (name, value));
        assert!(access.value.is_sensitive());
    }
    assert_eq!(world.log(), [] as [&str; 0]);
}

#[test]
fn f30_a_provider_that_repeats_the_key_is_not_repeated() {
    let access = |format: Format, key: &str| {
        let target = Target::new(TargetSpec {
            id: AccountId::from("relay"),
            label: "relay".into(),
            kind: AccountKind::Relay,
            format,
            base_url: "https://relay.example.com".into(),
            proxy: ProxyChoice::Direct,
            headers: Vec::new(),
            provider_account_id: None,
            fedramp: false,
            manner: crate::Manner::default(),
        });
        super::access_with_key(&target.unwrap(), &SecretString::from(key)).unwrap()
    };
    let cases = [
        (
            Format::OpenAi,
            "a-KEY-8842",
            "what is a-KEY-8842, a-KEY-8842?",
            "what is •••, •••?",
        ),
        (Format::Anthropic, "a-KEY-8842", "a-KEY-8842", "•••"),
        (
            Format::OpenAi,
            "a-KEY-8842",
            "no such model",
            "no such model",
        ),
        (Format::OpenAi, "short", "in short: no", "in short: no"),
    ];
    for (format, key, text, shown) in cases {
        let hidden = access(format, key).hidden_in(text.into());
        assert_eq!(String::from_utf8_lossy(&hidden), shown);
    }
}
