//! Acts out steps: turns a [`Step`] and what the brain wrote into an HTTP answer, whole or streamed. Called by `codex` and `relay`.

mod play;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};
use play::{End, Play, arrange, stream_of};
use serde_json::{Value, json};

use crate::{
    brain::{self, Prompt, Turn},
    dialect::{
        Refusal,
        responses_out::{Written, kind_of, message_of},
    },
    quota::put,
    serve::{Body, Cut, Link, Reply, document, whole},
    step::Step,
    world::World,
};

/// Where an answer is given: what decides the shape of its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Venue {
    Codex,
    Responses,
    Chat,
    Messages,
    Gemini,
}

/// A client that waits for its answer. Dropped unfinished, it counts as gone.
#[derive(Debug)]
pub(crate) struct Presence {
    world: Arc<World>,
    finished: bool,
}

impl Presence {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        world.with(|state| {
            state.in_flight += 1;
            state.peak_in_flight = state.peak_in_flight.max(state.in_flight);
        });
        Self {
            world: Arc::clone(world),
            finished: false,
        }
    }

    pub(crate) fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            self.world.with(|state| state.in_flight -= 1);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if !self.finished {
            self.world.with(|state| state.in_flight -= 1);
            self.world.disconnects.send_modify(|gone| *gone += 1);
        }
    }
}

/// Answers a step that needs no look at the request. `None` = go on to the request itself.
pub(crate) async fn early(step: &Step, venue: Venue, model: &str, now: i64) -> Option<Reply> {
    let error = |status: u16, kind: &'static str, code: &str, message: &str| {
        let refusal = Refusal {
            status,
            kind,
            code: Some(code.to_owned()),
            param: None,
            message: message.to_owned(),
        };
        Ok(document(status, &refusal.shaped(venue)))
    };
    let page = |status: u16, body: &'static str| whole(status, "text/html; charset=UTF-8", body);
    Some(match step {
        Step::UsageLimit { resets_in_s } => {
            let resets_at = now + i64::try_from(*resets_in_s).unwrap_or(i64::MAX / 2);
            let mut reply = usage_limit(Some((resets_at, *resets_in_s)));
            if venue == Venue::Codex {
                put(reply.headers_mut(), "x-codex-primary-used-percent", "100");
                put(
                    reply.headers_mut(),
                    "x-codex-primary-reset-at",
                    &resets_at.to_string(),
                );
                put(
                    reply.headers_mut(),
                    "x-codex-primary-reset-after-seconds",
                    &resets_in_s.to_string(),
                );
            }
            Ok(reply)
        }
        Step::UsageLimitBare => Ok(usage_limit(None)),
        Step::RateLimited { retry_after } if venue == Venue::Gemini => {
            // The delay stands in the details, not in a header.
            let refusal = Refusal {
                status: 429,
                ..Refusal::bad("You exceeded your current quota, please check your plan.")
            };
            let mut body = refusal.gemini();
            if let Some(when) = retry_after {
                body["error"]["details"] = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{when}s")}]);
            }
            Ok(document(429, &body))
        }
        Step::RateLimited { retry_after } => {
            let mut reply = document(
                429,
                &json!({"error": {"message": "Rate limit reached for requests", "type": "requests", "param": null, "code": "rate_limit_exceeded"}}),
            );
            if let Some(when) = retry_after {
                put(reply.headers_mut(), "retry-after", when);
            }
            Ok(reply)
        }
        Step::Status {
            code,
            body,
            content_type,
        } => Ok(whole(*code, content_type, body.clone())),
        Step::Unauthorized => Ok(unauthorized(venue, "token_invalidated")),
        Step::Http500 => error(
            500,
            "server_error",
            "internal_error",
            "The server had an error while processing your request. Sorry about that!",
        ),
        Step::Overloaded503 if venue == Venue::Messages => {
            error(529, "overloaded_error", "", "Overloaded")
        }
        Step::Overloaded503 => error(
            503,
            "server_error",
            "server_is_overloaded",
            &message_of("server_is_overloaded"),
        ),
        Step::PaymentRequired402 => error(
            402,
            "insufficient_quota",
            "insufficient_quota",
            &message_of("insufficient_quota"),
        ),
        Step::Forbidden403Json => match venue {
            Venue::Codex => Ok(document(
                403,
                &json!({"detail": "You do not have access to this resource."}),
            )),
            _ => error(
                403,
                "invalid_request_error",
                "permission_denied",
                "You are not allowed to sample from this model",
            ),
        },
        Step::HtmlChallenge403 => {
            let mut reply = page(
                403,
                "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Enable JavaScript and cookies to continue. Cloudflare</body></html>",
            );
            put(reply.headers_mut(), "cf-mitigated", "challenge");
            put(reply.headers_mut(), "server", "cloudflare");
            Ok(reply)
        }
        Step::HtmlPage200 => Ok(page(
            200,
            "<!DOCTYPE html><html><body><h1>Welcome to our relay</h1></body></html>",
        )),
        Step::InvalidEncryptedContent => Ok(document(400, &invalid_encrypted_content().openai())),
        Step::ModelUnsupported => Ok(model_unsupported(venue, model)),
        Step::ContextOverflow => error(
            400,
            "invalid_request_error",
            "context_length_exceeded",
            &message_of("context_length_exceeded"),
        ),
        Step::ResetBeforeHeaders => Err(Cut::Reset),
        Step::CloseBeforeHeaders => Err(Cut::Close),
        Step::HangHeaders => std::future::pending().await,
        Step::GatedHeaders { gate } => {
            gate.pass().await;
            return None;
        }
        Step::Replay {
            content_type,
            chunks,
        } => {
            let play = Play {
                frames: chunks.clone(),
                gate: None,
                pace: None,
                end: End::Clean,
            };
            Ok(stream_of(play, content_type, None, Link::default()))
        }
        _ => return None,
    })
}

