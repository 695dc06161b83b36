//! Every command but `serve` and `demo`: one or two calls of the admin API, and the answer as JSON or for people.

use std::path::Path;

use crate::args::{AccountCommand, Add, Command, Export, Import, SettingsCommand, TestCommand};
use crate::exit::Exit;
use anyhow::Context;
use engine::env::Env;
use engine::home::Home;
use http::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::failure::Failure;
use crate::{ask, edit, home, input, limits, login, naming, open_options, print, table};

/// Carries out a command.
pub(crate) async fn run(
    home: &Home,
    env: Env,
    json: bool,
    command: Command,
) -> Result<(), Failure> {
    let stdin_free = !reads_stdin(&command);
    // A prompt of our own needs no fixed port; the gateway of this one command takes any.
    let any_port = matches!(command, Command::Ask { .. });
    let desk = Desk::open(home, |lock| {
        let mut options = open_options(lock, env, stdin_free)?;
        if any_port {
            options.flags.push(("server.port".into(), "0".into()));
        }
        Ok(options)
    })
    .await?;
    if let Some(why) = desk.engine().and_then(|engine| engine.read_only()) {
        print::note(why);
    }
    let done = carry_out(&desk, json, command).await;
    desk.close().await;
    done
}

/// Whether the command itself reads standard input, so that a passphrase cannot come from there.
fn reads_stdin(command: &Command) -> bool {
    match command {
        Command::Ask { prompt, .. } => prompt == "-",
        Command::Account { command } => match command {
            AccountCommand::Import(import) => {
                import.passphrase_stdin || import.file.as_deref() == Some(Path::new("-"))
            }
            AccountCommand::Export(export) => export.passphrase_stdin || !export.yes,
            AccountCommand::Add(_) | AccountCommand::Login { .. } => true,
            AccountCommand::Remove { yes, .. } => !yes,
            _ => false,
        },
        Command::Backup(backup) => backup.passphrase_stdin,
        Command::Restore(restore) => restore.passphrase_stdin || !(restore.yes || restore.dry_run),
        Command::Clear(clear) => !clear.yes,
        Command::Reset(reset) => !reset.yes,
        Command::Test {
            command: TestCommand::Proxy { url, .. },
        } => url.as_deref() == Some("-"),
        Command::Diagnostics(diagnostics) => diagnostics.out.is_some() && !diagnostics.yes,
        _ => false,
    }
}

async fn carry_out(desk: &Desk, json: bool, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(_) | Command::Demo { .. } => Ok(()),
        Command::Status => status(desk, json).await,
        Command::Pause { minutes } => {
            pause(
                desk,
                json,
                "/pause",
                json!({"seconds": minutes.map(|minutes| minutes * 60)}),
            )
            .await
        }
        Command::Resume => pause(desk, json, "/resume", Value::Null).await,
        Command::Models { command } => naming::run(desk, json, command).await,
        Command::Quota { refresh } => {
            let path = if refresh {
                "/quota?refresh=true"
            } else {
                "/quota"
            };
            show(desk, path, json, table::accounts).await
        }
        Command::Journal { limit } => {
            show(desk, &format!("/journal?limit={limit}"), json, journal).await
        }
        Command::Explain { model } => {
            show(
                desk,
                &format!("/explain?model={}", escape(&model)),
                json,
                explain,
            )
            .await
        }
        Command::Ask { model, prompt } => ask::run(desk, json, model, prompt).await,
        Command::Key { command } => limits::key(desk, json, command).await,
        Command::Balance { refresh, command } => {
            limits::balance(desk, json, refresh, command).await
        }
        Command::Limit { command } => limits::limit(desk, json, command).await,
        Command::Account { command } => account(desk, json, command).await,
        Command::Settings { command } => settings(desk, json, command).await,
        Command::Backup(backup) => home::backup(desk, json, backup).await,
        Command::Restore(restore) => home::restore(desk, json, restore).await,
        Command::Clear(clear) => home::clear(desk, json, clear).await,
        Command::Reset(reset) => home::reset(desk, json, reset).await,
        Command::Test { command } => home::test(desk, json, command).await,
        Command::Diagnostics(diagnostics) => home::diagnostics(desk, json, diagnostics).await,
    }
}

/// A call whose answer is only shown.
pub(crate) async fn show(
    desk: &Desk,
    path: &str,
    json: bool,
    people: fn(&Value) -> String,
) -> Result<(), Failure> {
    let answer = desk.call(Method::GET, path, None).await?.json()?;
    tell(&answer, json, people);
    Ok(())
}

pub(crate) fn tell(answer: &Value, json: bool, people: fn(&Value) -> String) {
    if json {
        print::line(&format!("{answer:#}"));
        return;
    }
    let text = people(answer);
    if !text.is_empty() {
        print::line(&text);
    }
}

