//! What grows with use, through the public calls: quota samples, journal, usage.

use store::{
    AccountRow, AttemptRow, EARLIER, JournalFilter, JournalRow, QuotaSampleRow, SAMPLE_INTERVAL_MS,
    Store, UsageRow,
};

fn sample(window: &str, captured_at: i64, used: f64) -> QuotaSampleRow {
    QuotaSampleRow {
        account_id: "a".into(),
        window: window.into(),
        captured_at,
        used_percent: Some(used),
        resets_at: Some(99),
        source: "header".into(),
    }
}

/// F69: one sample per change or five minutes; F67: older never after newer; F74: pruned by age.
#[test]
fn quota_samples_are_thinned() {
    let store = Store::in_memory().unwrap();
    store
        .insert_account(&AccountRow::new("a", "codex_oauth", "a"))
        .unwrap();
    let later = 1000 + SAMPLE_INTERVAL_MS;
    let rows: [(QuotaSampleRow, bool); 10] = [
        (sample("primary", 1000, 10.0), true),
        (sample("primary", 2000, 10.0), false),
        (sample("secondary", 2000, 10.0), true),
        (sample("primary", 3000, 10.5), true),
        (sample("primary", 2500, 50.0), false),
        (sample("primary", 3000, 60.0), false),
        (
            QuotaSampleRow {
                resets_at: None,
                ..sample("primary", 4000, 10.5)
            },
            true,
        ),
        (
            QuotaSampleRow {
                used_percent: None,
                ..sample("primary", 5000, 0.0)
            },
            true,
        ),
        (sample("secondary", later + 999, 10.0), false),
        (sample("secondary", later + 1000, 10.0), true),
    ];
    for (row, stored) in &rows {
        assert_eq!(
            store.add_quota_samples(std::slice::from_ref(row)).unwrap(),
            usize::from(*stored),
            "{row:?}"
        );
    }
    let ghost = QuotaSampleRow {
        account_id: "ghost".into(),
        ..sample("primary", 1, 1.0)
    };
    assert_eq!(store.add_quota_samples(&[ghost]).unwrap(), 0);

    let all = store.quota_samples("a", 0, i64::MAX).unwrap();
    let mut expected: Vec<_> = rows
        .iter()
        .filter(|(_, stored)| *stored)
        .map(|(row, _)| row.clone())
        .collect();
    expected.sort_by(|a, b| (&a.window, a.captured_at).cmp(&(&b.window, b.captured_at)));
    assert_eq!(all, expected);
    assert_eq!(store.quota_samples("a", 1000, 3000).unwrap().len(), 2);
    assert_eq!(store.prune_quota_samples(3000).unwrap(), 2);
    assert_eq!(store.prune_quota_samples(i64::MAX).unwrap(), 4);
}

fn request(number: i64) -> JournalRow {
    JournalRow {
        seq: 0,
        request_id: format!("req_{number}"),
        started_at: number,
        client_key: Some(if number % 2 == 0 { "default" } else { "ci" }.into()),
        dialect: "openai".into(),
        endpoint: "/v1/chat/completions".into(),
        model_asked: Some("gpt-5".into()),
        model_served: Some(format!("gpt-5-{number}")),
        account_id: Some("b".into()),
        account_label: Some("second".into()),
        status: Some(200),
        outcome: "success".into(),
        stream: true,
        ttft_ms: Some(120),
        duration_ms: 900,
        input_tokens: Some(10),
        output_tokens: None,
        cached_tokens: Some(0),
        reasoning_tokens: None,
        error_code: None,
        losses: vec!["dropped: logit_bias".into()],
        attempts: vec![
            AttemptRow {
                n: 1,
                account_id: Some("a".into()),
                account_label: Some("first".into()),
                outcome: "usage_limit".into(),
                http_status: Some(429),
                duration_ms: 50,
                reason: Some("usage limit reached".into()),
            },
            AttemptRow {
                n: 2,
                account_id: Some("b".into()),
                outcome: "success".into(),
                http_status: Some(200),
                ..AttemptRow::default()
            },
        ],
    }
}

fn numbers(rows: &[JournalRow]) -> Vec<i64> {
    rows.iter().map(|row| row.started_at).collect()
}

