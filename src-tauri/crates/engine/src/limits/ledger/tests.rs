//! Counting, reaching, and the end of periods, on a clock of the test's own.

use std::sync::atomic::AtomicI64;

use pool::{Account, AccountKind, Format, Policy, Pool};
use protocol::Usage;

use super::*;

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

struct Desk {
    clock: Arc<Hands>,
    pool: Arc<SharedPool>,
    ledger: Ledger,
}

fn desk(prices: &[&str]) -> Desk {
    let clock = Arc::new(Hands(AtomicI64::new(10 * DAY)));
    let mut pool = Pool::new(Policy::FillFirst);
    let account = |name: &str| Account::new(name, AccountKind::Relay, Format::OpenAi);
    pool.set_accounts(vec![account("a"), account("b")]);
    let pool = Arc::new(SharedPool::new(pool));
    let settings = crate::settings::Usage {
        reset_time: "00:00".into(),
        time_zone: Some("UTC".into()),
        prices: prices.iter().map(|price| (*price).to_owned()).collect(),
    };
    Desk {
        ledger: Ledger::new(pool.clone(), clock.clone(), &settings),
        clock,
        pool,
    }
}

impl Desk {
    fn line(&self, whose: Whose, caps: Caps) -> Line {
        let now = self.clock.now();
        Line {
            whose,
            caps,
            days: 1,
            since: now,
            span: self.ledger.calendar().span(now, 1, now),
            spent: Spent::default(),
        }
    }

    fn later(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// A request for `model`, and whether the pool had something to tell then.
    fn ask(&self, account: &str, model: &str, usage: Option<(u64, u64)>) -> bool {
        let entry = entry(account, model, usage);
        !self.ledger.count(&entry).is_empty()
    }

    fn held(&self, account: &str) -> bool {
        let id = AccountId::from(account);
        self.pool
            .with(|pool| pool.held(self.clock.now(), &id).is_some())
    }
}

fn entry(account: &str, model: &str, usage: Option<(u64, u64)>) -> Entry {
    let attempt = gateway::Attempt {
        account: AccountId::from(account),
        label: account.to_owned(),
        outcome: "success",
        status: Some(200),
        duration_ms: 1,
        reason: String::new(),
    };
    Entry {
        request_id: "r".into(),
        started_at: Timestamp(0),
        key: "k".into(),
        dialect: "chat",
        endpoint: "/v1/chat/completions",
        model: model.into(),
        status: 200,
        end: gateway::End::Completed,
        error_code: None,
        stream: false,
        first_byte_ms: None,
        duration_ms: 1,
        usage: usage.map(|(input, output)| Usage {
            input,
            output,
            ..Usage::default()
        }),
        images: 0,
        losses: Vec::new(),
        attempts: vec![attempt],
        skipped: Vec::new(),
    }
}

fn account(id: &str, model: Option<&str>) -> Whose {
    Whose::Account(AccountId::from(id), model.map(str::to_owned))
}

#[test]
fn f72_each_cap_is_reached_at_its_number_and_not_before() {
    let usd = |text: &str| Some(text.parse().unwrap());
    // A request has 6 tokens in and 4 out, and costs 10 millionths.
    let cases = [
        (
            Caps {
                requests: Some(3),
                ..Caps::default()
            },
            3,
        ),
        (
            Caps {
                prompt_tokens: Some(12),
                ..Caps::default()
            },
            2,
        ),
        (
            Caps {
                completion_tokens: Some(13),
                ..Caps::default()
            },
            4,
        ),
        (
            Caps {
                total_tokens: Some(40),
                ..Caps::default()
            },
            4,
        ),
        (
            Caps {
                cost: usd("0.00003"),
                ..Caps::default()
            },
            3,
        ),
        (
            Caps {
                requests: Some(9),
                total_tokens: Some(15),
                ..Caps::default()
            },
            2,
        ),
    ];
    for (caps, expected) in cases {
        let desk = desk(&["m=1/1/1"]);
        desk.ledger
            .replace(vec![desk.line(account("a", None), caps)]);
        let reached = (1..=9).find(|_| desk.ask("a", "m", Some((6, 4))));
        assert_eq!(reached, Some(expected), "{caps:?}");
        assert!(desk.held("a") && !desk.held("b"));
    }
}

#[test]
fn f72_usage_that_is_not_told_is_not_guessed() {
    let desk = desk(&[]);
    let caps = Caps {
        total_tokens: Some(1),
        cost: Some("0.01".parse().unwrap()),
        ..Caps::default()
    };
    desk.ledger
        .replace(vec![desk.line(account("a", None), caps)]);
    assert!(!desk.ask("a", "m", None));
    let spent = desk.ledger.lines(|_| true)[0].spent;
    assert_eq!(
        (spent.requests, spent.unknown_usage, spent.unpriced),
        (1, 1, 0)
    );
    assert!(desk.ask("a", "m", Some((1, 0))));
    assert_eq!(desk.ledger.lines(|_| true)[0].spent.unpriced, 1);
}

#[test]
fn f72_a_period_ends_at_its_time_and_the_next_begins_with_nothing() {
    let desk = desk(&[]);
    let caps = Caps {
        requests: Some(2),
        ..Caps::default()
    };
    let state = Arc::new(KeyState::default());
    let lines = vec![
        desk.line(account("a", None), caps),
        desk.line(Whose::Key("k".into(), state.clone()), caps),
    ];
    desk.ledger.replace(lines);
    desk.later(5 * HOUR);
    assert!(!desk.ask("a", "m", None));
    assert!(desk.ask("a", "m", None) && desk.held("a"));
    assert_eq!(
        state.spent_until(desk.clock.now()),
        Some(Timestamp(11 * DAY))
    );
    desk.later(19 * HOUR);
    assert!(!desk.held("a") && state.spent_until(desk.clock.now()).is_none());
    assert_eq!(desk.ledger.lines(|_| true)[0].spent, Spent::default());
    assert!(!desk.ask("a", "m", None), "one of two");
    assert!(desk.ask("a", "m", None) && desk.held("a"));
    // A clock that is set back begins the period it says anew; nothing panics.
    desk.later(-3 * DAY);
    assert!(!desk.ask("a", "m", None));
}

#[test]
fn f72_what_ends_while_lines_are_read_is_in_the_new_ones() {
    let desk = desk(&[]);
    let caps = Caps {
        requests: Some(2),
        ..Caps::default()
    };
    assert!(!desk.ask("a", "m", None), "nobody counts yet");
    desk.ledger.begin_notes();
    assert!(!desk.ask("a", "m", None));
    assert!(!desk.ask("b", "m", None));
    let mut read = desk.line(account("a", None), caps);
    read.spent.requests = 1;
    let events = desk.ledger.replace(vec![read]);
    assert_eq!(events.len(), 1, "the noted one was the last");
    assert!(desk.held("a"));
    // Where they cannot be read, the old ones go on, and nothing is kept for ever.
    desk.ledger.begin_notes();
    desk.ledger.drop_notes();
    assert_eq!(desk.ledger.lines(|_| true)[0].spent.requests, 2);
}