/// `pause` and `resume`: the running instance's state, so there has to be one.
async fn pause(desk: &Desk, json: bool, path: &str, body: Value) -> Result<(), Failure> {
    if desk.instance().is_none() {
        return Err(anyhow::anyhow!(
            "nothing is running; `switchyard serve` or the application starts the gateway"
        )
        .into());
    }
    let status = desk.call(Method::POST, path, Some(body)).await?.json()?;
    tell(&status, json, |status| standing(status).to_owned());
    Ok(())
}

/// Whether it serves, in a word or two.
fn standing(status: &Value) -> &'static str {
    match (status["paused"].as_bool(), status["paused_until"].is_null()) {
        (Some(true), true) => "Paused until `switchyard resume`",
        (Some(true), false) => "Paused for a while",
        _ => "Running",
    }
}

async fn status(desk: &Desk, json: bool) -> Result<(), Failure> {
    let mut status = desk.call(Method::GET, "/status", None).await?.json()?;
    status["serving"] = desk.instance().is_some().into();
    tell(&status, json, |status| {
        let mut lines = vec![match status["serving"].as_bool() {
            Some(true) => format!(
                "{} at {} ({} requests)",
                standing(status),
                table::cell(&status["url"]),
                status["running"]
            ),
            _ => "Not running".to_owned(),
        }];
        lines.push(format!(
            "Policy {}, auto-switch {}, secrets in {}, home {}",
            table::cell(&status["policy"]),
            if status["auto_switch"].as_bool() == Some(true) {
                "on"
            } else {
                "off"
            },
            table::cell(&status["vault"]),
            table::cell(&status["home"])
        ));
        if status["waiting"]
            .as_u64()
            .is_some_and(|waiting| waiting > 0)
        {
            lines.push(format!(
                "{} requests wait for a busy account",
                status["waiting"]
            ));
        }
        let groups = status["groups"].as_array().into_iter().flatten();
        lines.extend(groups.map(|group| {
            format!(
                "Group {}: {} of {} requests",
                table::cell(&group["name"]),
                group["running"],
                group["limit"]
            )
        }));
        lines.extend(
            status["notices"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|notice| format!("Warning: {}", table::cell(notice))),
        );
        lines.push(table::accounts(&status["accounts"]));
        lines.join("\n")
    });
    Ok(())
}

