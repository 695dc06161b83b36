//! Balances and plan windows against the simulated providers (F110, F111): who is asked, with what, and what comes of it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use pool::{Format, Outcome, Timestamp};
use simulator::{Endpoint, QuotaWindow, RelayKey, Scripted, Setup, Simulator, Step, Wallet};
use support::{chatgpt, relay_spec, upstream};
use upstream::{BalanceAdapter, Config, QueryError, Target, TargetSpec, Upstream};

struct Stage {
    simulator: Simulator,
    key: RelayKey,
    upstream: Upstream,
    target: Target,
}

impl Stage {
    async fn set(format: Format) -> Self {
        let simulator = Simulator::start(Setup::default()).await.unwrap();
        let key = simulator.add_relay_key("sk-relay");
        let spec = TargetSpec {
            format,
            ..relay_spec(&simulator.relay_base_url())
        };
        Self {
            key,
            upstream: upstream(Config::default()),
            target: Target::new(spec).unwrap(),
            simulator,
        }
    }

    async fn total(&self, adapter: &BalanceAdapter) -> Result<String, QueryError> {
        let told = self.upstream.query_balance(&self.target, adapter).await?;
        let amounts = told.amounts.iter();
        let amounts: Vec<String> = amounts
            .map(|a| format!("{} {}", a.currency, a.total))
            .collect();
        Ok(amounts.join("; "))
    }
}

#[tokio::test]
async fn f111_every_provider_tells_the_same_wallet() {
    let stage = Stage::set(Format::OpenAi).await;
    stage
        .key
        .set_wallet(Wallet::holding("CNY", "12.345678901234567"));
    let cases = [
        (BalanceAdapter::SiliconFlow, "CNY", "/v1/user/info"),
        (BalanceAdapter::DeepSeek, "CNY", "/user/balance"),
        (BalanceAdapter::Moonshot, "USD", "/v1/users/me/balance"),
        // The key is no management key: its own limit is asked next.
        (BalanceAdapter::OpenRouter, "USD", "/api/v1/key"),
        (
            BalanceAdapter::OpenAiBilling,
            "USD",
            "/v1/dashboard/billing/usage",
        ),
    ];
    for (adapter, currency, path) in cases {
        let told = stage.total(&adapter).await.unwrap();
        assert_eq!(
            told,
            format!("{currency} 12.345678901234567"),
            "{adapter:?}"
        );
        let seen = stage.simulator.requests().pop().unwrap();
        assert_eq!((seen.path.as_str(), seen.method.as_str()), (path, "GET"));
        assert_eq!(
            seen.account.as_deref(),
            Some("relay"),
            "with the account's key"
        );
    }
    let billing = stage.simulator.requests().pop().unwrap();
    assert_eq!(billing.query, "start_date=2026-06-07&end_date=2026-09-15");
    stage.key.set_wallet(Wallet {
        management: true,
        ..Wallet::holding("USD", "3.5")
    });
    assert_eq!(
        stage.total(&BalanceAdapter::OpenRouter).await.unwrap(),
        "USD 3.50"
    );
}

#[tokio::test]
async fn f110_the_plan_page_brings_windows_and_says_no_in_a_200() {
    // Keys of the Anthropic route are sent in another header; this page takes a bearer token all the same.
    let stage = Stage::set(Format::Anthropic).await;
    let reset = |at| QuotaWindow {
        reset_at: at,
        ..QuotaWindow::new(37.0, 18_000)
    };
    stage.key.set_wallet(Wallet {
        plan: Some((reset(1_789_350_000), QuotaWindow::new(5.0, 604_800))),
        ..Wallet::default()
    });
    let ask = || {
        stage
            .upstream
            .query_balance(&stage.target, &BalanceAdapter::Zai)
    };
    let quota = ask().await.unwrap().quota.unwrap();
    assert_eq!(quota.plan.as_deref(), Some("pro"));
    assert_eq!(quota.primary.unwrap().used_percent, 37.0);
    assert_eq!(
        quota.primary.unwrap().resets_at,
        Some(Timestamp(1_789_350_000_000))
    );
    assert_eq!(quota.buckets[0].name, "mcp");
    for (code, expected) in [
        (1113, "payment_required"),
        (1310, "usage_limit"),
        (1001, "unauthorized"),
    ] {
        stage.key.set_wallet(Wallet {
            error: Some(code),
            ..Wallet::default()
        });
        let error = ask().await.unwrap_err();
        assert_eq!(error.outcome().unwrap().code(), expected, "{code}");
        assert!(!error.to_string().contains("sk-relay"), "F30");
    }
}

#[tokio::test]
async fn f111_refusals_and_failures_are_named() {
    let stage = Stage::set(Format::OpenAi).await;
    stage.key.script_at(
        Endpoint::Balance,
        [
            Step::Status {
                code: 503,
                body: "{}".into(),
                content_type: "application/json".into(),
            },
            Step::ResetBeforeHeaders,
        ],
    );
    let outcome = async || {
        let error = stage.total(&BalanceAdapter::DeepSeek).await.unwrap_err();
        error.outcome()
    };
    // F65: a 503 is a passing thing, also right after the key was changed.
    assert_eq!(outcome().await, Some(Outcome::ServerError { status: 503 }));
    assert_eq!(outcome().await, Some(Outcome::Network));
    let stranger = Target::new(relay_spec(
        &Stage::set(Format::OpenAi).await.simulator.base_url(),
    ))
    .unwrap();
    let refused = stage
        .upstream
        .query_balance(&stranger, &BalanceAdapter::DeepSeek)
        .await;
    assert!(refused.is_err(), "the server is gone");
    let asked = stage
        .upstream
        .query_balance(&chatgpt(), &BalanceAdapter::DeepSeek)
        .await;
    assert!(matches!(asked, Err(QueryError::NotApplicable(_))), "F102");
}

/// A rule of the person's own: asked at the account's own host with its key; nothing at all is sent where the key must not go.
#[tokio::test]
async fn f111_a_rule_is_asked_like_an_adapter_and_the_key_stays_at_home() {
    let stage = Stage::set(Format::Anthropic).await;
    stage
        .key
        .set_wallet(Wallet::holding("CNY", "12.345678901234567"));
    let rule = |text: &str| BalanceAdapter::named(text).unwrap();
    let own = rule(
        "/user/balance#total=/balance_infos/0/total_balance&used=/balance_infos/0/granted_balance&currency=CNY",
    );
    assert_eq!(stage.total(&own).await.unwrap(), "CNY 12.345678901234567");
    let seen = stage.simulator.requests().pop().unwrap();
    assert_eq!(
        (seen.path.as_str(), seen.account.as_deref()),
        ("/user/balance", Some("relay"))
    );

    // The same machine on another port is another place.
    let other = Simulator::start(Setup::default()).await.unwrap();
    let place = format!("{}/user/balance", other.relay_base_url());
    for more in ["", "&send_key=yes"] {
        let told = stage.total(&rule(&format!("{place}#total=/a{more}"))).await;
        assert!(matches!(told, Err(QueryError::NotApplicable(_))), "{more}");
    }
    assert!(other.requests().is_empty(), "nothing was sent there");
}
