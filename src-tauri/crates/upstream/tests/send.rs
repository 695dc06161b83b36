//! What arrives at an upstream, and what is said when nothing comes back.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use pool::{Format, Outcome};
use support::{
    Reply, Server, answer, chat, chatgpt, json, relay, relay_spec, send, text, upstream,
};
use upstream::{Call, Config, Endpoint, Failure, Target, TargetError};

fn config() -> Config {
    Config::default()
}

#[tokio::test]
async fn f99_f100_t191_a_relay_gets_our_headers_its_key_and_the_bytes_as_they_are() {
    let server = Server::start([]).await;
    let upstream = upstream(config());
    let mut spec = relay_spec(&server.url("/"));
    spec.headers = vec![(
        HeaderName::from_static("x-team"),
        HeaderValue::from_static("blue"),
    )];
    let mut call = chat("");
    call.body = vec![
        Bytes::from("{\"model\":"),
        Bytes::new(),
        Bytes::from("\"m\""),
        Bytes::from("}"),
    ];
    call.query = Some("api-version=2&b=%20".into());
    for (name, value) in [
        ("session-id", "s1"),
        ("x-team", "red"),
        ("authorization", "Bearer client"),
        ("cookie", "c=1"),
        ("x-api-key", "client"),
        ("connection", "close"),
        ("accept-encoding", "gzip"),
        ("transfer-encoding", "chunked"),
        ("openai-beta", "one"),
    ] {
        call.headers.append(name, HeaderValue::from_static(value));
    }
    call.headers
        .append("openai-beta", HeaderValue::from_static("two"));
    send(&upstream, &Target::new(spec).unwrap(), call)
        .await
        .unwrap();
    let seen = server.last();
    assert_eq!(
        seen.line,
        "POST /v1/chat/completions?api-version=2&b=%20 HTTP/1.1"
    );
    assert_eq!(seen.body, br#"{"model":"m"}"#);
    for (name, want) in [
        ("authorization", Some("Bearer sk-relay")),
        ("content-type", Some("application/json")),
        ("content-length", Some("13")),
        ("accept", Some("text/event-stream")),
        ("accept-encoding", Some("identity")),
        (
            "user-agent",
            Some(concat!("switchyard/", env!("CARGO_PKG_VERSION"))),
        ),
        ("session-id", Some("s1")),
        ("x-team", Some("blue")),
        ("openai-beta", Some("two")),
        ("cookie", None),
        ("x-api-key", None),
        ("connection", None),
        ("referer", None),
        // The Codex headers are not for relays (F102).
        ("originator", None),
        ("chatgpt-account-id", None),
    ] {
        assert_eq!(seen.header(name), want, "{name}");
    }
}

#[tokio::test]
async fn a_chatgpt_account_gets_the_codex_headers_under_our_own_name() {
    let server = Server::start([]).await;
    let config = Config {
        codex_base_url: server.url("/backend-api/codex"),
        client_version: "9.9.9".into(),
        ..config()
    };
    let upstream = upstream(config.clone());
    let target = chatgpt();
    for (endpoint, path) in [
        (Endpoint::Responses, "/backend-api/codex/responses"),
        (Endpoint::Compact, "/backend-api/codex/responses/compact"),
    ] {
        let mut call = Call::json(
            endpoint,
            vec![Bytes::from("{}")],
            endpoint == Endpoint::Responses,
        );
        call.headers
            .insert("session-id", HeaderValue::from_static("s1"));
        call.headers
            .insert("originator", HeaderValue::from_static("someone_else"));
        send(&upstream, &target, call).await.unwrap();
        let seen = server.last();
        assert_eq!(seen.line, format!("POST {path} HTTP/1.1"));
        for (name, want) in [
            ("authorization", "Bearer at0"),
            ("chatgpt-account-id", "acc-1"),
            ("originator", "switchyard"),
            ("version", "9.9.9"),
            ("session-id", "s1"),
        ] {
            assert_eq!(seen.header(name), Some(want), "{name}");
        }
        assert_eq!(seen.header("x-openai-fedramp"), None);
    }
    // Settings are swapped live, without a new target.
    upstream
        .set_config(Config {
            originator: "renamed".into(),
            ..config
        })
        .unwrap();
    send(&upstream, &target, chat("{}")).await.unwrap();
    assert_eq!(server.last().header("originator"), Some("renamed"));
    assert_eq!(
        server
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|s| s.connection)
            .max(),
        Some(0),
        "connections survive"
    );
}