/// One line for each request, one below it for each attempt but a first one that went well.
fn journal(requests: &Value) -> String {
    let mut rows = Vec::new();
    for request in requests.as_array().into_iter().flatten() {
        let cells = [
            "endpoint",
            "model",
            "account",
            "status",
            "outcome",
            "duration_ms",
            "error_code",
        ];
        rows.push(
            cells
                .iter()
                .map(|name| table::cell(&request[name]))
                .collect::<Vec<_>>(),
        );
        let attempts = request["attempts"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for attempt in attempts
            .iter()
            .filter(|attempt| attempts.len() > 1 || attempt["outcome"] != "success")
        {
            let account = table::cell(&attempt["account"]);
            let (status, outcome) = (
                table::cell(&attempt["status"]),
                table::cell(&attempt["outcome"]),
            );
            let (took, reason) = (
                table::cell(&attempt["duration_ms"]),
                table::cell(&attempt["reason"]),
            );
            rows.push(vec![
                "  tried".into(),
                String::new(),
                account,
                status,
                outcome,
                took,
                reason,
            ]);
        }
    }
    table::table(
        &["PATH", "MODEL", "ACCOUNT", "STATUS", "OUTCOME", "MS", "WHY"],
        &rows,
    )
}

fn explain(lines: &Value) -> String {
    let row = |line: &Value| {
        // One of the two is there.
        let why = [&line["because"], &line["reason"]]
            .map(table::cell)
            .concat();
        vec![
            table::cell(&line["rank"]),
            table::cell(&line["label"]),
            why,
            table::cell(&line["source"]),
        ]
    };
    let rows: Vec<Vec<String>> = lines.as_array().into_iter().flatten().map(row).collect();
    table::table(&["TURN", "ACCOUNT", "WHY", "LEARNT FROM"], &rows)
}

async fn account(desk: &Desk, json: bool, command: AccountCommand) -> Result<(), Failure> {
    let one = |id: &str, verb: &str| format!("/accounts/{}{verb}", escape(id));
    match command {
        AccountCommand::List => {
            let accounts = desk.call(Method::GET, "/accounts", None).await?.json()?;
            tell(&accounts, json, table::accounts);
            if accounts.as_array().is_some_and(Vec::is_empty) {
                return Err(Failure::new(
                    Exit::NotFound,
                    "There is no account yet: `switchyard account login`, `switchyard account import FILE` or `switchyard account add` adds one.",
                ));
            }
            Ok(())
        }
        AccountCommand::Show { id } => show(desk, &one(&id, ""), json, table::fields).await,
        AccountCommand::Activate { id } => change(desk, &one(&id, "/activate"), json).await,
        AccountCommand::Enable { id } => change(desk, &one(&id, "/enable"), json).await,
        AccountCommand::Disable { id } => change(desk, &one(&id, "/disable"), json).await,
        AccountCommand::Refresh { id } => {
            let path = id
                .as_deref()
                .map_or("/accounts/refresh".to_owned(), |id| one(id, "/refresh"));
            let results = desk.call(Method::POST, &path, None).await?.json()?;
            tell(&results, json, |results| {
                let row = |line: &Value| {
                    vec![
                        table::cell(&line["label"]),
                        table::cell(&line["result"]),
                        table::cell(&line["reason"]),
                    ]
                };
                table::table(
                    &["ACCOUNT", "RESULT", "WHY"],
                    &results
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(row)
                        .collect::<Vec<_>>(),
                )
            });
            let failed = results
                .as_array()
                .into_iter()
                .flatten()
                .any(|line| line["result"] == "failed");
            if failed {
                Err(Failure::new(
                    Exit::Failed,
                    "not every account could be refreshed",
                ))
            } else {
                Ok(())
            }
        }
        AccountCommand::Order { ids } => {
            let accounts = desk
                .call(Method::POST, "/accounts/order", Some(json!({ "ids": ids })))
                .await?
                .json()?;
            tell(&accounts, json, table::accounts);
            Ok(())
        }
        AccountCommand::Set { id, changes } => edit::set(desk, json, &id, &changes).await,
        AccountCommand::Remove { id, yes } => {
            let account = desk.call(Method::GET, &one(&id, ""), None).await?.json()?;
            let question = format!(
                "Remove {} and its credential?",
                table::cell(&account["label"])
            );
            if !yes && !input::confirm(&question, "--yes")? {
                return Err(Failure::new(Exit::Failed, "nothing was removed"));
            }
            desk.call(Method::DELETE, &one(&table::cell(&account["id"]), ""), None)
                .await?;
            if json {
                print::line(&format!("{:#}", json!({ "removed": account["id"] })));
            }
            Ok(())
        }
        AccountCommand::Import(import) => import_accounts(desk, json, import).await,
        AccountCommand::Export(export) => export_accounts(desk, json, export).await,
        AccountCommand::Add(add) => add_account(desk, json, add).await,
        AccountCommand::Presets => naming::presets(desk, json).await,
        AccountCommand::Login { device, account } => login::run(desk, json, device, account).await,
    }
}

async fn change(desk: &Desk, path: &str, json: bool) -> Result<(), Failure> {
    let account = desk.call(Method::POST, path, None).await?.json()?;
    tell(&json!([account]), json, table::accounts);
    Ok(())
}

async fn import_accounts(desk: &Desk, json: bool, import: Import) -> Result<(), Failure> {
    let answer = if import.from_codex {
        let path = format!("/accounts/import-codex?dry_run={}", import.dry_run);
        desk.call(Method::POST, &path, None).await?
    } else {
        let text = match import.file.as_deref() {
            None => String::new(),
            Some(file) if file == Path::new("-") => input::all()?,
            Some(file) => engine::import::gather(file)
                .map_err(anyhow::Error::from)?
                .expose_secret()
                .to_owned(),
        };
        let passphrase = match import.passphrase_stdin {
            true => Some(input::line()?.expose_secret().to_owned()),
            false => None,
        };
        let body = json!({ "text": text, "passphrase": passphrase, "dry_run": import.dry_run, "verify": import.verify });
        desk.call(Method::POST, "/accounts/import", Some(body))
            .await?
    };
    let report = answer.json()?;
    tell(&report, json, |report| {
        let row = |item: &Value| {
            let cells = ["item", "action", "kind", "label", "email", "plan"];
            cells
                .iter()
                .map(|name| table::cell(&item[name]))
                .collect::<Vec<_>>()
        };
        let items: Vec<Vec<String>> = report["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(row)
            .collect();
        let mut text = table::table(
            &["ITEM", "ACTION", "KIND", "LABEL", "E-MAIL", "PLAN"],
            &items,
        );
        text.push_str(&format!(
            "\n{} added, {} updated, {} failed",
            report["added"], report["updated"], report["failed"]
        ));
        for error in report["errors"].as_array().into_iter().flatten() {
            text.push_str(&format!("\n{}", table::cell(error)));
        }
        text
    });
    let failed = report["failed"].as_u64().unwrap_or(0);
    if failed > 0 {
        Err(Failure::new(
            Exit::Failed,
            format!("{failed} items were not imported"),
        ))
    } else {
        Ok(())
    }
}

async fn export_accounts(desk: &Desk, json: bool, export: Export) -> Result<(), Failure> {
    use std::io::IsTerminal;
    let to_stdout = export.out == Path::new("-");
    if to_stdout && std::io::stdout().is_terminal() && !export.force {
        return Err(Failure::new(
            Exit::Usage,
            "secrets are not written to a terminal; name a file, or say --force",
        ));
    }
    if !to_stdout && export.out.exists() && !export.force {
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "{} is there already; say --force to replace it",
                export.out.display()
            ),
        ));
    }
    let passphrase = if export.passphrase_stdin {
        Some(input::line()?)
    } else {
        None
    };
    let plain = if passphrase.is_some() {
        "encrypted"
    } else {
        "in plain text"
    };
    if !export.yes
        && !input::confirm(
            &format!("Write accounts with their secrets, {plain}?"),
            "--yes",
        )?
    {
        return Err(Failure::new(Exit::Failed, "nothing was exported"));
    }
    let body = json!({ "ids": export.ids, "passphrase": passphrase.as_ref().map(|p| p.expose_secret().to_owned()) });
    let text = desk
        .call(Method::POST, "/local/export", Some(body))
        .await?
        .text();
    if to_stdout {
        print::line(text.trim_end());
    } else {
        let secret = secrecy::SecretString::from(text);
        engine::export::write_export(&export.out, &secret)
            .with_context(|| format!("{} cannot be written", export.out.display()))?;
        print::note(&format!(
            "Written to {}. Whoever reads this file can use the accounts.",
            export.out.display()
        ));
        if json {
            print::line(&format!("{:#}", json!({ "written": export.out })));
        }
    }
    Ok(())
}

