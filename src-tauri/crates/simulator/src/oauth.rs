//! The sign-in server: refresh with single-use tokens, code exchange with PKCE, authorize page that agrees at once, revoke, device
//! codes (codex-backend.md 1). Called by `serve` for every path outside the two APIs.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    jwt::CLIENT_ID,
    quota::put,
    serve::{Call, Cut, Reply, document, whole},
    step::RefreshStep,
    world::{Grant, PendingCode, World},
};

/// Where device sign-ins are redeemed, below the issuer: the client composes the whole address.
const DEVICE_CALLBACK: &str = "/deviceauth/callback";

pub(crate) async fn respond(world: &Arc<World>, call: Call) -> Reply {
    match (&call.method, call.path.as_str()) {
        (&Method::POST, "/oauth/token") => token(world, &call).await,
        (&Method::GET, "/oauth/authorize") => Ok(authorize(world, &call)),
        (&Method::POST, "/oauth/revoke") => Ok(revoke(world, &call)),
        (&Method::POST, "/api/accounts/deviceauth/usercode") => {
            let device = world.id("deviceauth");
            world.with(|state| state.devices.insert(device.clone(), None));
            Ok(document(
                200,
                &json!({"device_auth_id": device, "user_code": "SIM1-2345", "interval": "5"}),
            ))
        }
        (&Method::POST, "/api/accounts/deviceauth/token") => Ok(device(world, &call)),
        (&Method::HEAD | &Method::GET, "/") => Ok(whole(200, "text/plain", "simulator")),
        _ => Ok(document(404, &json!({"detail": "Not Found"}))),
    }
}

/// The account a token call is about, as far as its refresh token or code tells.
pub(crate) fn owner(world: &World, call: &Call) -> Option<usize> {
    let refresh = refresh_token(call);
    let code = form(&String::from_utf8_lossy(&call.body)).remove("code");
    world.with(|state| {
        let by_code = code.and_then(|code| state.codes.get(&code).map(|pending| pending.account));
        by_code.or_else(|| {
            let refresh = refresh?;
            state.accounts.iter().position(|account| {
                account.refresh == refresh || account.spent_refresh.contains(&refresh)
            })
        })
    })
}

fn refresh_token(call: &Call) -> Option<String> {
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    body["refresh_token"]
        .as_str()
        .filter(|token| !token.is_empty())
        .map(str::to_owned)
}

async fn token(world: &Arc<World>, call: &Call) -> Reply {
    // Refresh is JSON, the exchange is a form; the real server mixes neither up.
    let content_type = call.header("content-type").unwrap_or_default();
    if content_type.starts_with("application/json") {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        if body["grant_type"] != "refresh_token" || body["client_id"] != CLIENT_ID {
            return Ok(refusal(
                400,
                "invalid_request",
                "grant_type refresh_token and the client id are required",
            ));
        }
        return refresh(world, call).await;
    }
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(refusal(
            400,
            "invalid_request",
            "send JSON to refresh, a form to exchange a code",
        ));
    }
    let fields = form(&String::from_utf8_lossy(&call.body));
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "authorization_code" || field("client_id") != CLIENT_ID {
        return Ok(refusal(
            400,
            "unsupported_grant_type",
            "only authorization_code comes as a form",
        ));
    }
    let Some(pending) = world.with(|state| state.codes.remove(field("code"))) else {
        return Ok(refusal(
            400,
            "invalid_grant",
            "the code is unknown or was used",
        ));
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").as_bytes()));
    let redirect_fits = match pending.redirect_uri.as_str() {
        DEVICE_CALLBACK => field("redirect_uri").ends_with(DEVICE_CALLBACK),
        exact => field("redirect_uri") == exact,
    };
    if challenge != pending.challenge || !redirect_fits {
        return Ok(refusal(
            400,
            "invalid_grant",
            "the verifier or the redirect_uri does not fit the code",
        ));
    }
    count(world, pending.account);
    Ok(tokens(world.grant(pending.account)))
}

