//! Accounts, their state and single values, through the public calls.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: its helpers fail by panicking"
)]

use store::{AccountRow, AccountStateRow, Store, StoreError};

fn full_account(id: &str) -> AccountRow {
    AccountRow {
        id: id.into(),
        kind: "relay".into(),
        label: "Büro 🎈".into(),
        enabled: false,
        position: 7,
        priority: 3,
        group: Some("g".into()),
        format: Some("responses".into()),
        base_url: Some("https://relay.example.com/v1".into()),
        allowed_models: Some(vec!["gpt-*".into(), "o\"3".into()]),
        known_models: Some(vec![]),
        known_models_at: Some(11),
        extra_headers: vec![("x-team".into(), "blue".into())],
        proxy: Some("socks5://proxy.example.com:1080".into()),
        plan: Some("plus".into()),
        email: Some("a@example.com".into()),
        provider_account_id: Some("acct".into()),
        provider_user_id: Some("user".into()),
        expires_at: Some(i64::MAX),
        refreshable: true,
        excluded: true,
        slots: Some(2),
        options: Some("{\"region\":\"eu\"}".into()),
        notes: Some("line\nline".into()),
        source: "import".into(),
        added_at: -1,
        exported_at: Some(5),
        export_count: 2,
        reserve_percent: Some(20),
    }
}

fn ids(store: &Store) -> Vec<String> {
    store
        .accounts()
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect()
}

/// F1: every field comes back as it went in, filled or not.
#[test]
fn accounts_round_trip_and_are_replaced_whole() {
    let store = Store::in_memory().unwrap();
    let (full, bare) = (
        full_account("full"),
        AccountRow::new("bare", "codex_oauth", "b"),
    );
    store.insert_account(&full).unwrap();
    store.insert_account(&bare).unwrap();
    assert_eq!(store.account("full").unwrap().as_ref(), Some(&full));
    assert_eq!(store.account("bare").unwrap().as_ref(), Some(&bare));
    assert_eq!(store.account("none").unwrap(), None);

    assert!(matches!(
        store.insert_account(&full),
        Err(StoreError::Conflict { .. })
    ));
    let changed = AccountRow {
        label: "new".into(),
        allowed_models: None,
        ..full.clone()
    };
    assert!(store.update_account(&changed).unwrap());
    assert_eq!(store.account("full").unwrap(), Some(changed));
    assert!(
        !store
            .update_account(&AccountRow::new("ghost", "relay", "g"))
            .unwrap()
    );
    assert_eq!(store.account("ghost").unwrap(), None);

    // A failed insertion in a batch leaves nothing of the batch; here none can fail, so both kinds of saving are seen.
    store
        .save_accounts(&[
            AccountRow {
                notes: Some("n".into()),
                ..bare.clone()
            },
            AccountRow::new("c", "zai", "c"),
        ])
        .unwrap();
    assert_eq!(
        store.account("bare").unwrap().unwrap().notes.as_deref(),
        Some("n")
    );
    assert_eq!(ids(&store).len(), 3);

    assert!(store.delete_account("c").unwrap());
    assert!(!store.delete_account("c").unwrap());
    assert_eq!(ids(&store).len(), 2);
}

#[test]
fn the_persons_order_is_kept() {
    let store = Store::in_memory().unwrap();
    let rows: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .zip(0..)
        .map(|(id, position)| AccountRow {
            position,
            ..AccountRow::new(id, "relay", id)
        })
        .collect();
    store.save_accounts(&rows).unwrap();
    store.reorder_accounts(&["d", "b"]).unwrap();
    assert_eq!(ids(&store), ["d", "b", "a", "c"]);
    for wrong in [&["a", "ghost"][..], &["a", "a"]] {
        assert!(matches!(
            store.reorder_accounts(wrong),
            Err(StoreError::Conflict { .. })
        ));
        assert_eq!(ids(&store), ["d", "b", "a", "c"], "nothing changes");
    }
    store.reorder_accounts(&[]).unwrap();
    let positions: Vec<u32> = store
        .accounts()
        .unwrap()
        .iter()
        .map(|row| row.position)
        .collect();
    assert_eq!(positions, [0, 1, 2, 3]);
}

#[test]
fn states_round_trip_in_batches_and_go_with_their_account() {
    let store = Store::in_memory().unwrap();
    store
        .save_accounts(&[
            AccountRow::new("a", "relay", "a"),
            AccountRow::new("b", "relay", "b"),
        ])
        .unwrap();
    let full = AccountStateRow {
        account_id: "a".into(),
        status: "active".into(),
        reason: Some("usage_limit".into()),
        status_at: Some(1),
        cooldown_until: Some(2),
        cooldown_source: Some("network".into()),
        exhausted_until: Some(3),
        exhausted_source: Some("429".into()),
        quota: Some("{\"primary\":{}}".into()),
        last_used_at: Some(4),
        last_success_at: Some(5),
        consecutive_failures: 6,
        requests: 7,
        successes: 8,
        failures: 9,
        cancelled: 10,
    };
    let bare = AccountStateRow {
        account_id: "b".into(),
        status: "unknown".into(),
        ..AccountStateRow::default()
    };
    let ghost = AccountStateRow {
        account_id: "removed meanwhile".into(),
        ..full.clone()
    };
    assert_eq!(
        store
            .save_account_states(&[full.clone(), ghost, bare.clone()])
            .unwrap(),
        2
    );
    assert_eq!(store.account_states().unwrap(), [full.clone(), bare]);

    let cleared = AccountStateRow {
        cooldown_until: None,
        requests: 70,
        ..full
    };
    store
        .save_account_states(std::slice::from_ref(&cleared))
        .unwrap();
    assert_eq!(store.account_state("a").unwrap(), Some(cleared));

    store.delete_account("a").unwrap();
    assert_eq!(store.account_state("a").unwrap(), None);
}

#[test]
fn single_values_are_set_and_removed() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.meta("active_account").unwrap(), None);
    store.set_meta("active_account", Some("a")).unwrap();
    store.set_meta("active_account", Some("b")).unwrap();
    assert_eq!(store.meta("active_account").unwrap().as_deref(), Some("b"));
    store.set_meta("active_account", None).unwrap();
    store.set_meta("active_account", None).unwrap();
    assert_eq!(store.meta("active_account").unwrap(), None);
}
