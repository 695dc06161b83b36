//! Every provider's answer, and its errors in an HTTP 200.

use pool::Outcome;

use super::*;

fn told(reading: Result<BalanceReading, QueryError>) -> String {
    match reading {
        Ok(reading) => {
            let amount = |amount: &Amount| {
                let part = |part: Option<Decimal>| part.map_or("-".to_owned(), |n| n.to_string());
                format!(
                    "{} {} {} {}",
                    amount.currency,
                    amount.total,
                    part(amount.granted),
                    part(amount.topped_up)
                )
            };
            let mut amounts: Vec<String> = reading.amounts.iter().map(amount).collect();
            if reading.unavailable {
                amounts.push("unavailable".to_owned());
            }
            amounts.join("; ")
        }
        Err(QueryError::Refused {
            outcome, message, ..
        }) => format!("{}: {message}", outcome.code()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn f111_each_answer_gives_exact_amounts_with_their_currency() {
    let cases: [(&str, Result<BalanceReading, QueryError>, &str); 13] = [
        (
            "siliconflow",
            read::siliconflow(
                br#"{"code":20000,"message":"OK","status":true,"data":{"balance":"0.88","chargeBalance":"88.00","totalBalance":"88.88"}}"#,
                "CNY",
            ),
            "CNY 88.88 0.88 88.00",
        ),
        (
            "a total that is not told is the sum",
            read::siliconflow(br#"{"status":true,"data":{"balance":"0.1","chargeBalance":"0.2"}}"#, "USD"),
            "USD 0.30 0.10 0.20",
        ),
        (
            "siliconflow refuses",
            read::siliconflow(br#"{"status":false,"message":"invalid","data":null}"#, "CNY"),
            "server_error: invalid",
        ),
        (
            "deepseek",
            read::deepseek(
                br#"{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00","granted_balance":"10.00","topped_up_balance":"100.00"},{"currency":"USD","total_balance":"0.01","granted_balance":"0.00","topped_up_balance":"0.01"}]}"#,
            ),
            "CNY 110.00 10.00 100.00; USD 0.01 0.00 0.01",
        ),
        (
            "deepseek closed",
            read::deepseek(br#"{"is_available":false,"balance_infos":[]}"#),
            "unavailable",
        ),
        (
            "moonshot",
            read::moonshot(
                br#"{"code":0,"data":{"available_balance":49.58894,"voucher_balance":46.58893,"cash_balance":3.00001},"scode":"0x0","status":true}"#,
                "USD",
            ),
            "USD 49.58894 46.58893 3.00001",
        ),
        (
            "moonshot refuses",
            read::moonshot(br#"{"code":5,"message":"no"}"#, "USD"),
            "server_error: no",
        ),
        (
            "openrouter",
            read::openrouter_credits(br#"{"data":{"total_credits":100.5,"total_usage":25.75}}"#),
            "USD 74.75 - -",
        ),
        (
            "openrouter, one key",
            read::openrouter_key(br#"{"data":{"label":"k","limit":10,"usage":2.5,"limit_remaining":7.5,"is_free_tier":false}}"#),
            "USD 7.50 - -",
        ),
        (
            "openrouter, no limit",
            read::openrouter_key(br#"{"data":{"limit":null,"usage":2.5,"limit_remaining":null}}"#),
            "",
        ),
        (
            "billing in cents",
            read::openai_billing(br#"{"hard_limit_usd":20.0,"soft_limit_usd":1}"#, br#"{"total_usage":1234.5}"#),
            "USD 7.655 - -",
        ),
        (
            "billing without a hard limit",
            read::openai_billing(br#"{"soft_limit_usd":"5"}"#, br#"{"total_usage":0}"#),
            "USD 5.00 - -",
        ),
        (
            "no money at all",
            read::deepseek(b"<html>"),
            "the provider's answer could not be read",
        ),
    ];
    for (what, reading, expected) in cases {
        assert_eq!(told(reading), expected, "{what}");
    }
}

#[test]
fn f110_windows_are_told_apart_by_unit() {
    let body = br#"{"code":200,"msg":"ok","success":true,"data":{"level":"pro","limits":[
        {"type":"TIME_LIMIT","unit":5,"number":1,"usage":1000,"currentValue":250,"remaining":750,"percentage":25,"nextResetTime":1800000000000},
        {"type":"TOKENS_LIMIT","unit":3,"number":5,"percentage":42,"nextResetTime":1790000000000},
        {"type":"TOKENS_LIMIT","unit":6,"number":1,"usage":200,"currentValue":30},
        {"type":"NEW_LIMIT","unit":9,"percentage":1},
        {"type":"TOKENS_LIMIT","unit":3}]}}"#;
    let quota = zai::read(body, Timestamp(7)).unwrap().quota.unwrap();
    assert_eq!(quota.plan.as_deref(), Some("pro"));
    let (five, week) = (quota.primary.unwrap(), quota.secondary.unwrap());
    assert_eq!(
        (five.used_percent, five.length, five.resets_at),
        (
            42.0,
            Some(Duration::from_secs(5 * 3_600)),
            Some(Timestamp(1_790_000_000_000))
        )
    );
    assert_eq!(
        (week.used_percent, week.length),
        (15.0, Some(Duration::from_secs(7 * 86_400)))
    );
    let names: Vec<&str> = quota.buckets.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names, ["mcp", "new_limit"]);
    assert_eq!(quota.buckets[0].primary.unwrap().used_percent, 25.0);
}

#[test]
fn f110_an_error_in_a_200_is_an_error() {
    let reset = Outcome::UsageLimit {
        resets_at: Some(Timestamp(1_790_000_000_000)),
    };
    let cases: [(&str, Outcome); 7] = [
        (
            r#"{"code":1113,"msg":"no balance","success":false}"#,
            Outcome::PaymentRequired,
        ),
        (
            r#"{"error":{"code":"1113","message":"no balance"}}"#,
            Outcome::PaymentRequired,
        ),
        (
            r#"{"code":1310,"msg":"used up","data":{"nextResetTime":1790000000000}}"#,
            reset,
        ),
        (
            r#"{"error":{"code":"1310","message":"used up","nextResetTime":1790000000000}}"#,
            reset,
        ),
        (
            r#"{"code":401,"msg":"token expired or incorrect","success":false}"#,
            Outcome::Unauthorized,
        ),
        (r#"{"code":"1001","msg":"header"}"#, Outcome::Unauthorized),
        (r#"{"success":false}"#, Outcome::ServerError { status: 502 }),
    ];
    for (body, expected) in cases {
        let Err(error) = zai::read(body.as_bytes(), Timestamp(0)) else {
            panic!("{body} was read");
        };
        assert_eq!(error.outcome(), Some(expected), "{body}");
        if expected == Outcome::Unauthorized {
            assert!(error.to_string().contains("region"), "F110: {error}");
        }
    }
    assert!(matches!(
        zai::read(b"{}", Timestamp(0)),
        Err(QueryError::Unreadable)
    ));
}

#[test]
fn f111_the_host_says_which_adapter_applies() {
    let cases = [
        (
            "https://api.siliconflow.cn/v1",
            Some(BalanceAdapter::SiliconFlow),
        ),
        (
            "https://API.SiliconFlow.com",
            Some(BalanceAdapter::SiliconFlow),
        ),
        (
            "https://api.deepseek.com/v1",
            Some(BalanceAdapter::DeepSeek),
        ),
        ("https://api.moonshot.cn/v1", Some(BalanceAdapter::Moonshot)),
        (
            "https://openrouter.ai/api/v1",
            Some(BalanceAdapter::OpenRouter),
        ),
        (
            "https://api.z.ai/api/coding/paas/v4",
            Some(BalanceAdapter::Zai),
        ),
        (
            "https://open.bigmodel.cn/api/anthropic",
            Some(BalanceAdapter::Zai),
        ),
        ("https://relay.example.com/v1", None),
        ("https://notdeepseek.com", None),
        ("https://deepseek.com.example.com", None),
        ("nonsense", None),
    ];
    for (base, expected) in cases {
        assert_eq!(BalanceAdapter::of_base_url(base), expected, "{base}");
    }
    for adapter in BalanceAdapter::ALL {
        assert_eq!(BalanceAdapter::named(adapter.as_str()), Some(adapter));
    }
}

#[test]
fn dates_are_those_of_the_calendar() {
    let cases = [
        (0, 0, "1970-01-01"),
        (1_789_344_000, 0, "2026-09-14"),
        (1_789_344_000, -99, "2026-06-07"),
        (1_709_164_799, 0, "2024-02-28"),
        (1_709_164_799, 1, "2024-02-29"),
        (1_709_164_799, 2, "2024-03-01"),
        (1_735_689_599, 0, "2024-12-31"),
    ];
    for (secs, days, expected) in cases {
        assert_eq!(
            date(Timestamp::from_secs(secs), days),
            expected,
            "{secs} {days}"
        );
    }
}