async fn refresh(world: &Arc<World>, call: &Call) -> Reply {
    let presented = refresh_token(call).unwrap_or_default();
    let Some(index) = owner(world, call) else {
        return Ok(refusal(
            401,
            "refresh_token_invalidated",
            "Your refresh token is not valid. Please sign in again.",
        ));
    };
    count(world, index);
    let step = world
        .with(|state| {
            state
                .accounts
                .get_mut(index)
                .and_then(|account| account.refreshes.pop_front())
        })
        .unwrap_or(RefreshStep::Ok);
    match step {
        RefreshStep::Refused { code } => {
            return Ok(refusal(
                401,
                &code,
                "Your session could not be refreshed. Please sign in again.",
            ));
        }
        RefreshStep::InvalidGrant => {
            return Ok(document(
                400,
                &json!({"error": "invalid_grant", "error_description": "The refresh token has already been used"}),
            ));
        }
        RefreshStep::Status {
            code,
            body,
            content_type,
        } => return Ok(whole(code, &content_type, body)),
        RefreshStep::Http500 => {
            return Ok(document(
                500,
                &json!({"error": {"message": "internal error", "code": "internal_error"}}),
            ));
        }
        RefreshStep::RateLimited { retry_after } => {
            let mut reply = document(
                429,
                &json!({"error": {"message": "too many requests", "code": "rate_limit_exceeded"}}),
            );
            if let Some(when) = retry_after {
                put(reply.headers_mut(), "retry-after", &when);
            }
            return Ok(reply);
        }
        RefreshStep::Region403 => {
            let message = "Country, region, or territory not supported";
            return Ok(document(
                403,
                &json!({"error": {"code": "unsupported_country_region_territory", "message": message, "param": null, "type": "request_forbidden"}}),
            ));
        }
        RefreshStep::Reset => return Err(Cut::Reset),
        RefreshStep::Gated(ref gate) => gate.pass().await,
        RefreshStep::Ok | RefreshStep::AccessOnly | RefreshStep::RotateThenReset => {}
    }
    // Looked at only now: while the call hung, another one may have spent the token.
    let current = world.with(|state| {
        state
            .accounts
            .get(index)
            .is_some_and(|account| account.refresh == presented)
    });
    if !current {
        return Ok(refusal(
            401,
            "refresh_token_reused",
            "Your refresh token has already been used to generate a new access token. Please try signing in again.",
        ));
    }
    match step {
        RefreshStep::AccessOnly => Ok(document(
            200,
            &json!({"access_token": world.grant_access(index)}),
        )),
        RefreshStep::RotateThenReset => {
            world.grant(index);
            Err(Cut::Reset)
        }
        _ => Ok(tokens(world.grant(index))),
    }
}

fn count(world: &World, index: usize) {
    world.with(|state| {
        if let Some(account) = state.accounts.get_mut(index) {
            account.token_calls += 1;
        }
    });
}

fn tokens(grant: Option<Grant>) -> http::Response<crate::serve::Body> {
    match grant {
        Some(Grant {
            access,
            refresh,
            id,
        }) => document(
            200,
            &json!({"id_token": id, "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 864_000}),
        ),
        None => refusal(400, "invalid_grant", "the account is gone"),
    }
}

fn refusal(status: u16, code: &str, message: &str) -> http::Response<crate::serve::Body> {
    document(
        status,
        &json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}}),
    )
}

/// The page where a person would sign in: here the chosen account agrees at once.
fn authorize(world: &World, call: &Call) -> http::Response<crate::serve::Body> {
    let query = form(&call.query);
    let field = |name: &str| query.get(name).cloned().unwrap_or_default();
    let redirect_uri = field("redirect_uri");
    if field("response_type") != "code"
        || field("client_id") != CLIENT_ID
        || field("code_challenge_method") != "S256"
        || redirect_uri.is_empty()
    {
        return refusal(
            400,
            "invalid_request",
            "response_type, client_id, redirect_uri and an S256 challenge are required",
        );
    }
    let code = world.id("ac");
    world.with(|state| {
        let account = state.sign_in_as;
        let pending = PendingCode {
            account,
            redirect_uri: redirect_uri.clone(),
            challenge: field("code_challenge"),
        };
        state.codes.insert(code.clone(), pending);
    });
    let mut reply = whole(302, "text/plain", "");
    put(
        reply.headers_mut(),
        "location",
        &format!("{redirect_uri}?code={code}&state={}", field("state")),
    );
    reply
}

fn revoke(world: &World, call: &Call) -> http::Response<crate::serve::Body> {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let token = body["token"].as_str().unwrap_or_default();
    world.with(|state| {
        for account in &mut state.accounts {
            if account.refresh == token {
                account
                    .spent_refresh
                    .insert(std::mem::take(&mut account.refresh));
                account.access.clear();
            }
            account.access.remove(token);
        }
    });
    document(200, &json!({}))
}

/// The first poll is still pending, the second brings the code.
fn device(world: &World, call: &Call) -> http::Response<crate::serve::Body> {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let id = body["device_auth_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let verifier = "device-verifier-made-by-the-server-0123456789abcdef";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let fresh = world.id("ac");
    let code = world.with(|state| {
        let code = state.devices.get_mut(&id)?;
        if code.is_none() {
            *code = Some(fresh.clone());
            return None;
        }
        let account = state.sign_in_as;
        state.codes.insert(
            fresh.clone(),
            PendingCode {
                account,
                redirect_uri: DEVICE_CALLBACK.to_owned(),
                challenge: challenge.clone(),
            },
        );
        state.devices.remove(&id);
        Some(fresh)
    });
    match code {
        Some(code) => document(
            200,
            &json!({"authorization_code": code, "code_challenge": challenge, "code_verifier": verifier}),
        ),
        None => document(
            403,
            &json!({"error": {"code": "authorization_pending", "message": "not yet"}}),
        ),
    }
}

/// Fields of a form or a query.
pub(crate) fn form(text: &str) -> HashMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'+' => b' ',
            b'%' => {
                let hex: Vec<u8> = rest.by_ref().take(2).collect();
                std::str::from_utf8(&hex)
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                    .unwrap_or(b'?')
            }
            plain => plain,
        };
        bytes.push(decoded);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
