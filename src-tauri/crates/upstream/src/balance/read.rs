//! The readers of balance answers, one for each provider: bytes in, amounts out (appendix C). Pure.
//!
//! Errors that come with HTTP 200 are errors here, in the provider's words.

use pool::Outcome;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Amount, BalanceReading, Decimal};
use crate::QueryError;

type Answer = Result<BalanceReading, QueryError>;

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, QueryError> {
    serde_json::from_slice(body).map_err(|_| QueryError::Unreadable)
}

/// A refusal inside an HTTP 200.
pub(super) fn said_no(outcome: Outcome, message: Option<String>) -> QueryError {
    let message = message.filter(|message| !message.is_empty());
    QueryError::Refused {
        outcome,
        status: 200,
        message: message
            .unwrap_or_else(|| "no reason given".to_owned())
            .chars()
            .take(200)
            .collect(),
    }
}

fn one(
    currency: &str,
    total: Decimal,
    granted: Option<Decimal>,
    topped_up: Option<Decimal>,
) -> Answer {
    Ok(BalanceReading {
        amounts: vec![Amount {
            currency: currency.to_owned(),
            total,
            granted,
            topped_up,
        }],
        ..BalanceReading::default()
    })
}

/// `{"code":20000,"status":true,"data":{"balance","chargeBalance","totalBalance"}}`
pub(super) fn siliconflow(body: &[u8], currency: &str) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        balance: Option<Decimal>,
        charge_balance: Option<Decimal>,
        total_balance: Option<Decimal>,
    }
    #[derive(Deserialize)]
    struct Body {
        status: Option<bool>,
        message: Option<String>,
        data: Option<Told>,
    }
    let body: Body = json(body)?;
    let Some(told) = body.data.filter(|_| body.status != Some(false)) else {
        return Err(said_no(Outcome::ServerError { status: 502 }, body.message));
    };
    let total = told.total_balance.or_else(|| {
        let both = told.balance.zip(told.charge_balance);
        both.map(|(given, paid)| given.plus(paid))
    });
    let total = total.ok_or(QueryError::Unreadable)?;
    one(currency, total, told.balance, told.charge_balance)
}

/// `{"is_available":true,"balance_infos":[{"currency","total_balance","granted_balance","topped_up_balance"}]}`
pub(super) fn deepseek(body: &[u8]) -> Answer {
    #[derive(Deserialize)]
    struct Told {
        currency: String,
        total_balance: Decimal,
        granted_balance: Option<Decimal>,
        topped_up_balance: Option<Decimal>,
    }
    #[derive(Deserialize)]
    struct Body {
        is_available: Option<bool>,
        balance_infos: Vec<Told>,
    }
    let body: Body = json(body)?;
    let amount = |told: Told| Amount {
        currency: told.currency,
        total: told.total_balance,
        granted: told.granted_balance,
        topped_up: told.topped_up_balance,
    };
    Ok(BalanceReading {
        amounts: body.balance_infos.into_iter().map(amount).collect(),
        unavailable: body.is_available == Some(false),
        quota: None,
    })
}

/// `{"code":0,"data":{"available_balance","voucher_balance","cash_balance"}}`
pub(super) fn moonshot(body: &[u8], currency: &str) -> Answer {
    #[derive(Deserialize)]
    struct Told {
        available_balance: Decimal,
        voucher_balance: Option<Decimal>,
        cash_balance: Option<Decimal>,
    }
    #[derive(Deserialize)]
    struct Body {
        code: Option<i64>,
        message: Option<String>,
        data: Option<Told>,
    }
    let body: Body = json(body)?;
    let Some(told) = body.data.filter(|_| body.code.unwrap_or(0) == 0) else {
        return Err(said_no(Outcome::ServerError { status: 502 }, body.message));
    };
    one(
        currency,
        told.available_balance,
        told.voucher_balance,
        told.cash_balance,
    )
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

/// `{"data":{"total_credits","total_usage"}}`
pub(super) fn openrouter_credits(body: &[u8]) -> Answer {
    #[derive(Deserialize)]
    struct Told {
        total_credits: Decimal,
        total_usage: Decimal,
    }
    let told: Told = json::<Data<Told>>(body)?.data;
    one(
        "USD",
        told.total_credits.minus(told.total_usage),
        None,
        None,
    )
}

/// `{"data":{"limit","usage","limit_remaining","is_free_tier"}}`; without a limit, money does not limit this key.
pub(super) fn openrouter_key(body: &[u8]) -> Answer {
    #[derive(Deserialize)]
    struct Told {
        limit: Option<Decimal>,
        usage: Option<Decimal>,
        limit_remaining: Option<Decimal>,
    }
    let told: Told = json::<Data<Told>>(body)?.data;
    let left = told.limit_remaining.or_else(|| {
        let both = told.limit.zip(told.usage);
        both.map(|(limit, used)| limit.minus(used))
    });
    match left {
        Some(left) => one("USD", left, None, None),
        None => Ok(BalanceReading::default()),
    }
}

/// `hard_limit_usd` (or `soft_limit_usd`) less `total_usage`, which is in cents.
pub(super) fn openai_billing(limit: &[u8], spent: &[u8]) -> Answer {
    #[derive(Deserialize)]
    struct Limit {
        hard_limit_usd: Option<Decimal>,
        soft_limit_usd: Option<Decimal>,
    }
    #[derive(Deserialize)]
    struct Spent {
        total_usage: Decimal,
    }
    let limit: Limit = json(limit)?;
    let spent: Spent = json(spent)?;
    let limit = limit
        .hard_limit_usd
        .or(limit.soft_limit_usd)
        .ok_or(QueryError::Unreadable)?;
    one(
        "USD",
        limit.minus(spent.total_usage.times(1, 100)),
        None,
        None,
    )
}