/// 429 with the reset instant (unix seconds) and its distance (seconds), when they are told.
pub(crate) fn usage_limit(resets: Option<(i64, u64)>) -> Response<Body> {
    let mut error = json!({"type": "usage_limit_reached", "message": message_of("usage_limit_reached"), "plan_type": "plus"});
    if let Some((at, in_s)) = resets {
        error["resets_at"] = json!(at);
        error["resets_in_seconds"] = json!(in_s);
    }
    document(429, &json!({"error": error}))
}

pub(crate) fn unauthorized(venue: Venue, code: &str) -> Response<Body> {
    let (status, body) = unauthorized_body(venue, code);
    if venue == Venue::Messages {
        let refusal = Refusal {
            status,
            ..Refusal::bad("invalid x-api-key")
        };
        return document(status, &refusal.messages());
    }
    if venue == Venue::Gemini {
        // Google calls a wrong key a wrong argument.
        let refusal = Refusal::bad("API key not valid. Please pass a valid API key.");
        return document(400, &refusal.gemini());
    }
    document(status, &body)
}

/// Status and body of a 401.
pub(crate) fn unauthorized_body(venue: Venue, code: &str) -> (u16, Value) {
    let message = match (venue, code) {
        (Venue::Codex, "token_expired") => {
            "Provided authentication token is expired. Please try signing in again."
        }
        (Venue::Codex, _) => {
            "Your authentication token has been invalidated. Please try signing in again."
        }
        _ => "Incorrect API key provided. You can find your API key in your account settings.",
    };
    let code = if venue == Venue::Codex {
        code
    } else {
        "invalid_api_key"
    };
    (
        401,
        json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}, "status": 401}),
    )
}

pub(crate) fn model_unsupported(venue: Venue, model: &str) -> Response<Body> {
    let (status, body) = model_unsupported_body(venue, model);
    if venue == Venue::Messages {
        let refusal = Refusal {
            status: 404,
            ..Refusal::bad(format!("model: {model}"))
        };
        return document(404, &refusal.messages());
    }
    if venue == Venue::Gemini {
        let refusal = Refusal {
            status: 404,
            ..Refusal::bad(format!(
                "models/{model} is not found for API version v1beta, or is not supported for generateContent."
            ))
        };
        return document(404, &refusal.gemini());
    }
    document(status, &body)
}

