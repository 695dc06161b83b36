//! Usage limits of accounts and models (F72), budgets and rules of gateway keys (F27), counted over real requests.

use engine::{Budget, KeyChange, Timestamp, UsageLimit};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::balances::relay;
use crate::stage::{Answer, Stage, open, send_as};

const CALM: (&str, &str) = ("balance.poll", "false");

async fn ask(stage: &Stage, model: &str) -> Answer {
    let key = stage.engine.key("default").unwrap();
    ask_as(stage, key.expose_secret(), model).await
}

async fn ask_as(stage: &Stage, key: &str, model: &str) -> Answer {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "say:hello"}]});
    send_as(
        &stage.engine,
        key,
        "POST",
        "/v1/chat/completions",
        &body.to_string(),
    )
    .await
}

fn served(answer: &Answer) -> &str {
    answer.header("x-switchyard-account").unwrap_or("-")
}

fn requests(model: Option<&str>, most: i64) -> UsageLimit {
    UsageLimit {
        model: model.map(str::to_owned),
        period_days: Some(1),
        requests: Some(most),
        ..UsageLimit::default()
    }
}

#[tokio::test]
async fn f72_a_limit_acts_with_the_request_that_reaches_it_and_raising_it_revives() {
    let stage = Stage::set([], &[CALM]).await;
    relay(&stage, "first").await;
    relay(&stage, "second").await;
    let engine = &stage.engine;
    engine
        .set_usage_limits("first", vec![requests(None, 2)])
        .await
        .unwrap();
    for expected in ["first", "first", "second", "second"] {
        assert_eq!(served(&ask(&stage, "m").await), expected);
    }
    let view = engine.account("first").unwrap();
    let used = &view.limits[0].used;
    assert_eq!((used.requests, used.reached, used.unpriced), (2, true, 2));
    assert!(
        used.prompt_tokens > 0 && used.unknown_usage == 0,
        "{used:?}"
    );
    assert_eq!(view.usable_again_at, Some(used.until));
    assert_eq!(
        view.reason.as_deref(),
        Some("the usage limit set for it is reached")
    );
    let line = engine.explain("m").pop().unwrap();
    assert_eq!(line.code, Some("own_limit"));

    engine
        .set_usage_limits("first", vec![requests(None, 3)])
        .await
        .unwrap();
    assert_eq!(served(&ask(&stage, "m").await), "first", "revived at once");
    assert_eq!(
        served(&ask(&stage, "m").await),
        "second",
        "what was used still counts"
    );
    engine.set_usage_limits("first", Vec::new()).await.unwrap();
    assert_eq!(served(&ask(&stage, "m").await), "first");
    stage.end().await;
}

#[tokio::test]
async fn f72_models_have_limits_of_their_own_and_all_survive_a_restart() {
    let stage = Stage::set([], &[CALM]).await;
    relay(&stage, "first").await;
    relay(&stage, "second").await;
    let limits = vec![requests(Some("big*"), 1), requests(None, 3)];
    stage
        .engine
        .set_usage_limits("first", limits)
        .await
        .unwrap();
    for (model, expected) in [("big-1", "first"), ("big-2", "second"), ("small", "first")] {
        assert_eq!(served(&ask(&stage, model).await), expected, "{model}");
    }
    stage.engine.shutdown(std::time::Duration::ZERO).await;
    let Stage {
        folder,
        simulator,
        engine,
        events,
        accounts,
    } = stage;
    drop(engine);
    let engine = open(
        folder.path(),
        &[("server.port", "0"), CALM],
        Some(&simulator),
    )
    .await;
    engine.listen().await.unwrap();
    let stage = Stage {
        folder,
        simulator,
        engine,
        events,
        accounts,
    };
    for (model, expected) in [("big-1", "second"), ("small", "first"), ("small", "second")] {
        assert_eq!(served(&ask(&stage, model).await), expected, "{model}");
    }
    stage.end().await;
}

#[tokio::test]
async fn f63_a_score_knows_the_nearest_limit_of_the_whole_account() {
    let stage = Stage::set([], &[CALM]).await;
    relay(&stage, "first").await;
    let engine = &stage.engine;
    assert_eq!(engine.account("first").unwrap().score, 100);
    let limits = vec![
        UsageLimit {
            total_tokens: Some(1_000_000),
            ..requests(None, 4)
        },
        // Of one model only: it is no measure of the account.
        requests(Some("m"), 1),
    ];
    engine.set_usage_limits("first", limits).await.unwrap();
    for (model, expected) in [("m", 75), ("n", 50), ("n", 25), ("n", 0)] {
        assert_eq!(served(&ask(&stage, model).await), "first");
        assert_eq!(engine.account("first").unwrap().score, expected, "{model}");
    }
    stage.end().await;
}

#[tokio::test]
async fn f72_a_limit_that_says_nothing_or_nonsense_is_refused() {
    let stage = Stage::set([], &[CALM]).await;
    relay(&stage, "first").await;
    let limit = UsageLimit::default();
    let bad = [
        vec![limit.clone()],
        vec![UsageLimit {
            requests: Some(0),
            ..limit.clone()
        }],
        vec![UsageLimit {
            cost: Some("x".into()),
            ..limit.clone()
        }],
        vec![UsageLimit {
            cost: Some("0".into()),
            ..limit.clone()
        }],
        vec![UsageLimit {
            period_days: Some(0),
            requests: Some(1),
            ..limit.clone()
        }],
        vec![requests(Some("m"), 1), requests(Some("m"), 2)],
    ];
    for limits in bad {
        let refused = stage.engine.set_usage_limits("first", limits.clone()).await;
        assert!(refused.is_err(), "{limits:?}");
    }
    assert!(stage.engine.account("first").unwrap().limits.is_empty());
    stage.end().await;
}