/// F74 and the journal of issue 2: both attempts and the reason are there; filters; pages; pruning by count and age.
#[test]
fn the_journal_keeps_requests_with_their_attempts() {
    let store = Store::in_memory().unwrap();
    let rows: Vec<JournalRow> = (1..=10).map(request).collect();
    store.add_requests(&rows[..4]).unwrap();
    store.add_requests(&rows[4..]).unwrap();
    let odd = JournalRow {
        request_id: "odd".into(),
        started_at: 11,
        dialect: "responses".into(),
        outcome: "no_account".into(),
        ..JournalRow::default()
    };
    store.add_requests(std::slice::from_ref(&odd)).unwrap();

    let all = store
        .recent_requests(100, &JournalFilter::default())
        .unwrap();
    assert_eq!(numbers(&all), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(
        JournalRow {
            seq: 0,
            ..all[0].clone()
        },
        odd
    );
    assert_eq!(
        JournalRow {
            seq: 0,
            ..all[1].clone()
        },
        rows[9]
    );

    let none = JournalFilter::default();
    for (n, filter, expected) in [
        (2, none.clone(), vec![11, 10]),
        (
            2,
            JournalFilter {
                before_seq: Some(all[1].seq),
                ..none.clone()
            },
            vec![9, 8],
        ),
        (
            9,
            JournalFilter {
                since: Some(9),
                ..none.clone()
            },
            vec![11, 10, 9],
        ),
        (
            9,
            JournalFilter {
                outcome: Some("no_account"),
                ..none.clone()
            },
            vec![11],
        ),
        (
            9,
            JournalFilter {
                client_key: Some("ci"),
                ..none.clone()
            },
            vec![9, 7, 5, 3, 1],
        ),
        (
            9,
            JournalFilter {
                model: Some("5-1"),
                ..none.clone()
            },
            vec![10, 1],
        ),
        (
            9,
            JournalFilter {
                request_id: Some("req_3"),
                ..none.clone()
            },
            vec![3],
        ),
        (
            3,
            JournalFilter {
                account_id: Some("a"),
                ..none.clone()
            },
            vec![10, 9, 8],
        ),
        (
            3,
            JournalFilter {
                account_id: Some("c"),
                ..none.clone()
            },
            vec![],
        ),
    ] {
        assert_eq!(
            numbers(&store.recent_requests(n, &filter).unwrap()),
            expected,
            "{filter:?}"
        );
    }

    assert_eq!(store.prune_requests(100, 3).unwrap(), 2);
    assert_eq!(store.prune_requests(5, 0).unwrap(), 4);
    assert_eq!(
        numbers(&store.recent_requests(100, &none).unwrap()),
        [11, 10, 9, 8, 7]
    );
    // What was removed is not numbered again, so pages stay pages.
    assert_eq!(store.prune_requests(0, 0).unwrap(), 5);
    store.add_requests(&rows[..1]).unwrap();
    assert!(store.recent_requests(1, &none).unwrap()[0].seq > all[0].seq);
}

fn usage(day: i64, model: &str, requests: i64) -> UsageRow {
    UsageRow {
        day,
        account_id: "a".into(),
        model: model.into(),
        route: "/v1/responses".into(),
        client_key: "default".into(),
        requests,
        input_tokens: requests * 10,
        unknown_usage: 1,
        ..UsageRow::default()
    }
}

/// F70: sums add up and lifetime totals outlive the days (F74).
#[test]
fn usage_adds_up_and_lifetime_is_kept() {
    let store = Store::in_memory().unwrap();
    store
        .add_usage(&[
            usage(100, "m", 1),
            usage(100, "m", 2),
            usage(101, "m", 4),
            usage(101, "n", 8),
        ])
        .unwrap();
    store.add_usage(&[usage(100, "m", 16)]).unwrap();
    assert_eq!(
        store.usage(100, 101).unwrap(),
        [
            UsageRow {
                unknown_usage: 3,
                ..usage(100, "m", 19)
            },
            usage(101, "m", 4),
            usage(101, "n", 8)
        ]
    );
    let total = |store: &Store| {
        store
            .usage(EARLIER, i64::MAX)
            .unwrap()
            .iter()
            .map(|row| row.requests)
            .sum::<i64>()
    };
    assert_eq!(total(&store), 31);
    assert_eq!(store.fold_usage(101).unwrap(), 1);
    assert_eq!(store.fold_usage(102).unwrap(), 2);
    assert_eq!(store.fold_usage(102).unwrap(), 0);
    assert_eq!(total(&store), 31);
    let earlier = store.usage(EARLIER, EARLIER).unwrap();
    assert_eq!(
        earlier,
        [
            UsageRow {
                unknown_usage: 4,
                ..usage(EARLIER, "m", 23)
            },
            usage(EARLIER, "n", 8)
        ]
    );
    store.clear_usage().unwrap();
    assert_eq!(total(&store), 0);
}

/// Several threads take turns; nothing is lost.
#[test]
fn threads_share_one_store() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), 0).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..25 {
                    store.add_requests(&[request(thread * 100 + n)]).unwrap();
                    store.add_usage(&[usage(1, "m", 1)]).unwrap();
                }
            });
        }
    });
    assert_eq!(
        store
            .recent_requests(1000, &JournalFilter::default())
            .unwrap()
            .len(),
        100
    );
    assert_eq!(store.usage(1, 1).unwrap()[0].requests, 100);
}
