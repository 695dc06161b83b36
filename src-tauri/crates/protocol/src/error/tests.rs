//! Error bodies in and out: table B5, F57, T182, T184, T209, T210.

use super::*;

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn f57_own_errors_have_the_openai_shape() {
    let error = ErrorBody {
        message: "say \"hi\"".to_owned(),
        kind: GATEWAY_ERROR.into(),
        code: Some("no_account".into()),
        param: None,
    };
    let expected = r#"{"error":{"message":"say \"hi\"","type":"gateway_error","param":null,"code":"no_account"}}"#;
    assert_eq!(text(&render(Dialect::Chat, 503, &error)), expected);
    assert_eq!(text(&render(Dialect::Responses, 503, &error)), expected);
}

#[test]
fn t208_a_refused_request_names_its_field() {
    let body = render_request_error(
        Dialect::Chat,
        &RequestError::field("n", "Only n=1 is supported."),
    );
    assert_eq!(
        text(&body),
        r#"{"error":{"message":"Only n=1 is supported.","type":"invalid_request_error","param":"n","code":null}}"#
    );
}

#[test]
fn t209_every_upstream_shape_is_read() {
    for (status, body, message, kind, code) in [
        (
            400,
            r#"{"detail":"Store must be set to false"}"#,
            "Store must be set to false",
            "invalid_request_error",
            None,
        ),
        (
            422,
            r#"{"detail":[{"msg":"field required","type":"value_error"}]}"#,
            "field required",
            "value_error",
            None,
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"bad key","status":"INVALID_ARGUMENT"}}]"#,
            "bad key",
            "invalid_request_error",
            Some("INVALID_ARGUMENT"),
        ),
        (
            429,
            r#"{"error":"slow down"}"#,
            "slow down",
            "rate_limit_error",
            None,
        ),
        (500, r#"{"message":"boom"}"#, "boom", "server_error", None),
        (
            404,
            r#"{"code":"model_not_found","message":"no such model"}"#,
            "no such model",
            "not_found_error",
            Some("model_not_found"),
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "Overloaded",
            "overloaded_error",
            None,
        ),
        (
            403,
            "<!DOCTYPE html><html><head><TITLE>Just a moment...</TITLE></head>",
            "The upstream answered with a web page: Just a moment...",
            "permission_error",
            None,
        ),
        (
            502,
            "<html></html>",
            "The upstream answered with a web page.",
            "server_error",
            None,
        ),
        (502, "Bad Gateway\n", "Bad Gateway", "server_error", None),
        (
            500,
            "",
            "The upstream answered with status 500 and no readable text.",
            "server_error",
            None,
        ),
        (
            500,
            "null",
            "The upstream answered with status 500 and no readable text.",
            "server_error",
            None,
        ),
        (
            400,
            r#"{"error":{"oddly":1}}"#,
            r#"{"oddly":1}"#,
            "invalid_request_error",
            None,
        ),
    ] {
        let error = read(status, body.as_bytes());
        assert_eq!(
            (error.message.as_str(), &*error.kind, error.code.as_deref()),
            (message, kind, code),
            "{body}"
        );
    }
}

#[test]
fn t209_a_body_in_shape_goes_on_unchanged() {
    let body = Bytes::from_static(br#"{"error":{"type":"usage_limit_reached","message":"over","plan_type":"plus","resets_at":1790000000}}"#);
    assert_eq!(
        rewrap(Dialect::Responses, 429, &body).as_ptr(),
        body.as_ptr()
    );
    let detail = Bytes::from_static(br#"{"detail":"no"}"#);
    assert_eq!(
        text(&rewrap(Dialect::Chat, 400, &detail)),
        r#"{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}"#
    );
}

#[test]
fn t184_error_events_become_statuses() {
    for (data, status, code) in [
        (
            r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}"#,
            429,
            Some("rate_limit_exceeded"),
        ),
        (
            r#"{"type":"response.failed","response":{"error":{"code":"context_length_exceeded","message":"m"}}}"#,
            400,
            Some("context_length_exceeded"),
        ),
        (
            r#"{"type":"response.failed","response":{"error":{"code":"server_is_overloaded","message":"m"}}}"#,
            503,
            Some("server_is_overloaded"),
        ),
        (
            r#"{"type":"error","error":{"type":"usage_limit_reached","message":"m"}}"#,
            429,
            None,
        ),
        (
            r#"{"type":"error","status":418,"error":{"type":"teapot","message":"m"}}"#,
            418,
            None,
        ),
        (
            r#"{"type":"error","code":"server_error","message":"m","param":null}"#,
            500,
            Some("server_error"),
        ),
        (
            r#"{"error":{"message":"m","code":"odd"}}"#,
            500,
            Some("odd"),
        ),
    ] {
        let error = from_event(data.as_bytes());
        assert_eq!(error.message, "m", "{data}");
        assert_eq!(
            (
                read::event_status(data.as_bytes(), &error),
                error.code.as_deref()
            ),
            (status, code),
            "{data}"
        );
    }
    assert!(!from_event(b"junk").message.is_empty());
}

#[test]
fn t210_529_is_told_as_503() {
    assert_eq!(client_status(Dialect::Chat, 529), 503);
    assert_eq!(client_status(Dialect::Responses, 429), 429);
}

#[test]
fn t182_in_band_errors() {
    let error = ErrorBody::from(&GatewayError {
        status: 502,
        code: STREAM_DISCONNECTED.into(),
        message: "cut".to_owned(),
    });
    let mut out = BytesMut::new();
    in_band(Dialect::Chat, &error, StreamWords::default(), &mut out);
    assert_eq!(
        text(&out.split().freeze()),
        "data: {\"error\":{\"message\":\"cut\",\"type\":\"gateway_error\",\"param\":null,\"code\":\"stream_disconnected\"}}\n\n"
    );
    let words = StreamWords {
        id: "resp_1",
        model: "m",
        created: 7,
        sequence: 4,
    };
    in_band(Dialect::Responses, &error, words, &mut out);
    let expected = concat!(
        "event: error\ndata: {\"type\":\"error\",\"sequence_number\":4,\"code\":\"stream_disconnected\",\"message\":\"cut\",\"param\":null,",
        "\"error\":{\"message\":\"cut\",\"type\":\"gateway_error\",\"param\":null,\"code\":\"stream_disconnected\"}}\n\n",
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":5,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",",
        "\"created_at\":7,\"status\":\"failed\",\"error\":{\"code\":\"stream_disconnected\",\"message\":\"cut\"},\"incomplete_details\":null,",
        "\"model\":\"m\",\"output\":[],\"usage\":null}}\n\n",
    );
    assert_eq!(text(&out.freeze()), expected);
}
