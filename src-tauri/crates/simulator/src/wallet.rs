//! What is left of a relay key: the balance pages of the providers that have one, all telling the same wallet in their own shapes
//! (appendix C of the features). Called by `serve` before the relays and the sign-in server.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use crate::{
    answer::{self, Venue},
    quota::QuotaWindow,
    serve::{Call, Reply, document, whole},
    step::Endpoint,
    world::{Who, World},
};

/// Money and plan of one key. Amounts are decimal texts, as providers write them.
#[derive(Debug, Clone, PartialEq)]
pub struct Wallet {
    /// `CNY`, `USD`.
    pub currency: String,
    /// What is left.
    pub total: String,
    /// Of it, what was given.
    pub granted: String,
    /// Of it, what was paid for.
    pub topped_up: String,
    /// Whether the key may read account-wide credits (OpenRouter's management keys).
    pub management: bool,
    /// Windows of a coding plan: five hours and a week.
    pub plan: Option<(QuotaWindow, QuotaWindow)>,
    /// A code that the plan page answers with, inside an HTTP 200.
    pub error: Option<i64>,
}

impl Wallet {
    /// This much left, all of it paid for.
    #[must_use]
    pub fn holding(currency: &str, total: &str) -> Self {
        Self {
            currency: currency.to_owned(),
            total: total.to_owned(),
            granted: "0.00".to_owned(),
            topped_up: total.to_owned(),
            management: false,
            plan: None,
            error: None,
        }
    }
}

impl Default for Wallet {
    fn default() -> Self {
        Self::holding("USD", "10.00")
    }
}

/// Whether a path is one of the balance pages.
pub(crate) fn knows(path: &str) -> bool {
    page(path).is_some()
}

type Page = fn(&Wallet, i64) -> Result<String, (u16, Value)>;

fn page(path: &str) -> Option<Page> {
    Some(match path {
        "/v1/user/info" => siliconflow,
        "/user/balance" => deepseek,
        "/v1/users/me/balance" => moonshot,
        "/api/v1/credits" => openrouter_credits,
        "/api/v1/key" => openrouter_key,
        "/api/monitor/usage/quota/limit" => zai,
        "/v1/dashboard/billing/subscription" => subscription,
        "/v1/dashboard/billing/usage" => usage,
        _ => return None,
    })
}

pub(crate) async fn respond(world: &Arc<World>, call: Call) -> Reply {
    let bearer = call.bearer().unwrap_or_default();
    let found = world.with(|state| {
        let index = state.keys.iter().position(|key| key.setup.key == bearer)?;
        state.keys.get(index).map(|key| (index, key.wallet.clone()))
    });
    let (Some((index, wallet)), Some(page)) = (found, page(&call.path)) else {
        return Ok(answer::unauthorized(Venue::Chat, "invalid_api_key"));
    };
    if call.method != Method::GET {
        return Ok(document(405, &json!({"error": "GET only"})));
    }
    let (step, now) = (
        world.take_step(Who::Key(index), Endpoint::Balance),
        world.now(),
    );
    if let Some(reply) = answer::early(&step, Venue::Chat, "", now).await {
        return reply;
    }
    Ok(match page(&wallet, now) {
        Ok(body) => whole(200, "application/json", body),
        Err((status, body)) => document(status, &body),
    })
}

fn siliconflow(wallet: &Wallet, _: i64) -> Result<String, (u16, Value)> {
    let data = json!({"id": "user", "status": "normal", "balance": wallet.granted, "chargeBalance": wallet.topped_up, "totalBalance": wallet.total});
    Ok(json!({"code": 20000, "message": "OK", "status": true, "data": data}).to_string())
}

fn deepseek(wallet: &Wallet, _: i64) -> Result<String, (u16, Value)> {
    let told = json!({"currency": wallet.currency, "total_balance": wallet.total, "granted_balance": wallet.granted, "topped_up_balance": wallet.topped_up});
    Ok(json!({"is_available": true, "balance_infos": [told]}).to_string())
}

/// Numbers here, and so not through a float.
fn moonshot(wallet: &Wallet, _: i64) -> Result<String, (u16, Value)> {
    Ok(format!(
        r#"{{"code":0,"data":{{"available_balance":{},"voucher_balance":{},"cash_balance":{}}},"scode":"0x0","status":true}}"#,
        wallet.total, wallet.granted, wallet.topped_up
    ))
}

fn openrouter_credits(wallet: &Wallet, _: i64) -> Result<String, (u16, Value)> {
    if !wallet.management {
        let refusal = json!({"error": {"code": 403, "message": "Only management keys can fetch credits for an account"}});
        return Err((403, refusal));
    }
    Ok(format!(
        r#"{{"data":{{"total_credits":{},"total_usage":0}}}}"#,
        wallet.total
    ))
}

fn openrouter_key(wallet: &Wallet, _: i64) -> Result<String, (u16, Value)> {
    Ok(format!(
        r#"{{"data":{{"label":"key","limit":{total},"usage":0,"limit_remaining":{total},"is_free_tier":false}}}}"#,
        total = wallet.total
    ))
}

fn zai(wallet: &Wallet, now: i64) -> Result<String, (u16, Value)> {
    if let Some(code) = wallet.error {
        return Ok(json!({"code": code, "msg": "refused by the script", "success": false, "nextResetTime": (now + 3_600) * 1_000}).to_string());
    }
    let limit = |window: &QuotaWindow, unit: i64, number: i64| {
        let reset = if window.reset_at > 0 {
            window.reset_at
        } else {
            now + window.length_s
        };
        json!({"type": "TOKENS_LIMIT", "unit": unit, "number": number, "percentage": window.used_percent, "nextResetTime": reset * 1_000})
    };
    let mut limits = vec![
        json!({"type": "TIME_LIMIT", "unit": 5, "number": 1, "usage": 100, "currentValue": 10, "remaining": 90, "percentage": 10}),
    ];
    if let Some((five_hours, week)) = &wallet.plan {
        limits.push(limit(five_hours, 3, 5));
        limits.push(limit(week, 6, 1));
    }
    Ok(json!({"code": 200, "msg": "ok", "success": true, "data": {"level": "pro", "limits": limits}}).to_string())
}

fn subscription(wallet: &Wallet, _: i64) -> Result<String, (u16, Value)> {
    Ok(format!(
        r#"{{"object":"billing_subscription","has_payment_method":true,"soft_limit_usd":{total},"hard_limit_usd":{total},"access_until":0}}"#,
        total = wallet.total
    ))
}

/// Nothing was spent: what the subscription tells is what is left.
fn usage(_: &Wallet, _: i64) -> Result<String, (u16, Value)> {
    Ok(r#"{"object":"list","total_usage":0.0}"#.to_owned())
}
