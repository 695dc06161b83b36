//! Who waits for a busy account, in which order and for how long; the cap; accounts asked for by name (F38, F114, F115).

use std::sync::Arc;
use std::time::Duration;

use gateway::Config;
use pool::{AccountId, Format, Outcome};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::Hand;
use crate::stage::{Reply, Stage};

const ANSWER: &str = r#"{"id":"r","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;

/// An upstream played by hand.
struct Upstream(TcpListener);

/// A request that it holds.
struct Held {
    stream: TcpStream,
    user: String,
}

impl Upstream {
    async fn at(stage: &mut Stage, name: &str, slots: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        stage.relay_at(name, Format::OpenAi, &base);
        stage.pool.with(|pool| {
            let mut account = pool.account(&AccountId::from(name)).unwrap().clone();
            account.slots = Some(slots);
            pool.upsert(account);
        });
        Self(listener)
    }

    /// The next request, whole.
    async fn asked(&self) -> Held {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let mut seen = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap();
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                if body.len() >= length {
                    let body: Value = serde_json::from_str(body).unwrap();
                    let user = body["messages"][0]["content"].as_str().unwrap().to_owned();
                    return Held { stream, user };
                }
            }
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0, "the request broke off");
            seen.extend_from_slice(&piece[..read]);
        }
    }
}

impl Held {
    async fn answer(mut self) {
        self.say("200 OK", ANSWER).await;
    }

    async fn say(&mut self, status: &str, body: &str) {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(head.as_bytes()).await.unwrap();
    }
}

fn body(user: &str, model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": user}]})
}

fn ask(stage: &Arc<Stage>, user: &str) -> tokio::task::JoinHandle<Reply> {
    let (stage, body) = (stage.clone(), body(user, "m"));
    tokio::spawn(async move { stage.post("/v1/chat/completions", &body).await })
}

/// Gives way until `count` requests wait.
async fn until_waiting(stage: &Stage, count: usize) {
    while stage.gateway.waiting() != count {
        tokio::task::yield_now().await;
    }
}

/// First come, first served; one slot given back serves one; nothing fails.
#[tokio::test]
async fn f115_a_full_account_is_waited_for_in_order() {
    let mut stage = Stage::set().await;
    let upstream = Upstream::at(&mut stage, "only", 1).await;
    let stage = Arc::new(stage);
    let mut asked = vec![ask(&stage, "0")];
    let mut held = upstream.asked().await;
    for n in 1..=5 {
        asked.push(ask(&stage, &n.to_string()));
        until_waiting(&stage, n).await;
    }
    for n in 0..=5 {
        assert_eq!(held.user, n.to_string(), "in the order in which they came");
        held.answer().await;
        if n == 5 {
            break;
        }
        held = upstream.asked().await;
        assert_eq!(stage.gateway.waiting(), 4 - n);
        assert_eq!(
            stage
                .pool
                .with(|pool| pool.in_flight(&AccountId::from("only"))),
            1
        );
    }
    for asked in asked {
        assert_eq!(asked.await.unwrap().status, 200);
    }
    assert_eq!(
        stage
            .pool
            .with(|pool| pool.in_flight(&AccountId::from("only"))),
        0
    );
}

/// One that goes away while it waits gives its place up and takes no slot with it; an error frees a slot like an answer does.
#[tokio::test]
async fn f56_f114_slots_are_freed_however_a_request_ends() {
    let mut stage = Stage::set().await;
    let upstream = Upstream::at(&mut stage, "only", 1).await;
    let stage = Arc::new(stage);
    let first = ask(&stage, "0");
    let mut held = upstream.asked().await;
    let (gone, stays) = (ask(&stage, "gone"), ask(&stage, "stays"));
    until_waiting(&stage, 2).await;
    gone.abort();
    until_waiting(&stage, 1).await;
    held.say(
        "400 Bad Request",
        r#"{"error":{"message":"no","type":"invalid_request_error"}}"#,
    )
    .await;
    let next = upstream.asked().await;
    assert_eq!(next.user, "stays");
    assert_eq!(first.await.unwrap().status, 400);
    // The client of the running request goes away.
    let last = ask(&stage, "last");
    until_waiting(&stage, 1).await;
    stays.abort();
    let held = upstream.asked().await;
    assert_eq!(held.user, "last");
    held.answer().await;
    assert_eq!(last.await.unwrap().status, 200);
    assert_eq!(
        stage
            .pool
            .with(|pool| pool.in_flight(&AccountId::from("only"))),
        0
    );
    drop(next);
}

