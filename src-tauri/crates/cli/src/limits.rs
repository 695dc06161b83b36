//! The commands `key`, `balance`, `limit` and `account add --many`: calls of the admin API, and their answers as tables.

use crate::args::{Add, BalanceCommand, KeyCommand, KeyRules, Limit, LimitCommand};
use crate::exit::Exit;
use http::Method;
use serde_json::{Map, Value, json};

use crate::commands::{escape, show, tell};
use crate::desk::Desk;
use crate::failure::Failure;
use crate::{input, print, table};

/// The word that lifts a rule.
const NONE: &str = "none";

pub(crate) async fn key(
    desk: &Desk,
    json: bool,
    command: Option<KeyCommand>,
) -> Result<(), Failure> {
    let only = |key: &str| {
        if json {
            print::line(&format!("{:#}", json!({ "key": key })))
        } else {
            print::line(key)
        }
    };
    let one = |name: &str| format!("/keys/{}", escape(name));
    match command {
        None => only(
            &desk
                .call(Method::GET, "/local/key/default", None)
                .await?
                .text(),
        ),
        Some(KeyCommand::Rotate) => only(
            &desk
                .call(Method::POST, "/local/key-rotation", None)
                .await?
                .text(),
        ),
        Some(KeyCommand::Add { name, rules }) => {
            let path = format!("/local/key/{}", escape(&name));
            let rules = Value::Object(patch(rules)?);
            only(&desk.call(Method::POST, &path, Some(rules)).await?.text());
        }
        Some(KeyCommand::Edit {
            name,
            enable,
            disable,
            no_budget,
            rules,
        }) => {
            let mut body = patch(rules)?;
            if enable || disable {
                body.insert("enabled".into(), enable.into());
            }
            if no_budget {
                body.insert("budget".into(), Value::Null);
            }
            if body.is_empty() {
                return Err(Failure::new(
                    Exit::Usage,
                    "name at least one thing to change",
                ));
            }
            let key = desk
                .call(Method::PATCH, &one(&name), Some(Value::Object(body)))
                .await?
                .json()?;
            tell(&json!([key]), json, keys);
        }
        Some(KeyCommand::Revoke { name }) => {
            desk.call(Method::DELETE, &one(&name), None).await?;
            if json {
                print::line(&format!("{:#}", json!({ "revoked": name })));
            }
        }
        Some(KeyCommand::Show) => show(desk, "/keys", json, keys).await?,
    }
    Ok(())
}

/// The rules that were named, as the admin API takes them.
fn patch(rules: KeyRules) -> Result<Map<String, Value>, Failure> {
    let wrong = |what: String| Failure::new(Exit::Usage, what);
    let mut body = Map::new();
    if let Some(text) = rules.expires {
        let at = match text.as_str() {
            NONE => Value::Null,
            text => engine::read_expiry(text)
                .map(|at| at.0.into())
                .ok_or_else(|| wrong(format!("{text} is no date such as 2026-12-31")))?,
        };
        body.insert("expires_at".into(), at);
    }
    if let Some(text) = rules.models {
        let models: Vec<&str> = text.split(',').map(str::trim).collect();
        let models = match text.as_str() {
            NONE => Value::Null,
            _ => json!(models),
        };
        body.insert("allowed_models".into(), models);
    }
    if let Some(text) = rules.max_concurrency {
        let most = match text.as_str() {
            NONE => Value::Null,
            text => text
                .parse::<u32>()
                .map(Value::from)
                .map_err(|_| wrong(format!("{text} is no number of requests")))?,
        };
        body.insert("max_concurrency".into(), most);
    }
    if rules.tokens.is_some() || rules.usd.is_some() {
        let budget =
            json!({"tokens": rules.tokens, "usd": rules.usd, "period_days": rules.period_days});
        body.insert("budget".into(), budget);
    } else if rules.period_days.is_some() {
        return Err(wrong("--period-days needs --tokens or --usd".to_owned()));
    }
    Ok(body)
}

