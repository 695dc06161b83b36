//! What the person wishes of an account beside its record: usage limits (F72), and how its balance is asked and judged (F111). In a backup file
//! and back.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::balance::BalanceChange;
use crate::compose::Engine;
use crate::error::EngineError;
use crate::limits::UsageLimit;

impl Engine {
    /// Adds the wishes to the accounts of a file.
    pub(super) async fn write_wishes(&self, accounts: &mut [Value]) -> Result<(), EngineError> {
        let balances = self.stored(|store| store.balances()).await?;
        let mut balances: HashMap<String, _> = balances
            .into_iter()
            .map(|row| (row.account_id.clone(), row))
            .collect();
        for account in accounts {
            let Some(id) = account["id"].as_str().map(str::to_owned) else {
                continue;
            };
            let (limits, _) = self.limits_of(&id);
            account["limits"] = limits
                .iter()
                .map(|view| {
                    let limit = &view.limit;
                    json!({
                        "model": limit.model, "period_days": limit.period_days, "requests": limit.requests,
                        "prompt_tokens": limit.prompt_tokens, "completion_tokens": limit.completion_tokens,
                        "total_tokens": limit.total_tokens, "cost": limit.cost,
                    })
                })
                .collect();
            if let Some(row) = balances.remove(&id) {
                account["balance"] = json!({ "adapter": row.adapter, "threshold": row.threshold });
            }
        }
        Ok(())
    }

    /// Puts the wishes of an account of a file in force for the account `id`. One that has none in the file keeps what it has.
    pub(super) async fn restore_wishes(
        self: &Arc<Self>,
        id: &str,
        account: &Value,
    ) -> Result<(), EngineError> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let limits = account["limits"].as_array().into_iter().flatten();
        let limits: Vec<UsageLimit> = limits
            .map(|limit| UsageLimit {
                model: text(&limit["model"]),
                period_days: limit["period_days"]
                    .as_u64()
                    .and_then(|days| u32::try_from(days).ok()),
                requests: limit["requests"].as_i64(),
                prompt_tokens: limit["prompt_tokens"].as_i64(),
                completion_tokens: limit["completion_tokens"].as_i64(),
                total_tokens: limit["total_tokens"].as_i64(),
                cost: text(&limit["cost"]),
            })
            .collect();
        if !limits.is_empty() {
            self.set_usage_limits(id, limits).await?;
        }
        let balance = &account["balance"];
        if balance.is_object() {
            let change = BalanceChange {
                adapter: Some(text(&balance["adapter"])),
                threshold: Some(text(&balance["threshold"])),
            };
            self.change_balance(id, change).await?;
        }
        Ok(())
    }
}