#[tokio::test]
async fn f89_model_list_names_the_client_version() {
    let list = r#"{"models":[{"slug":"gpt-5.5","visibility":"list"}]}"#;
    let server = Server::start([
        json(list),
        Reply::Send(answer("401 Unauthorized", "application/json", "{}")),
    ])
    .await;
    let upstream = upstream(Config {
        codex_base_url: server.url("/backend-api/codex"),
        client_version: "1.2.3".into(),
        ..config()
    });
    let models = upstream.list_models(&chatgpt()).await.unwrap();
    assert_eq!(models[0].id, "gpt-5.5");
    assert_eq!(
        server.last().line,
        "GET /backend-api/codex/models?client_version=1.2.3 HTTP/1.1"
    );
    let relay = relay(&server.url("/v1"));
    let error = upstream.list_models(&relay).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unauthorized));
    assert_eq!(server.last().line, "GET /v1/models HTTP/1.1");
}

#[tokio::test]
async fn f68_usage_query_spends_no_tokens() {
    let usage = r#"{"plan_type":"plus","rate_limit":{"primary_window":{"used_percent":42,"limit_window_seconds":18000}}}"#;
    let server = Server::start([
        json(usage),
        Reply::Send(answer("403 Forbidden", "text/html", "<html>")),
    ])
    .await;
    let upstream = upstream(Config {
        codex_base_url: server.url("/backend-api/codex"),
        ..config()
    });
    let quota = upstream.query_usage(&chatgpt()).await.unwrap();
    assert_eq!(quota.primary.unwrap().used_percent, 42.0);
    let seen = server.last();
    assert_eq!(seen.line, "GET /backend-api/wham/usage HTTP/1.1");
    assert_eq!(seen.header("chatgpt-account-id"), Some("acc-1"));
    let error = upstream.query_usage(&chatgpt()).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Challenge));
    // F102: not for key accounts.
    let error = upstream
        .query_usage(&relay(&server.url("/v1")))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not applicable"), "{error}");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn f31_a_redirect_is_not_followed() {
    let elsewhere = Server::start([]).await;
    let moved = format!(
        "HTTP/1.1 307 Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url("/v1/x")
    );
    let server = Server::start([Reply::Send(moved)]).await;
    let answer = send(&upstream(config()), &relay(&server.url("")), chat("{}"))
        .await
        .unwrap();
    let outcome = upstream::classify(
        Format::OpenAi,
        answer.status(),
        answer.headers(),
        b"",
        pool::Timestamp(0),
    );
    assert_eq!(outcome, Outcome::NotAnApi);
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn f122_a_stale_idle_connection_is_not_the_clients_problem() {
    // The connection dies at its second request, unseen until then.
    for dies in [Reply::Reset, Reply::Close] {
        let server = Server::start([json("{}"), dies, json("{\"ok\":1}")]).await;
        let (upstream, target) = (upstream(config()), relay(&server.url("")));
        text(send(&upstream, &target, chat("{}")).await.unwrap()).await;
        let again = send(&upstream, &target, chat("{}")).await.unwrap();
        assert_eq!(text(again).await, "{\"ok\":1}");
        let connections: Vec<_> = server
            .seen
            .lock()
            .unwrap()
            .iter()
            .map(|s| s.connection)
            .collect();
        assert_eq!(connections, [0, 0, 1]);
    }
}

