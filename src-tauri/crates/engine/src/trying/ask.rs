//! The body of a prompt in each dialect, and the command that sends the same. Pure.

use serde_json::Value;

use super::dialects::{chat, gemini, images, messages, responses};
use super::{TryAsk, TryProtocol};
use crate::error::EngineError;

/// A picture longer than this stands as a variable in the command: nobody could paste it.
const LONGEST_IMAGE: usize = 2_000;
/// What stands for such a picture.
const IMAGE_VARIABLE: &str = "SWITCHYARD_IMAGE";

/// What is sent.
///
/// # Errors
/// Names the field that is wrong.
pub(super) fn body(ask: &TryAsk) -> Result<Value, EngineError> {
    let wrong = |what: &str| Err(EngineError::Invalid(what.to_owned()));
    if ask.model.trim().is_empty() {
        return wrong("`model` is empty: name one of the model list");
    }
    if ask.prompt.trim().is_empty() {
        return wrong("`prompt` is empty");
    }
    if let Some(image) = &ask.image {
        let head = image.split(',').next().unwrap_or_default();
        if !head.starts_with("data:image/") || !head.ends_with(";base64") {
            return wrong("`image` is not a data: URL of a picture in base64");
        }
    }
    Ok(match ask.protocol {
        TryProtocol::Chat => chat::body(ask),
        TryProtocol::Responses => responses::body(ask),
        TryProtocol::Messages => messages::body(ask),
        TryProtocol::Gemini => gemini::body(ask),
        TryProtocol::Images => images::body(ask),
    })
}

/// A command that sends the same. It names the key and a large picture as variables: neither belongs into a command line.
pub(super) fn curl(base_url: &str, ask: &TryAsk, body: &Value) -> String {
    let mut text = body.to_string();
    let mut large = false;
    if let Some(image) = ask
        .image
        .as_deref()
        .filter(|image| image.len() > LONGEST_IMAGE)
    {
        large = true;
        // A data: URL has nothing that JSON escapes, so it stands in the text as it is.
        text = text.replacen(image, IMAGE_VARIABLE, 1);
    }
    let mut quoted = format!("'{}'", text.replace('\'', r"'\''"));
    if large {
        quoted = quoted.replacen(IMAGE_VARIABLE, &format!(r#"'"${IMAGE_VARIABLE}"'"#), 1);
    }
    let silent = if ask.streams() { " -N" } else { "" };
    format!(
        "curl{silent} {base_url}{} \\\n  -H \"Authorization: Bearer $SWITCHYARD_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d {quoted}",
        ask.path()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ask(protocol: TryProtocol) -> TryAsk {
        TryAsk {
            protocol,
            model: "m".into(),
            account: None,
            prompt: "it's me".into(),
            image: None,
            stream: true,
            tools: true,
            thinking: Some("low"),
        }
    }

    #[test]
    fn f132_each_dialect_gets_its_own_body() {
        let chat = body(&ask(TryProtocol::Chat)).unwrap();
        assert_eq!(chat["messages"][0]["content"], "it's me");
        assert_eq!(chat["stream_options"]["include_usage"], true);
        assert_eq!(chat["tools"][0]["function"]["name"], "current_time");
        assert_eq!(chat["reasoning_effort"], "low");
        let mut wish = ask(TryProtocol::Responses);
        wish.image = Some("data:image/png;base64,AAAA".into());
        let responses = body(&wish).unwrap();
        assert_eq!(responses["input"][0]["content"][1]["type"], "input_image");
        assert_eq!(responses["tools"][0]["name"], "current_time");
        assert_eq!(responses["reasoning"]["effort"], "low");
        wish.protocol = TryProtocol::Messages;
        let messages = body(&wish).unwrap();
        let image = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
        assert_eq!(messages["messages"][0]["content"][0]["source"], image);
        assert_eq!(messages["tools"][0]["input_schema"]["type"], "object");
        let budget = messages["thinking"]["budget_tokens"].as_u64().unwrap();
        assert!(messages["max_tokens"].as_u64().unwrap() > budget);
        wish.protocol = TryProtocol::Gemini;
        let gemini = body(&wish).unwrap();
        let image = json!({"mimeType": "image/png", "data": "AAAA"});
        assert_eq!(gemini["contents"][0]["parts"][1]["inlineData"], image);
        assert_eq!(gemini["model"], Value::Null, "it stands in the path");
        assert_eq!(
            wish.path(),
            "/v1beta/models/m:streamGenerateContent?alt=sse"
        );
        wish.protocol = TryProtocol::Images;
        assert_eq!(body(&wish).unwrap()["prompt"], "it's me");
        assert_eq!(
            (wish.path().as_str(), wish.streams()),
            ("/v1/images/edits", false)
        );
    }

    #[test]
    fn f132_what_cannot_be_sent_is_named() {
        type Change = fn(&mut TryAsk);
        let cases: [(&str, Change); 4] = [
            ("`model`", |ask| ask.model = " ".into()),
            ("`prompt`", |ask| ask.prompt = String::new()),
            ("`image`", |ask| {
                ask.image = Some("https://example.com/a.png".into())
            }),
            ("`image`", |ask| {
                ask.image = Some("data:text/html;base64,AAAA".into())
            }),
        ];
        for (field, change) in cases {
            let mut wish = ask(TryProtocol::Chat);
            change(&mut wish);
            let error = body(&wish).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn f132_the_command_names_the_key_and_a_large_picture_as_variables() {
        let mut wish = ask(TryProtocol::Chat);
        let text = curl("http://127.0.0.1:8787", &wish, &body(&wish).unwrap());
        assert!(
            text.starts_with("curl -N http://127.0.0.1:8787/v1/chat/completions"),
            "{text}"
        );
        assert!(text.contains("Bearer $SWITCHYARD_KEY"), "{text}");
        assert!(text.contains(r"it'\''s me"), "{text}");
        wish.image = Some(format!(
            "data:image/png;base64,{}",
            "A".repeat(LONGEST_IMAGE)
        ));
        let text = curl("http://127.0.0.1:8787", &wish, &body(&wish).unwrap());
        assert!(text.contains(r#""url":"'"$SWITCHYARD_IMAGE"'""#), "{text}");
        assert!(text.len() < 2_000, "{text}");
    }
}
