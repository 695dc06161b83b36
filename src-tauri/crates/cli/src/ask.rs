//! `switchyard ask`: one prompt through the gateway, as any client would send it; the answer as it comes.

use crate::exit::Exit;
use anyhow::Context;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::failure::Failure;
use crate::{input, print};

/// Sends the prompt and prints the answer.
pub(crate) async fn run(
    desk: &Desk,
    json: bool,
    model: Option<String>,
    prompt: String,
) -> Result<(), Failure> {
    let prompt = if prompt == "-" { input::all()? } else { prompt };
    let url = match (desk.instance(), desk.engine()) {
        (Some(instance), _) => instance.url.clone(),
        (None, Some(engine)) => {
            engine.listen().await?;
            engine.base_url()
        }
        (None, None) => return Err(Failure::new(Exit::Failed, "nothing serves")),
    };
    let model = match model {
        Some(model) => model,
        None => default_model(desk).await?,
    };
    let key = desk
        .call(Method::GET, "/local/key/default", None)
        .await?
        .text();
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": prompt }] });
    let answer = post(&url, &key, body.to_string()).await?;
    if json {
        print::line(&format!("{answer:#}"));
    } else {
        print::line(
            answer["choices"][0]["message"]["content"]
                .as_str()
                .unwrap_or_default(),
        );
    }
    Ok(())
}

async fn default_model(desk: &Desk) -> Result<String, Failure> {
    let setting = desk
        .call(Method::GET, "/settings/ask.model", None)
        .await?
        .json()?;
    if let Some(model) = setting["value"].as_str().filter(|model| !model.is_empty()) {
        return Ok(model.to_owned());
    }
    let models = desk.call(Method::GET, "/models", None).await?.json()?;
    let first = models[0]["id"].as_str().map(str::to_owned);
    first.ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            "no model is known: name one with -m, or set ask.model",
        )
    })
}

async fn post(url: &str, key: &str, body: String) -> Result<Value, Failure> {
    let address = url.trim_start_matches("http://");
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .with_context(|| format!("{url} does not answer"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .with_context(|| format!("{url} does not answer"))?;
    tokio::spawn(connection);
    let request = Request::post("/v1/chat/completions")
        .header("host", address)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .context("the request could not be made")?;
    let response = sender
        .send_request(request)
        .await
        .context("the gateway broke off")?;
    let status = response.status();
    let bytes = response
        .into_body()
        .collect()
        .await
        .context("the gateway broke off")?
        .to_bytes();
    let answer: Value = serde_json::from_slice(&bytes)
        .context("the gateway answered with something else than JSON")?;
    if status.is_success() {
        return Ok(answer);
    }
    let exit = if status == http::StatusCode::NOT_FOUND {
        Exit::NotFound
    } else {
        Exit::Failed
    };
    Err(Failure::new(
        exit,
        answer["error"]["message"]
            .as_str()
            .unwrap_or("the request failed")
            .to_owned(),
    ))
}
