//! The schema as a list to read: whoever adds a column says here that it holds no secret.

use std::collections::BTreeMap;

use super::*;
use crate::Store;

/// House invariant 3: every column of the database, looked at. None may hold a token, a key, a password, a prompt or an answer.
#[test]
fn no_column_is_there_that_was_not_looked_at() {
    let looked_at = BTreeMap::from([
        ("meta", "key value"),
        (
            "accounts",
            "id kind label enabled position priority account_group format base_url allowed_models known_models known_models_at \
             extra_headers proxy plan email provider_account_id provider_user_id expires_at refreshable excluded slots options notes source \
             added_at exported_at export_count reserve_percent",
        ),
        (
            "account_state",
            "account_id status reason status_at cooldown_until cooldown_source exhausted_until exhausted_source quota last_used_at \
             last_success_at consecutive_failures requests successes failures cancelled",
        ),
        (
            "quota_samples",
            "account_id quota_window captured_at used_percent resets_at source",
        ),
        (
            "requests",
            "seq request_id started_at client_key dialect endpoint model_asked model_served account_id account_label status outcome stream \
             ttft_ms duration_ms input_tokens output_tokens cached_tokens reasoning_tokens error_code losses",
        ),
        (
            "attempts",
            "request_seq n account_id account_label outcome http_status duration_ms reason",
        ),
        (
            "switches",
            "seq at from_id from_label to_id to_label reason automatic avoided back_at",
        ),
        (
            "balances",
            "account_id adapter threshold amounts unavailable checked_at tried_at error",
        ),
        (
            "usage_limits",
            "account_id model period_days since requests prompt_tokens completion_tokens total_tokens cost_nanos",
        ),
        (
            "usage_slots",
            "slot account_id model client_key requests input_tokens output_tokens cost_nanos unknown_usage unpriced",
        ),
        (
            "usage_daily",
            "day account_id model route client_key requests successes failures cancelled input_tokens output_tokens cached_tokens \
             reasoning_tokens images unknown_usage",
        ),
    ]);
    let store = Store::in_memory().unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    store
        .read(|connection| {
            let mut statement = connection.prepare(
                "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                found.entry(row.get(0)?).or_default().push(row.get(1)?);
            }
            Ok(())
        })
        .unwrap();
    let expected: BTreeMap<String, Vec<String>> = looked_at
        .iter()
        .map(|(table, columns)| {
            (
                (*table).to_owned(),
                columns.split_whitespace().map(str::to_owned).collect(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_version_is_the_number_of_steps() {
    assert_eq!(MIGRATIONS.len(), SCHEMA_VERSION as usize);
}
