//! Balances, usage limits and the slots they count from.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use store::{AccountRow, BalanceRow, Store, StoreError, UsageLimitRow, UsageSlotRow};

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    for id in ["a", "b"] {
        store
            .insert_account(&AccountRow::new(id, "relay", id))
            .unwrap();
    }
    store
}

#[test]
fn f112_a_balance_goes_with_its_account() {
    let store = store();
    let row = BalanceRow {
        adapter: Some("deepseek".into()),
        threshold: Some("0.50".into()),
        amounts: r#"[{"currency":"CNY","total":"1.20"}]"#.into(),
        checked_at: Some(7),
        tried_at: Some(8),
        error: Some("no answer".into()),
        unavailable: true,
        ..BalanceRow::new("a")
    };
    assert!(store.save_balance(&row).unwrap());
    assert!(!store.save_balance(&BalanceRow::new("gone")).unwrap());
    assert_eq!(store.balances().unwrap(), [row]);
    store.delete_account("a").unwrap();
    assert_eq!(store.balances().unwrap(), []);
}

#[test]
fn f72_limits_are_replaced_as_a_whole() {
    let store = store();
    let limit = |model: &str, requests| UsageLimitRow {
        account_id: "a".into(),
        model: model.into(),
        period_days: 1,
        since: 5,
        requests: Some(requests),
        cost_nanos: Some(1),
        ..UsageLimitRow::default()
    };
    let both = [limit("", 2_000), limit("big*", 500)];
    store.set_usage_limits("a", &both).unwrap();
    assert_eq!(store.usage_limits().unwrap(), both);
    store.set_usage_limits("a", &both[..1]).unwrap();
    assert_eq!(store.usage_limits().unwrap(), both[..1]);
    let gone = store.set_usage_limits("gone", &both);
    assert!(matches!(gone, Err(StoreError::Conflict { .. })));
}

#[test]
fn f72_usage_is_summed_from_any_quarter_of_an_hour() {
    let store = store();
    let row = |slot, account: &str, model: &str, key: &str| UsageSlotRow {
        slot,
        account_id: account.into(),
        model: model.into(),
        client_key: key.into(),
        requests: 1,
        input_tokens: 10,
        output_tokens: 5,
        cost_nanos: 3,
        unknown_usage: 0,
        unpriced: 1,
    };
    store
        .add_usage_slots(&[
            row(1, "a", "m", "k"),
            row(2, "a", "m", "k"),
            row(2, "a", "n", "k"),
            row(2, "b", "m", "j"),
        ])
        .unwrap();
    store.add_usage_slots(&[row(2, "a", "m", "k")]).unwrap();
    let of = |account, key, span| {
        let rows = store.usage_of(account, key, span).unwrap();
        let told = rows
            .iter()
            .map(|row| format!("{}:{}:{}", row.model, row.requests, row.cost_nanos));
        told.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of(Some("a"), None, (0, 9)), "m:3:9 n:1:3");
    assert_eq!(of(Some("a"), None, (2, 9)), "m:2:6 n:1:3");
    assert_eq!(of(Some("a"), None, (0, 2)), "m:1:3");
    assert_eq!(of(None, Some("j"), (0, 9)), "m:1:3");
    assert_eq!(store.prune_usage_slots(2).unwrap(), 1);
    store.erase_accounts(&["a"]).unwrap();
    assert_eq!(of(Some("a"), None, (0, 9)), "");
    assert_eq!(of(None, None, (0, 9)), "m:1:3");
}
