//! `switchyard account login`: shows where to sign in, and waits. It opens nothing by itself; what the browser ended on may be pasted on
//! standard input (F3).

use std::time::Duration;

use crate::exit::Exit;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::desk::Desk;
use crate::failure::Failure;
use crate::{print, table};

/// How long between two looks at where the sign-in stands.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What is said once, when a second account is added (F31).
const TERMS: &str = "You are adding another ChatGPT account. Use accounts that are your own, and within the provider's terms: they apply to each of them.";

/// Signs in; `again` names the account to do it for.
pub(crate) async fn run(
    desk: &Desk,
    json: bool,
    device: bool,
    again: Option<String>,
) -> Result<(), Failure> {
    let kind = if device { "device" } else { "browser" };
    let body = json!({ "kind": kind, "account_id": again });
    let begun = desk
        .call(Method::POST, "/signin", Some(body))
        .await?
        .json()?;
    show(&begun, json);
    let path = format!("/signin/{}", table::cell(&begun["id"]));
    let lines = if device { None } else { Some(lines()) };
    let ended = tokio::select! {
        ended = follow(desk, &path, lines) => ended?,
        _ = tokio::signal::ctrl_c() => {
            desk.call(Method::DELETE, &path, None).await?;
            return Err(Failure::new(Exit::Failed, "The sign-in was given up."));
        }
    };
    match ended["state"].as_str() {
        Some("done") => {
            let account = &ended["account"];
            if json {
                print::line(&format!("{account:#}"));
            } else {
                print::note(&format!("Signed in as {}.", table::cell(&account["label"])));
            }
            Ok(())
        }
        Some("expired") => Err(Failure::new(
            Exit::Failed,
            "The sign-in has expired; run the command again.",
        )),
        Some("cancelled") => Err(Failure::new(
            Exit::Failed,
            "The sign-in was ended by another one.",
        )),
        _ => Err(Failure::new(
            Exit::Failed,
            format!("The sign-in did not work: {}", table::cell(&ended["error"])),
        )),
    }
}

/// What the person needs: the address and the code alone stand on standard output, where a script finds them.
fn show(begun: &Value, json: bool) {
    let result = if json { print::note } else { print::line };
    if begun["terms"] == true {
        print::note(TERMS);
    }
    if let Some(code) = begun["user_code"].as_str() {
        print::note("Open this address on any device and type the code below it:");
        result(&table::cell(&begun["verification_url"]));
        result(code);
        print::note("Waiting for the code, at most 15 minutes. Ctrl-C gives up.");
        return;
    }
    print::note("Open this address in a browser and sign in:");
    result(&table::cell(&begun["url"]));
    if begun["listening"] == true {
        print::note(
            "Waiting for the browser to come back, at most 5 minutes. Is it on another machine? Paste the address it ended on here. Ctrl-C gives up.",
        );
    } else {
        print::note(
            "The ports 1455 and 1457 of this machine are busy, so the browser cannot come back: paste the address it ended on here, within 5 minutes. Ctrl-C gives up.",
        );
    }
}

/// Waits for the end, and hands in what is pasted. A text that does not fit is answered, and the waiting goes on.
async fn follow(
    desk: &Desk,
    path: &str,
    mut lines: Option<mpsc::Receiver<String>>,
) -> Result<Value, Failure> {
    loop {
        let line = tokio::select! {
            line = next(&mut lines) => Some(line),
            () = tokio::time::sleep(LOOK_AGAIN) => None,
        };
        if let Some(text) = line {
            let (place, body) = (format!("{path}/paste"), json!({ "text": text }));
            if let Err(refused) = desk.call(Method::POST, &place, Some(body)).await {
                print::note(&refused.message);
            }
        }
        let now = desk.call(Method::GET, path, None).await?.json()?;
        if !matches!(now["state"].as_str(), Some("waiting" | "exchanging")) {
            return Ok(now);
        }
    }
}

/// The next line, for ever none after the last.
async fn next(lines: &mut Option<mpsc::Receiver<String>>) -> String {
    if let Some(open) = lines {
        if let Some(line) = open.recv().await {
            return line;
        }
        *lines = None;
    }
    std::future::pending().await
}

/// The lines of standard input. On a thread of its own, which the end of the program does not wait for: nothing may ever come.
fn lines() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            let line = line.trim();
            if !line.is_empty() && send.blocking_send(line.to_owned()).is_err() {
                return;
            }
        }
    });
    receive
}
