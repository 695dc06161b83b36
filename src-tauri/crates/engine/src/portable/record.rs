//! An account's record in a backup file: what the person set, and who the account is. Not what was learnt of it since, which is learnt again.

use serde_json::{Value, json};
use store::AccountRow;

/// The record without secrets.
pub(super) fn write(row: &AccountRow) -> Value {
    json!({
        "id": row.id, "kind": row.kind, "label": row.label, "enabled": row.enabled, "position": row.position,
        "priority": row.priority, "group": row.group, "format": row.format, "base_url": row.base_url,
        "allowed_models": row.allowed_models, "extra_headers": row.extra_headers, "proxy": row.proxy, "plan": row.plan,
        "email": row.email, "provider_account_id": row.provider_account_id, "provider_user_id": row.provider_user_id,
        "excluded": row.excluded, "slots": row.slots, "options": row.options, "notes": row.notes, "source": row.source,
        "added_at": row.added_at, "reserve_percent": row.reserve_percent,
    })
}

/// The record again; `None` where it has no id, label or known kind. A field that is missing has its default (F1).
pub(super) fn read(value: &Value) -> Option<AccountRow> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let number = |name: &str| {
        value[name]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    };
    let id = text("id")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let known = value["kind"].as_str()?.parse::<pool::AccountKind>().is_ok();
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) || !known {
        return None;
    }
    let new = AccountRow::new(&id, value["kind"].as_str()?, value["label"].as_str()?);
    Some(AccountRow {
        enabled: value["enabled"].as_bool().unwrap_or(new.enabled),
        position: number("position").unwrap_or(new.position),
        priority: number("priority").unwrap_or(new.priority),
        group: text("group"),
        format: text("format"),
        base_url: text("base_url"),
        allowed_models: serde_json::from_value(value["allowed_models"].clone()).ok()?,
        extra_headers: match &value["extra_headers"] {
            Value::Null => Vec::new(),
            headers => serde_json::from_value(headers.clone()).ok()?,
        },
        proxy: text("proxy"),
        plan: text("plan"),
        email: text("email"),
        provider_account_id: text("provider_account_id"),
        provider_user_id: text("provider_user_id"),
        excluded: value["excluded"].as_bool().unwrap_or(false),
        slots: number("slots"),
        options: text("options"),
        notes: text("notes"),
        // A simulated one would be swept away at the next start.
        source: text("source")
            .filter(|source| source != crate::demo::SOURCE)
            .unwrap_or_else(|| "backup".to_owned()),
        added_at: value["added_at"].as_i64().unwrap_or(0),
        reserve_percent: number("reserve_percent"),
        ..new
    })
}

/// Whether the record of a file is of an account that is here (F2).
pub(super) fn is_same(here: &AccountRow, file: &AccountRow) -> bool {
    if here.id == file.id {
        return true;
    }
    let known = here.provider_account_id.is_some() && here.provider_user_id.is_some();
    let same_person = here.provider_account_id == file.provider_account_id
        && here.provider_user_id == file.provider_user_id;
    // Keys cannot be compared without them; place and name are what a person tells key accounts by.
    let same_place =
        here.base_url.is_some() && here.base_url == file.base_url && here.label == file.label;
    here.kind == file.kind && ((known && same_person) || same_place)
}

/// What the file does not know stays as it is here.
pub(super) fn keep_learnt(row: &mut AccountRow, here: &AccountRow) {
    row.known_models.clone_from(&here.known_models);
    row.known_models_at = here.known_models_at;
    row.expires_at = here.expires_at;
    row.refreshable = here.refreshable;
    row.exported_at = here.exported_at;
    row.export_count = here.export_count;
    row.plan = here.plan.clone().or(row.plan.take());
}