fn keys(keys: &Value) -> String {
    let row = |key: &Value| {
        let state = match (key["enabled"].as_bool(), key["expired"].as_bool()) {
            (Some(false), _) => "off",
            (_, Some(true)) => "expired",
            _ if key["budget"]["used"]["reached"] == true => "spent",
            _ => "on",
        };
        let budget = &key["budget"];
        let part = |used: Value, cap: &Value, unit: &str| match cap.is_null() {
            true => None,
            false => Some(format!(
                "{} of {} {unit}",
                table::cell(&used),
                table::cell(cap)
            )),
        };
        let count = |name: &str| budget["used"][name].as_i64().unwrap_or(0);
        let tokens = count("prompt_tokens") + count("completion_tokens");
        let used = [
            part(tokens.into(), &budget["budget"]["tokens"], "tokens"),
            part(
                budget["used"]["cost"].clone(),
                &budget["budget"]["usd"],
                "USD",
            ),
        ];
        vec![
            table::cell(&key["name"]),
            table::cell(&key["masked"]),
            state.to_owned(),
            table::cell(&key["allowed_models"]),
            table::cell(&key["max_concurrency"]),
            used.into_iter().flatten().collect::<Vec<_>>().join(", "),
        ]
    };
    table::table(
        &["NAME", "KEY", "STATE", "MODELS", "AT ONCE", "BUDGET USED"],
        &rows(keys, row),
    )
}

fn rows(list: &Value, row: impl Fn(&Value) -> Vec<String>) -> Vec<Vec<String>> {
    list.as_array().into_iter().flatten().map(row).collect()
}

/// `account add --many`
pub(crate) async fn add_many(desk: &Desk, json: bool, add: Add) -> Result<(), Failure> {
    let keys = input::all()?;
    let body = json!({
        "kind": add.kind.map_or("", crate::args::Kind::as_str),
        "preset": add.preset,
        "auth": add.extras.auth.map(crate::args::Auth::as_str),
        "label": add.label,
        "base_url": add.base_url.unwrap_or_default(),
        "format": add.format.map_or("", crate::args::Format::as_str),
        "keys": keys,
        "models": add.models,
        "group": add.group,
        "priority": add.priority,
        "proxy": add.proxy,
    });
    let added = desk
        .call(Method::POST, "/accounts/many", Some(body))
        .await?
        .json()?;
    tell(&added, json, |added| {
        let mut text = table::accounts(&added["accounts"]);
        text.push_str(&format!("\n{} dropped as duplicates", added["duplicates"]));
        for failed in added["failed"].as_array().into_iter().flatten() {
            let message = table::cell(&failed["message"]);
            text.push_str(&format!("\nline {}: {message}", failed["line"]));
        }
        text
    });
    match added["failed"].as_array().map_or(0, Vec::len) {
        0 => Ok(()),
        n => Err(Failure::new(
            Exit::Failed,
            format!("{n} keys were not added"),
        )),
    }
}

pub(crate) async fn balance(
    desk: &Desk,
    json: bool,
    refresh: bool,
    command: Option<BalanceCommand>,
) -> Result<(), Failure> {
    let Some(BalanceCommand::Set {
        id,
        adapter,
        threshold,
    }) = command
    else {
        if refresh {
            desk.call(Method::POST, "/accounts/balance", None).await?;
        }
        return listed(
            desk,
            json,
            |account| !account["balance"].is_null(),
            balances,
        )
        .await;
    };
    let mut body = Map::new();
    let or_null = |text: String, word: &str| match text == word {
        true => Value::Null,
        false => Value::String(text),
    };
    if let Some(adapter) = adapter {
        body.insert("adapter".into(), or_null(adapter, "auto"));
    }
    if let Some(threshold) = threshold {
        body.insert("threshold".into(), or_null(threshold, "default"));
    }
    let path = format!("/accounts/{}/balance", escape(&id));
    let account = desk
        .call(Method::PATCH, &path, Some(Value::Object(body)))
        .await?
        .json()?;
    tell(&json!([account]), json, balances);
    Ok(())
}

/// The accounts that pass, as a list.
async fn listed(
    desk: &Desk,
    json: bool,
    which: fn(&Value) -> bool,
    people: fn(&Value) -> String,
) -> Result<(), Failure> {
    let mut accounts = desk.call(Method::GET, "/accounts", None).await?.json()?;
    if let Some(list) = accounts.as_array_mut() {
        list.retain(which);
    }
    tell(&accounts, json, people);
    Ok(())
}

fn balances(accounts: &Value) -> String {
    let row = |account: &Value| {
        let balance = &account["balance"];
        vec![
            table::cell(&account["id"]),
            table::cell(&account["label"]),
            table::cell(&balance["adapter"]),
            table::money(balance),
            table::cell(&balance["threshold"]),
            if balance["low"] == true { "low" } else { "" }.to_owned(),
            table::cell(&balance["error"]),
        ]
    };
    table::table(
        &[
            "ID",
            "LABEL",
            "ASKED AS",
            "BALANCE",
            "THRESHOLD",
            "",
            "ERROR",
        ],
        &rows(accounts, row),
    )
}