/// A request that fails over keeps its place in a full group: it goes on before those who wait.
#[tokio::test]
async fn f115_the_holder_swaps_inside_a_full_group() {
    let mut stage = Stage::set().await;
    let one = Upstream::at(&mut stage, "one", 9).await;
    let two = Upstream::at(&mut stage, "two", 9).await;
    stage.pool.with(|pool| {
        for id in ["one", "two"] {
            let mut account = pool.account(&AccountId::from(id)).unwrap().clone();
            account.group = Some("both".into());
            pool.upsert(account);
        }
        pool.set_group_limit("both", Some(1));
    });
    let stage = Arc::new(stage);
    let holder = ask(&stage, "holder");
    let mut held = one.asked().await;
    let waits = ask(&stage, "waits");
    until_waiting(&stage, 1).await;
    held.say("500 Internal Server Error", "{}").await;
    let swapped = two.asked().await;
    assert_eq!(
        (swapped.user.as_str(), stage.gateway.waiting()),
        ("holder", 1)
    );
    swapped.answer().await;
    assert_eq!(holder.await.unwrap().status, 200);
    one.asked().await.answer().await;
    assert_eq!(waits.await.unwrap().status, 200);
}

/// Many at once on few slots, a third of them going away at any moment: whoever stays is served, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f114_a_crowd_leaves_no_slot_and_no_place_behind() {
    let mut stage = Stage::with(Config {
        most_requests: Some(90),
        ..Config::default()
    })
    .await;
    let keys = [
        stage.relay("a", Format::OpenAi),
        stage.relay("b", Format::OpenAi),
    ];
    let ids = ["a", "b"].map(AccountId::from);
    stage.pool.with(|pool| {
        for id in &ids {
            let mut account = pool.account(id).unwrap().clone();
            account.slots = Some(2);
            account.group = Some("both".into());
            pool.upsert(account);
        }
        pool.set_group_limit("both", Some(3));
        pool.set_policy(pool::Policy::RoundRobin);
    });
    let stage = Arc::new(stage);
    let crowd: Vec<_> = (0..90)
        .map(|n| {
            (
                n,
                ask(&stage, if n % 2 == 0 { "say:hello" } else { "long:200" }),
            )
        })
        .collect();
    for (n, one) in crowd {
        if n % 3 == 1 {
            one.abort();
        } else {
            let reply = one.await.unwrap();
            assert_eq!(reply.status, 200, "{n}: {}", reply.text);
        }
    }
    // What was cancelled ends a moment later.
    stage.journal(60).await;
    let in_flight = || {
        stage
            .pool
            .with(|pool| ids.iter().map(|id| pool.in_flight(id)).sum::<u32>())
    };
    while in_flight() > 0 || stage.gateway.waiting() > 0 || stage.gateway.running() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.pool.with(|pool| pool.group_use()[0].1), 0);
    assert_eq!(ask(&stage, "say:hello").await.unwrap().status, 200);
    drop(keys);
}

/// After its time 429 with Retry-After; with a full line, or without one, at once.
#[tokio::test]
async fn f115_the_wait_has_a_bound() {
    for (wait, length, waits) in [(30, 1, true), (30, 0, false), (0, 100, false)] {
        let mut stage = Stage::with(Config {
            queue_wait: Duration::from_secs(wait),
            queue_length: length,
            ..Config::default()
        })
        .await;
        let upstream = Upstream::at(&mut stage, "only", 1).await;
        let stage = Arc::new(stage);
        let first = ask(&stage, "0");
        let held = upstream.asked().await;
        let second = ask(&stage, "1");
        if waits {
            until_waiting(&stage, 1).await;
            let third = ask(&stage, "2").await.unwrap();
            assert_eq!(third.status, 429, "the line is full");
            let hand = Hand::take();
            hand.forward(Duration::from_secs(29)).await;
            assert!(!second.is_finished() && stage.gateway.waiting() == 1);
            hand.forward(Duration::from_secs(2)).await;
            drop(hand);
        }
        let second = second.await.unwrap();
        assert_eq!(second.status, 429, "{}", second.text);
        assert_eq!(second.headers["retry-after"], "5");
        let error = &second.json()["error"];
        assert_eq!(error["code"], "accounts_busy");
        assert!(
            error["message"].as_str().unwrap().contains("only: busy"),
            "{error}"
        );
        assert_eq!(stage.gateway.waiting(), 0);
        held.answer().await;
        assert_eq!(first.await.unwrap().status, 200);
    }
}