async fn add_account(desk: &Desk, json: bool, add: Add) -> Result<(), Failure> {
    if add.many {
        return limits::add_many(desk, json, add).await;
    }
    let key = input::key()?;
    let header = |(name, value): &(String, String)| json!({ "name": name, "value": value });
    let body = json!({
        "kind": add.kind.map_or("", crate::args::Kind::as_str),
        "label": add.label,
        "base_url": add.base_url.unwrap_or_default(),
        "format": add.format.map_or("", crate::args::Format::as_str),
        "preset": add.preset,
        "auth": add.extras.auth.map(crate::args::Auth::as_str),
        "headers": add.extras.headers.iter().map(header).collect::<Vec<_>>(),
        "reads_suffixes": add.extras.reads_suffixes,
        "effort": add.extras.effort,
        "key": key.expose_secret(),
        "models": add.models,
        "group": add.group,
        "priority": add.priority,
        "proxy": add.proxy,
    });
    let account = desk
        .call(Method::POST, "/accounts", Some(body))
        .await?
        .json()?;
    tell(&json!([account]), json, table::accounts);
    naming::tell_notice(desk, &account).await
}

async fn settings(desk: &Desk, json: bool, command: SettingsCommand) -> Result<(), Failure> {
    let path = |key: &str| format!("/settings/{}", escape(key));
    match command {
        SettingsCommand::List => {
            show(desk, "/settings", json, |settings| {
                let row = |setting: &Value| {
                    ["key", "value", "source", "locked_by", "apply", "allowed"]
                        .iter()
                        .map(|name| table::cell(&setting[name]))
                        .collect::<Vec<_>>()
                };
                table::table(
                    &["KEY", "VALUE", "FROM", "LOCKED BY", "ACTS", "ALLOWED"],
                    &settings
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(row)
                        .collect::<Vec<_>>(),
                )
            })
            .await
        }
        SettingsCommand::Get { key } => {
            show(desk, &path(&key), json, |setting| {
                table::cell(&setting["value"])
            })
            .await
        }
        SettingsCommand::Set { key, value } => {
            let answer = desk
                .call(Method::PUT, &path(&key), Some(json!({ "value": value })))
                .await?
                .json()?;
            tell(&answer, json, acts);
            Ok(())
        }
        SettingsCommand::Unset { key } => {
            let answer = desk.call(Method::DELETE, &path(&key), None).await?.json()?;
            tell(&answer, json, acts);
            Ok(())
        }
    }
}

fn acts(setting: &Value) -> String {
    format!(
        "{} = {} (acts: {})",
        table::cell(&setting["key"]),
        table::cell(&setting["value"]),
        table::cell(&setting["apply"])
    )
}

/// A path segment or query value.
pub(crate) fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_travel_in_a_path() {
        assert_eq!(escape("a b/ü"), "a%20b%2F%C3%BC");
    }
}
