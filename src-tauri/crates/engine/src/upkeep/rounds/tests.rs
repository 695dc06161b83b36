//! The clockwork under paused time.

use std::sync::Mutex;

use pool::Health;

use super::*;

const START: Timestamp = Timestamp(1_800_000_000_000);

/// Accounts that answer after a while and note when they were asked.
struct Stage {
    began: Instant,
    names: Vec<String>,
    health: Health,
    read_at: Option<Timestamp>,
    key: bool,
    every: Duration,
    answer: (Duration, Told),
    offline: Mutex<bool>,
    saving: Mutex<bool>,
    /// How far the wall clock has leapt, in milliseconds, and the leaps that were told: second, and how far.
    leap: Mutex<i64>,
    leaps: Mutex<Vec<(u64, i64)>>,
    /// Second after the start, and who.
    asked: Mutex<Vec<(u64, String)>>,
    under_way: Mutex<(usize, usize)>,
    failures: Mutex<Vec<u32>>,
    /// What the pool's plan says: when, and who.
    due: Mutex<Vec<(Duration, &'static str)>>,
}

impl Stage {
    fn new(count: usize) -> Self {
        Self {
            began: Instant::now(),
            names: (0..count).map(|n| n.to_string()).collect(),
            health: Health::Active,
            read_at: None,
            key: false,
            every: Duration::from_secs(900),
            answer: (Duration::from_millis(100), Told::Fine),
            offline: Mutex::default(),
            saving: Mutex::default(),
            leap: Mutex::default(),
            leaps: Mutex::default(),
            asked: Mutex::default(),
            under_way: Mutex::default(),
            failures: Mutex::default(),
            due: Mutex::default(),
        }
    }

    async fn note(&self, id: &AccountId) -> Told {
        let second = self.began.elapsed().as_secs();
        self.asked
            .lock()
            .unwrap()
            .push((second, id.as_str().to_owned()));
        let (time, told) = self.answer;
        {
            let mut under_way = self.under_way.lock().unwrap();
            under_way.0 += 1;
            under_way.1 = under_way.1.max(under_way.0);
        }
        sleep(time).await;
        self.under_way.lock().unwrap().0 -= 1;
        told
    }

    fn seconds(&self) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(second, _)| *second).collect()
    }

    /// Lets a clockwork run for so long.
    async fn run(&self, work: impl Future<Output = ()>, for_secs: u64) {
        tokio::select! {
            () = work => {}
            () = sleep(Duration::from_secs(for_secs)) => {}
        }
    }
}

impl Accounts for Stage {
    fn now(&self) -> Timestamp {
        Timestamp(START.plus(self.began.elapsed()).0 + *self.leap.lock().unwrap())
    }
    fn offline(&self) -> bool {
        *self.offline.lock().unwrap()
    }
    fn saving(&self) -> bool {
        *self.saving.lock().unwrap()
    }
    fn quota_every(&self) -> Duration {
        self.every
    }
    fn checks_every(&self) -> Duration {
        self.every
    }
    fn standings(&self) -> Vec<Standing> {
        let one = |name: &String| Standing {
            id: AccountId::from(name.as_str()),
            key: self.key,
            active: name == "2",
            busy: false,
            health: self.health,
            read_at: self.read_at,
            used_at: None,
        };
        self.names.iter().map(one).collect()
    }
    async fn ask(&self, id: &AccountId) -> Told {
        self.note(id).await
    }
    async fn check(&self, id: &AccountId) -> Told {
        self.note(id).await
    }
    fn checked(&self, _: &AccountId, _: Told, failures: u32) {
        self.failures.lock().unwrap().push(failures);
    }
    fn recovering(&self) -> Vec<AccountId> {
        let now = self.began.elapsed();
        let due = self.due.lock().unwrap();
        let due = due.iter().filter(|(at, _)| *at <= now);
        due.map(|(_, name)| AccountId::from(*name)).collect()
    }
    fn next_recovery(&self) -> Option<Duration> {
        let due = self.due.lock().unwrap();
        let next = due.iter().map(|(at, _)| *at).min()?;
        Some(next.saturating_sub(self.began.elapsed()))
    }
    fn recovery_asked(&self, id: &AccountId) {
        let mut due = self.due.lock().unwrap();
        due.retain(|(_, name)| *name != id.as_str());
    }
    async fn probe(&self) {
        self.note(&AccountId::from("probe")).await;
        if self.seconds().len() == 3 {
            *self.offline.lock().unwrap() = false;
        }
    }
    fn leapt(&self, leap: Leap) {
        let second = self.began.elapsed().as_secs();
        self.leaps.lock().unwrap().push((second, leap.0));
    }
}