#[tokio::test]
async fn a_reset_of_a_fresh_connection_is_reported_and_not_repeated() {
    for dies in [Reply::Reset, Reply::Close] {
        let server = Server::start([dies, json("{}")]).await;
        let error = send(&upstream(config()), &relay(&server.url("")), chat("{}"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.outcome, error.failure, error.sent),
            (Outcome::Network, Failure::Reset, true)
        );
        assert!(error.same_account_may_help());
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn failures_are_told_apart_without_addresses() {
    let silent = Server::start([Reply::Hang]).await;
    let quick = Config {
        headers_timeout: Duration::from_millis(50),
        ..config()
    };
    let target = relay(&silent.url("/secret-path/v1"));
    let mut call = chat("{}");
    call.query = Some("key=hunter2".into());
    let error = send(&upstream(quick), &target, call).await.unwrap_err();
    assert_eq!(
        (error.outcome, error.failure, error.sent),
        (Outcome::Timeout, Failure::HeadersTimeout, true)
    );

    let nobody = {
        tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
    };
    let mut call = chat("{}");
    call.query = Some("key=hunter2".into());
    let error = send(
        &upstream(config()),
        &relay(&format!("http://{nobody}/secret-path")),
        call,
    )
    .await
    .unwrap_err();
    assert_eq!(
        (error.outcome, error.failure, error.sent),
        (Outcome::Network, Failure::Connect, false)
    );
    assert!(
        !error.message.contains("hunter2") && !error.message.contains("secret-path"),
        "{error}"
    );
    assert!(error.message.contains("could not connect"), "{error}");

    let garbage = Server::start([Reply::SendAndClose("SSH-2.0-x\r\n\r\n".into())]).await;
    let error = send(&upstream(config()), &relay(&garbage.url("")), chat("{}"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.outcome, error.failure),
        (Outcome::Network, Failure::Protocol)
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_in_the_body() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_owned();
    let server = Server::start([Reply::SendAndClose(half)]).await;
    let answer = send(
        &upstream(config()),
        &relay(&server.url("/secret-path")),
        chat("{}"),
    )
    .await
    .unwrap();
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "only this");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.outcome(), Outcome::StreamCut);
    assert!(!error.to_string().contains("secret-path"), "{error}");
}

#[tokio::test]
async fn dropping_the_answer_ends_the_upstream_request() {
    let begun = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\ndata: x\n\n".to_owned();
    let server = Server::start([Reply::Send(begun)]).await;
    let answer = send(&upstream(config()), &relay(&server.url("")), chat("{}"))
        .await
        .unwrap();
    drop(answer);
    server.gone.notified().await;
}

#[tokio::test]
async fn several_events_in_one_read_are_one_frame() {
    let events = "data: 1\n\n".repeat(50);
    let server = Server::start([Reply::Send(answer("200 OK", "text/event-stream", &events))]).await;
    let answer = send(&upstream(config()), &relay(&server.url("")), chat("{}"))
        .await
        .unwrap();
    let frame = answer
        .into_body()
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap();
    assert_eq!(frame.len(), events.len());
}

#[tokio::test]
async fn targets_refuse_what_would_break_a_request() {
    let mut spec = relay_spec("https://relay.example.com");
    spec.headers = vec![(http::header::AUTHORIZATION, HeaderValue::from_static("x"))];
    assert_eq!(
        Target::new(spec).unwrap_err(),
        TargetError::Header(http::header::AUTHORIZATION)
    );
    let mut spec = relay_spec("https://relay.example.com");
    spec.provider_account_id = Some("a\nb".into());
    assert_eq!(Target::new(spec).unwrap_err(), TargetError::AccountId);
    assert!(Target::new(relay_spec("relay.example.com")).is_err());
    let bad = Config {
        originator: "a\nb".into(),
        ..config()
    };
    let upstream = upstream(config());
    assert!(
        upstream
            .set_config(bad)
            .unwrap_err()
            .to_string()
            .contains("codex.originator")
    );
    assert!(
        upstream
            .set_config(Config {
                auth_url: "nowhere".into(),
                ..config()
            })
            .is_err()
    );
    assert_eq!(upstream.config(), config(), "a bad change replaces nothing");
}