#[tokio::test]
async fn f27_a_budget_in_tokens_or_money_ends_a_key_and_only_that_key() {
    let stage = Stage::set([], &[CALM, ("usage.prices", "m=1000000/0/1000000")]).await;
    relay(&stage, "first").await;
    let engine = &stage.engine;
    let budget = |tokens: Option<i64>, usd: Option<&str>| KeyChange {
        budget: Some(Some(Budget {
            period_days: Some(1),
            tokens,
            usd: usd.map(str::to_owned),
        })),
        ..KeyChange::default()
    };
    let by_tokens = engine
        .add_key_with("tokens", budget(Some(1), None))
        .await
        .unwrap();
    let by_money = engine
        .add_key_with("money", budget(None, Some("0.01")))
        .await
        .unwrap();
    for key in [&by_tokens, &by_money] {
        assert_eq!(ask_as(&stage, key.expose_secret(), "m").await.status, 200);
        let spent = ask_as(&stage, key.expose_secret(), "m").await;
        assert_eq!(spent.status, 429, "{spent:?}");
        assert!(
            spent.body.contains("key_budget_exceeded") && spent.header("retry-after").is_some()
        );
    }
    assert_eq!(ask(&stage, "m").await.status, 200, "another key goes on");
    let keys = engine.keys();
    let money = keys.iter().find(|key| key.name == "money").unwrap();
    let used = &money.budget.as_ref().unwrap().used;
    assert!(used.reached && used.requests == 1, "{used:?}");
    assert!(
        used.cost.ends_with(".00") && used.cost != "0.00",
        "a million for a million: {used:?}"
    );

    engine
        .change_key("tokens", budget(Some(1_000_000), None))
        .await
        .unwrap();
    assert_eq!(
        ask_as(&stage, by_tokens.expose_secret(), "m").await.status,
        200,
        "raised"
    );
    // A model without a price costs nothing that is known: a budget of money cannot end there.
    engine
        .change_key("money", budget(None, Some("1000000000")))
        .await
        .unwrap();
    assert_eq!(
        ask_as(&stage, by_money.expose_secret(), "priceless")
            .await
            .status,
        200
    );
    let keys = engine.keys();
    let money = keys.iter().find(|key| key.name == "money").unwrap();
    assert_eq!(money.budget.as_ref().unwrap().used.unpriced, 1);
    stage.end().await;
}

#[tokio::test]
async fn f27_rules_are_set_changed_lifted_and_kept() {
    let stage = Stage::set([], &[CALM]).await;
    relay(&stage, "first").await;
    let engine = &stage.engine;
    let rules = KeyChange {
        expires_at: Some(Some(Timestamp(i64::MAX))),
        allowed_models: Some(Some(vec!["small*".into()])),
        max_concurrency: Some(Some(2)),
        ..KeyChange::default()
    };
    let key = engine.add_key_with("child", rules).await.unwrap();
    let key = key.expose_secret();
    let status = async |model: &str| ask_as(&stage, key, model).await.status;
    assert_eq!((status("small").await, status("big").await), (200, 403));
    let change = |change: KeyChange| engine.change_key("child", change);
    change(KeyChange {
        enabled: Some(false),
        ..KeyChange::default()
    })
    .await
    .unwrap();
    assert_eq!(status("small").await, 401);
    let past = KeyChange {
        enabled: Some(true),
        expires_at: Some(Some(Timestamp(5))),
        ..KeyChange::default()
    };
    let view = change(past).await.unwrap();
    assert!(
        view.expired && view.enabled && view.max_concurrency == Some(2),
        "{view:?}"
    );
    assert_eq!(status("small").await, 401);
    let free = KeyChange {
        expires_at: Some(None),
        allowed_models: Some(None),
        max_concurrency: Some(None),
        ..KeyChange::default()
    };
    change(free).await.unwrap();
    assert_eq!(status("big").await, 200);
    let bad = [
        KeyChange {
            max_concurrency: Some(Some(0)),
            ..KeyChange::default()
        },
        KeyChange {
            allowed_models: Some(Some(Vec::new())),
            ..KeyChange::default()
        },
        KeyChange {
            budget: Some(Some(Budget::default())),
            ..KeyChange::default()
        },
    ];
    for wrong in bad {
        assert!(change(wrong.clone()).await.is_err(), "{wrong:?}");
    }
    assert!(
        engine
            .change_key("nobody", KeyChange::default())
            .await
            .is_err()
    );
    let only = KeyChange {
        max_concurrency: Some(Some(7)),
        ..KeyChange::default()
    };
    engine.change_key("default", only).await.unwrap();
    engine.rotate_key().await.unwrap();
    assert_eq!(
        engine.keys()[0].max_concurrency,
        Some(7),
        "a new secret, the same rules"
    );
    stage.end().await;
}