fn seed() -> fastrand::Rng {
    fastrand::Rng::with_seed(7)
}

#[tokio::test(start_paused = true)]
async fn f68_a_round_at_the_start_and_then_every_quarter_of_an_hour() {
    let stage = Stage::new(4);
    stage
        .run(quota(&stage, seed(), &Notify::new()), 7_200)
        .await;
    let asked = stage.asked.lock().unwrap().clone();
    let first: Vec<_> = asked[..4]
        .iter()
        .map(|(second, name)| (*second, name.as_str()))
        .collect();
    assert_eq!(first, [(10, "2"), (13, "0"), (16, "1"), (19, "3")]);
    let begins: Vec<u64> = asked.chunks(4).map(|round| round[0].0).collect();
    for pair in begins.windows(2) {
        let apart = pair[1] - pair[0];
        // The round itself takes nine seconds.
        assert!((720..=1_090).contains(&apart), "{begins:?}");
    }
    let steps: Vec<u64> = begins.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().any(|step| *step != steps[0]), "{steps:?}");
    // The same seed makes the same times.
    let again = Stage::new(4);
    again
        .run(quota(&again, seed(), &Notify::new()), 7_200)
        .await;
    assert_eq!(stage.seconds(), again.seconds());
}

#[tokio::test(start_paused = true)]
async fn f68_slow_answers_are_three_at_a_time() {
    let stage = Stage {
        answer: (Duration::from_secs(20), Told::Fine),
        ..Stage::new(9)
    };
    stage.run(quota(&stage, seed(), &Notify::new()), 600).await;
    assert_eq!(stage.under_way.lock().unwrap().1, 3);
    assert_eq!(stage.seconds().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn f68_fresh_readings_offline_and_off_ask_nobody() {
    let fresh = Stage {
        read_at: Some(START),
        ..Stage::new(2)
    };
    fresh.run(quota(&fresh, seed(), &Notify::new()), 60).await;
    let off = Stage {
        every: Duration::ZERO,
        ..Stage::new(2)
    };
    off.run(quota(&off, seed(), &Notify::new()), 7_200).await;
    let offline = Stage::new(2);
    *offline.offline.lock().unwrap() = true;
    offline
        .run(quota(&offline, seed(), &Notify::new()), 7_200)
        .await;
    offline.run(checks(&offline, &Notify::new()), 7_200).await;
    for stage in [fresh, off, offline] {
        assert!(stage.seconds().is_empty(), "{:?}", stage.seconds());
    }
}

#[tokio::test(start_paused = true)]
async fn f68_a_battery_saver_stops_rounds_and_its_end_brings_them_at_once() {
    let stage = Stage::new(3);
    let knock = Notify::new();
    let switching = async {
        // In the middle of the first round.
        sleep(Duration::from_secs(15)).await;
        *stage.saving.lock().unwrap() = true;
        sleep(Duration::from_secs(3_600)).await;
        *stage.saving.lock().unwrap() = false;
        knock.notify_one();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = quota(&stage, seed(), &knock) => {}
        () = switching => {}
        () = sleep(Duration::from_secs(3_700)) => {}
    }
    assert_eq!(stage.seconds(), [10, 13, 3_615, 3_618, 3_621]);
    let idle = Stage::new(3);
    *idle.saving.lock().unwrap() = true;
    idle.run(checks(&idle, &Notify::new()), 7_200).await;
    assert_eq!(idle.seconds(), [0_u64; 0]);
}

#[tokio::test(start_paused = true)]
async fn f122_a_sleep_acts_once_whoever_tells_it_first() {
    const HOUR: i64 = 3_600_000;
    /// Second at which the clock leaps, at which the system speaks, and what is told.
    type Case = (u64, u64, &'static [(u64, i64)]);
    let cases: [Case; 4] = [
        // The system is first: no half minute is waited for.
        (40, 41, &[(41, HOUR)]),
        // The clocks are first.
        (59, 62, &[(60, HOUR)]),
        // A sleep too short to see.
        (1_000, 41, &[(41, 0)]),
        // Another sleep.
        (59, 75, &[(60, HOUR), (75, 0)]),
    ];
    for (leaps, speaks, expected) in cases {
        let stage = Stage::new(1);
        let awake = Notify::new();
        let leaping = async {
            sleep(Duration::from_secs(leaps)).await;
            *stage.leap.lock().unwrap() = HOUR;
            std::future::pending::<()>().await;
        };
        let speaking = async {
            sleep(Duration::from_secs(speaks)).await;
            awake.notify_one();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = clocks(&stage, &awake) => {}
            () = leaping => {}
            () = speaking => {}
            () = sleep(Duration::from_secs(200)) => {}
        }
        assert_eq!(*stage.leaps.lock().unwrap(), expected, "{leaps} {speaks}");
    }
}

#[tokio::test(start_paused = true)]
async fn f122_a_knock_brings_one_round_at_once() {
    let stage = Stage::new(1);
    let knock = Notify::new();
    let knocking = async {
        sleep(Duration::from_secs(100)).await;
        knock.notify_one();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = quota(&stage, seed(), &knock) => {}
        () = knocking => {}
        () = sleep(Duration::from_secs(700)) => {}
    }
    assert_eq!(stage.seconds(), [10, 100]);
}

#[tokio::test(start_paused = true)]
async fn f60_failures_in_a_row_are_counted_and_come_ever_later() {
    let stage = Stage {
        health: Health::Unknown,
        every: Duration::from_secs(300),
        answer: (Duration::from_millis(1), Told::Invalid),
        ..Stage::new(1)
    };
    stage.run(checks(&stage, &Notify::new()), 5_000).await;
    // Rounds come every five minutes; a failed account is due after 2, 4, 8, 16 minutes.
    assert_eq!(stage.seconds(), [10, 310, 610, 1_210, 2_410, 3_610, 4_810]);
    assert_eq!(*stage.failures.lock().unwrap(), [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn f60_twenty_checks_in_a_round_five_at_a_time() {
    let stage = Stage {
        health: Health::Unknown,
        every: Duration::from_secs(300),
        key: true,
        answer: (Duration::from_secs(2), Told::Fine),
        ..Stage::new(50)
    };
    stage.run(checks(&stage, &Notify::new()), 400).await;
    assert_eq!(stage.seconds().len(), 40);
    assert_eq!(stage.under_way.lock().unwrap().1, 5);
}

#[tokio::test(start_paused = true)]
async fn f66_while_offline_one_account_is_tried_every_fifteen_seconds() {
    let stage = Stage::new(1);
    let knock = Notify::new();
    *stage.offline.lock().unwrap() = true;
    knock.notify_one();
    stage.run(probes(&stage, &knock), 300).await;
    assert_eq!(stage.seconds(), [15, 30, 45]);
}

#[tokio::test(start_paused = true)]
async fn f64_accounts_are_asked_when_their_limit_should_be_over() {
    let stage = Stage::new(0);
    let knock = Notify::new();
    let at = Duration::from_secs;
    *stage.due.lock().unwrap() = vec![(at(100), "a"), (at(300), "b")];
    let limit = async {
        sleep(at(150)).await;
        stage.due.lock().unwrap().push((at(150), "c"));
        knock.notify_one();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = recoveries(&stage, &knock) => {}
        () = limit => {}
        () = sleep(at(1_000)) => {}
    }
    let asked = stage.asked.lock().unwrap().clone();
    let told: Vec<String> = asked
        .iter()
        .map(|(s, name)| format!("{name} {s}"))
        .collect();
    assert_eq!(told, ["a 100", "c 150", "b 300"]);
}