pub(crate) async fn limit(desk: &Desk, json: bool, command: LimitCommand) -> Result<(), Failure> {
    let (id, model, new) = match command {
        LimitCommand::List => {
            let some = |account: &Value| account["limits"] != json!([]);
            return listed(desk, json, some, limits).await;
        }
        LimitCommand::Clear { id, model } => (id, model, None),
        LimitCommand::Set(limit) => {
            let Limit {
                id,
                model,
                period_days,
                requests,
                prompt_tokens,
                completion_tokens,
                total_tokens,
                cost,
            } = limit;
            let new = json!({
                "model": model, "period_days": period_days, "requests": requests, "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens, "total_tokens": total_tokens, "cost": cost,
            });
            (id, model, Some(new))
        }
    };
    let path = format!("/accounts/{}", escape(&id));
    let account = desk.call(Method::GET, &path, None).await?.json()?;
    let kept = account["limits"].as_array().into_iter().flatten();
    let kept = kept.map(|state| state["limit"].clone());
    let kept = kept.filter(|limit| match (&new, &model) {
        // Without a model, `clear` lifts all.
        (None, None) => false,
        _ => limit["model"].as_str() != model.as_deref(),
    });
    let all: Vec<Value> = kept.chain(new.clone()).collect();
    let account = desk
        .call(
            Method::PUT,
            &format!("{path}/limits"),
            Some(json!({ "limits": all })),
        )
        .await?
        .json()?;
    tell(&json!([account]), json, limits);
    Ok(())
}

/// One line for each limit.
fn limits(accounts: &Value) -> String {
    let mut lines = Vec::new();
    for account in accounts.as_array().into_iter().flatten() {
        for state in account["limits"].as_array().into_iter().flatten() {
            let (limit, used) = (&state["limit"], &state["used"]);
            let count = |name: &str| used[name].as_i64().unwrap_or(0);
            let total = Value::from(count("prompt_tokens") + count("completion_tokens"));
            let parts = [
                ("requests", &used["requests"], "requests"),
                ("prompt_tokens", &used["prompt_tokens"], "tokens in"),
                (
                    "completion_tokens",
                    &used["completion_tokens"],
                    "tokens out",
                ),
                ("total_tokens", &total, "tokens"),
                ("cost", &used["cost"], "USD"),
            ];
            let parts = parts.iter().filter(|(name, _, _)| !limit[name].is_null());
            let parts = parts.map(|(name, used, unit)| {
                format!(
                    "{} of {} {unit}",
                    table::cell(used),
                    table::cell(&limit[name])
                )
            });
            lines.push(vec![
                table::cell(&account["label"]),
                table::cell(&limit["model"]),
                table::cell(&limit["period_days"]),
                parts.collect::<Vec<_>>().join(", "),
                if used["reached"] == true {
                    "reached"
                } else {
                    ""
                }
                .to_owned(),
            ]);
        }
    }
    table::table(&["ACCOUNT", "MODEL", "DAYS", "USED", ""], &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f27_rules_become_a_patch_and_none_lifts() {
        let rules = |models: Option<&str>, most: Option<&str>, tokens, days| KeyRules {
            models: models.map(str::to_owned),
            max_concurrency: most.map(str::to_owned),
            tokens,
            period_days: days,
            ..KeyRules::default()
        };
        let cases = [
            (rules(None, None, None, None), json!({})),
            (
                rules(Some("a, b*"), Some("3"), None, None),
                json!({"allowed_models": ["a", "b*"], "max_concurrency": 3}),
            ),
            (
                rules(Some("none"), Some("none"), None, None),
                json!({"allowed_models": null, "max_concurrency": null}),
            ),
            (
                rules(None, None, Some(5), Some(7)),
                json!({"budget": {"tokens": 5, "usd": null, "period_days": 7}}),
            ),
        ];
        for (rules, expected) in cases {
            assert_eq!(Value::Object(patch(rules).unwrap()), expected);
        }
        assert!(patch(rules(None, Some("many"), None, None)).is_err());
        assert!(patch(rules(None, None, None, Some(7))).is_err());
    }

    #[test]
    fn f72_a_limit_is_a_line() {
        let accounts = json!([{"label": "work", "limits": [{"limit": {"model": null, "period_days": 1, "requests": 9, "cost": "2.00"},
            "used": {"requests": 9, "cost": "0.10", "reached": true}}]}]);
        let text = limits(&accounts);
        assert!(
            text.ends_with("9 of 9 requests, 0.10 of 2.00 USD  reached"),
            "{text}"
        );
    }
}