/// Status and body for a model that is not there.
pub(crate) fn model_unsupported_body(venue: Venue, model: &str) -> (u16, Value) {
    if venue == Venue::Codex {
        return (
            400,
            json!({"detail": format!("The '{model}' model is not supported when using Codex with a ChatGPT account.")}),
        );
    }
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    (
        404,
        json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "model_not_found"}}),
    )
}

pub(crate) fn invalid_encrypted_content() -> Refusal {
    Refusal::bad("The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed.").code("invalid_encrypted_content")
}

/// The step a prompt asks for, where the script has none of its own.
pub(crate) fn asked(step: &Step, prompt: &Prompt) -> Option<Step> {
    let hint = matches!(step, Step::Ok)
        .then(|| brain::Hints::read(&prompt.ask).play)
        .flatten();
    hint.and_then(|hint| Step::from_hint(&hint))
}

/// The turn a step wants.
pub(crate) fn turn(step: &Step, prompt: &Prompt, label: &str) -> Turn {
    match step {
        Step::Say(text) => brain::say(prompt, text),
        Step::EmptyAnswer => brain::say(prompt, ""),
        Step::Incomplete => Turn {
            cut: true,
            ..brain::say(prompt, "This answer was cut")
        },
        _ => brain::think(prompt, label),
    }
}

/// Everything an answer to an accepted request is made of.
pub(crate) struct Answer {
    pub(crate) venue: Venue,
    pub(crate) written: Written,
    pub(crate) streamed: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) link: Link,
    /// An extra event for [`Step::PrivateEvents`].
    pub(crate) private: Option<Bytes>,
}

/// Acts a step out over a finished answer.
pub(crate) async fn late(step: Step, mut presence: Presence, answer: Answer) -> Reply {
    let Answer {
        venue,
        written,
        streamed,
        headers,
        link,
        private,
    } = answer;
    let mut reply = if streamed {
        let play = arrange(step, venue, written, private);
        stream_of(
            play,
            "text/event-stream; charset=utf-8",
            Some(presence),
            link,
        )
    } else {
        let text = Bytes::from(written.document.to_string());
        let half = || vec![text.slice(..text.len() / 2)];
        let broken = |end| Play {
            frames: half(),
            gate: None,
            pace: None,
            end,
        };
        match step {
            Step::FailedFirst { code }
            | Step::FailedAfter { code, .. }
            | Step::ErrorEvent { code, .. } => {
                presence.finish();
                let status = status_of(&code);
                let refusal = Refusal {
                    status,
                    kind: "server_error",
                    code: None,
                    param: None,
                    message: message_of(&code),
                };
                let body = match venue {
                    Venue::Messages | Venue::Gemini => refusal.shaped(venue),
                    Venue::Codex | Venue::Responses | Venue::Chat => {
                        json!({"error": {"message": message_of(&code), "type": kind_of(&code), "param": null, "code": code}})
                    }
                };
                document(status, &body)
            }
            Step::CutAfter { .. } | Step::ResetAfter { .. } => {
                stream_of(broken(End::Reset), "application/json", Some(presence), link)
            }
            Step::HangAfter { .. } => {
                stream_of(broken(End::Hang), "application/json", Some(presence), link)
            }
            step => {
                match step {
                    Step::Gated { gate, .. } => gate.pass().await,
                    Step::Slow { per_event } => tokio::time::sleep(per_event).await,
                    _ => {}
                }
                presence.finish();
                whole(200, "application/json", text)
            }
        }
    };
    for (name, value) in &headers {
        reply.headers_mut().insert(name, value.clone());
    }
    Ok(reply)
}

fn status_of(code: &str) -> u16 {
    match code {
        "usage_limit_reached" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        "context_length_exceeded" | "invalid_prompt" => 400,
        "server_is_overloaded" => 503,
        _ => 500,
    }
}

/// The body as JSON, or the refusal.
pub(crate) fn parse(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal::bad("We could not parse the JSON body of your request."))
}