/// Whoever waits is served by what becomes free, not only by what it waited for; and told at once when nobody is left.
#[tokio::test]
async fn f115_a_change_of_the_accounts_is_noticed() {
    let mut stage = Stage::set().await;
    let upstream = Upstream::at(&mut stage, "only", 1).await;
    let stage = Arc::new(stage);
    let _first = ask(&stage, "0");
    let held = upstream.asked().await;
    let (second, third) = (ask(&stage, "1"), ask(&stage, "2"));
    until_waiting(&stage, 2).await;
    let id = AccountId::from("only");
    stage.pool.with(|pool| {
        let mut account = pool.account(&id).unwrap().clone();
        account.slots = Some(2);
        pool.upsert(account);
    });
    stage.gateway.look_at_queue();
    let beside = upstream.asked().await;
    stage.pool.with(|pool| {
        let limit = Outcome::UsageLimit { resets_at: None };
        pool.report(pool::Timestamp::from_secs(1_789_344_000), &id, &limit)
    });
    stage.gateway.look_at_queue();
    let (waited, served) = if beside.user == "1" {
        (third, second)
    } else {
        (second, third)
    };
    let waited = waited.await.unwrap();
    assert_eq!(waited.status, 429);
    assert_eq!(waited.json()["error"]["code"], "usage_limit_reached");
    beside.answer().await;
    held.answer().await;
    assert_eq!(served.await.unwrap().status, 200);
}

/// Above the cap 503, at once and exactly; what has ended makes room; waiting requests keep nobody out.
#[tokio::test]
async fn f115_the_cap_of_the_whole_gateway() {
    let mut stage = Stage::with(Config {
        most_requests: Some(2),
        ..Config::default()
    })
    .await;
    let upstream = Upstream::at(&mut stage, "only", 1).await;
    let wide = Upstream::at(&mut stage, "wide", 9).await;
    stage.pool.with(|pool| {
        let mut account = pool.account(&AccountId::from("only")).unwrap().clone();
        account.allowed_models = Some(vec!["narrow".into()]);
        pool.upsert(account);
    });
    let stage = Arc::new(stage);
    let narrow = |user: &str| {
        let (stage, body) = (stage.clone(), body(user, "narrow"));
        tokio::spawn(async move {
            let request = stage
                .request("/v1/chat/completions")
                .header("x-switchyard-account", "only");
            let response = request.body(body.to_string()).send().await.unwrap();
            response.status().as_u16()
        })
    };
    let first = narrow("0");
    let held = upstream.asked().await;
    let waits = narrow("1");
    until_waiting(&stage, 1).await;
    let second = ask(&stage, "2");
    let beside = wide.asked().await;
    let third = ask(&stage, "3").await.unwrap();
    assert_eq!(
        (third.status, &third.json()["error"]["code"]),
        (503, &json!("too_many_requests"))
    );
    assert_eq!(third.headers["retry-after"], "5");
    beside.answer().await;
    assert_eq!(second.await.unwrap().status, 200);
    let fourth = ask(&stage, "4");
    wide.asked().await.answer().await;
    assert_eq!(fourth.await.unwrap().status, 200, "there is room again");
    held.answer().await;
    assert_eq!(first.await.unwrap(), 200);
    upstream.asked().await.answer().await;
    assert_eq!(waits.await.unwrap(), 200);
}

/// The named account alone, by header or by prefix; where it cannot serve, 503 with its name and the reason.
#[tokio::test]
async fn f38_a_client_names_the_account() {
    let mut stage = Stage::set().await;
    let _active = stage.relay("active", Format::OpenAi);
    let _other = stage.relay("other", Format::OpenAi);
    let send = async |header: Option<&str>, model: &str| {
        let mut request = stage.request("/v1/chat/completions");
        if let Some(header) = header {
            request = request.header("x-switchyard-account", header);
        }
        let response = request
            .body(body("say:hello", model).to_string())
            .send()
            .await
            .unwrap();
        let served = response
            .headers()
            .get("x-switchyard-account")
            .map(|label| label.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            served,
            response.text().await.unwrap(),
        )
    };
    for (header, model, served) in [
        (None, "m", "active"),
        (Some("other"), "m", "other"),
        (None, "other/m", "other"),
        (None, "Other/vendor/m", "other"),
        (None, "vendor/m", "active"),
    ] {
        let (status, by, text) = send(header, model).await;
        assert_eq!(
            (status, by.as_deref()),
            (200, Some(served)),
            "{header:?} {model} {text}"
        );
    }
    let models: Vec<Value> = stage
        .asked()
        .into_iter()
        .map(|(_, body)| body["model"].clone())
        .collect();
    assert_eq!(
        models,
        ["m", "m", "m", "vendor/m", "vendor/m"],
        "the prefix stays here"
    );
    stage.pool.with(|pool| {
        let limit = Outcome::UsageLimit { resets_at: None };
        pool.report(
            pool::Timestamp::from_secs(1_789_344_000),
            &AccountId::from("other"),
            &limit,
        )
    });
    for (header, model) in [(Some("other"), "m"), (None, "other/m")] {
        let (status, _, text) = send(header, model).await;
        assert_eq!(status, 503, "{text}");
        assert!(
            text.contains(r#"account \"other\" was asked for"#) && text.contains("quota used up"),
            "{text}"
        );
        assert!(!text.contains("active"), "a word about nobody else: {text}");
    }
    let (status, _, text) = send(Some("nobody"), "m").await;
    assert_eq!(status, 400);
    assert!(text.contains("account_not_found"), "{text}");
}
