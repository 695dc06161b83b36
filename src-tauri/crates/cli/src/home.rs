//! `backup`, `restore`, `clear`, `reset`, `test`, `diagnostics`: calls of the admin API about the home itself. What cannot be undone asks.

use std::path::{Path, PathBuf};

use crate::args::{
    Backup, BackupCommand, Clear, ClearCommand, Diagnostics, Reset, ResetCommand, Restore,
    TestCommand,
};
use crate::exit::Exit;
use anyhow::Context;
use http::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::commands::{escape, show, tell};
use crate::desk::Desk;
use crate::failure::Failure;
use crate::{input, print, table};

pub(crate) async fn backup(desk: &Desk, json: bool, backup: Backup) -> Result<(), Failure> {
    if let Some(BackupCommand::List) = backup.command {
        return show(desk, "/backups", json, backups).await;
    }
    let Some(out) = backup.out else {
        let made = desk.call(Method::POST, "/backups", None).await?.json()?;
        tell(&made, json, |made| {
            format!("Made {}", table::cell(&made["name"]))
        });
        return Ok(());
    };
    let out = whole(&out)?;
    if out.exists() && !backup.force {
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "{} is there already; say --force to replace it",
                out.display()
            ),
        ));
    }
    let passphrase = passphrase(backup.passphrase_stdin)?;
    let body = json!({ "path": out, "passphrase": passphrase });
    let written = desk.call(Method::POST, "/backup/file", Some(body)).await?;
    tell(&written.json()?, json, |written| {
        let with = if written["secrets"] == true {
            "with"
        } else {
            "without"
        };
        format!(
            "{} accounts and {} settings, {with} secrets, in {}",
            written["accounts"],
            written["settings"],
            table::cell(&written["path"])
        )
    });
    Ok(())
}

fn backups(list: &Value) -> String {
    let row = |backup: &Value| {
        vec![
            table::cell(&backup["name"]),
            table::time(&backup["made_at"]),
            table::cell(&backup["sort"]),
            table::cell(&backup["bytes"]),
        ]
    };
    let rows: Vec<_> = list["backups"]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    let mut text = table::table(&["NAME", "MADE", "WHY", "BYTES"], &rows);
    if list["pending"] == true {
        text.push_str("\nA backup takes the database's place at the next start.");
    }
    if let Some(name) = list["offered"].as_str() {
        text.push_str(&format!(
            "\nThe database cannot be read: `switchyard restore {name}` puts the last good backup in its place."
        ));
    }
    text
}

pub(crate) async fn restore(desk: &Desk, json: bool, restore: Restore) -> Result<(), Failure> {
    let name = match &restore.what {
        None => newest(desk).await?,
        Some(what) => match what.to_str() {
            Some(name) if name.starts_with("switchyard.db.backup-") && !what.exists() => {
                name.to_owned()
            }
            _ => return restore_file(desk, json, restore).await,
        },
    };
    let path = format!("/backups/{}", escape(&name));
    let preview = desk.call(Method::GET, &path, None).await?.json()?;
    if json && restore.dry_run {
        print::line(&format!("{preview:#}"));
        return Ok(());
    }
    let text = database(&preview);
    if restore.dry_run {
        print::line(&text);
        return Ok(());
    }
    print::note(&text);
    agree(
        restore.yes,
        "Put this backup in the place of the database?",
        "nothing was restored",
    )?;
    desk.call(Method::POST, &format!("{path}/restore"), None)
        .await?;
    tell(
        &json!({ "restored": name, "acts": "next_start" }),
        json,
        |_| {
            "It takes the database's place at the next start; any command is one while nothing runs.".to_owned()
        },
    );
    Ok(())
}

async fn newest(desk: &Desk) -> Result<String, Failure> {
    let list = desk.call(Method::GET, "/backups", None).await?.json()?;
    let first = &list["backups"][0]["name"];
    let name = list["offered"].as_str().or(first.as_str());
    name.map(str::to_owned).ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            "There is no backup yet: `switchyard backup` makes one.",
        )
    })
}

fn database(preview: &Value) -> String {
    let row = |account: &Value| {
        let sign_in = if account["credential"] == true {
            ""
        } else {
            "has to sign in"
        };
        vec![
            table::cell(&account["label"]),
            table::cell(&account["kind"]),
            table::cell(&account["email"]),
            if account["here"] == true {
                ""
            } else {
                "comes back"
            }
            .to_owned(),
            sign_in.to_owned(),
        ]
    };
    let rows: Vec<_> = preview["accounts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(row)
        .collect();
    let mut text = format!(
        "{} of {}\n",
        table::cell(&preview["backup"]["name"]),
        table::time(&preview["backup"]["made_at"])
    );
    text.push_str(&table::table(
        &["ACCOUNT", "KIND", "E-MAIL", "CHANGE", "CREDENTIAL"],
        &rows,
    ));
    let removed = table::cell(&preview["removed"]);
    if !removed.is_empty() {
        text.push_str(&format!("\nNot in it: {removed}"));
    }
    text
}

async fn restore_file(desk: &Desk, json: bool, restore: Restore) -> Result<(), Failure> {
    let path = whole(restore.what.as_deref().unwrap_or(Path::new("")))?;
    if !path.is_file() {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "there is no file {}; `switchyard backup list` shows the backups in the home",
                path.display()
            ),
        ));
    }
    let passphrase = passphrase(restore.passphrase_stdin)?;
    let call = |dry_run: bool| {
        let body = json!({ "path": path, "passphrase": passphrase, "dry_run": dry_run });
        desk.call(Method::POST, "/backup/file/restore", Some(body))
    };
    if restore.dry_run || !restore.yes {
        let report = call(true).await?.json()?;
        if restore.dry_run {
            tell(&report, json, restored);
            return Ok(());
        }
        print::note(&restored(&report));
        agree(false, "Restore this?", "nothing was restored")?;
    }
    tell(&call(false).await?.json()?, json, restored);
    Ok(())
}

fn restored(report: &Value) -> String {
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let cells = |item: &Value, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| table::cell(&item[*name])).collect()
    };
    let accounts: Vec<_> = list("accounts")
        .iter()
        .map(|account| cells(account, &["label", "kind", "email", "action", "credential"]))
        .collect();
    let mut text = table::table(
        &["ACCOUNT", "KIND", "E-MAIL", "ACTION", "CREDENTIAL"],
        &accounts,
    );
    let settings: Vec<_> = list("settings")
        .iter()
        .map(|setting| cells(setting, &["key", "from", "to", "kept"]))
        .collect();
    if !settings.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table::table(
            &["SETTING", "FROM", "TO", "STAYS BECAUSE"],
            &settings,
        ));
    }
    let keys = table::cell(&report["keys"]);
    if !keys.is_empty() {
        text.push_str(&format!("\n\nGateway keys: {keys}"));
    }
    text
}

pub(crate) async fn clear(desk: &Desk, json: bool, clear: Clear) -> Result<(), Failure> {
    let (path, what) = match clear.command {
        ClearCommand::Journal => ("/journal", "the journal of requests"),
        ClearCommand::Usage => ("/usage", "the sums of usage"),
        ClearCommand::Samples => ("/quota/history", "the history of quota"),
    };
    agree(clear.yes, &format!("Clear {what}?"), "nothing was cleared")?;
    counted(desk, json, Method::DELETE, path, |answer| {
        format!("{} rows cleared", answer["count"])
    })
    .await
}

pub(crate) async fn reset(desk: &Desk, json: bool, reset: Reset) -> Result<(), Failure> {
    match reset.command {
        ResetCommand::Usage => {
            let command = ClearCommand::Usage;
            let yes = reset.yes;
            clear(desk, json, Clear { command, yes }).await
        }
        ResetCommand::SignIns => {
            agree(
                reset.yes,
                "Forget the tokens of every sign-in?",
                "nobody was logged out",
            )?;
            counted(desk, json, Method::POST, "/accounts/log-out", |answer| {
                format!("{} sign-ins logged out", answer["count"])
            })
            .await
        }
        ResetCommand::Factory => {
            agree(
                reset.yes,
                "Remove all accounts, credentials, gateway keys, settings, history, backups and logs of this home?",
                "nothing was reset",
            )?;
            let body = json!({ "confirm": "factory reset" });
            desk.call(Method::POST, "/reset", Some(body)).await?;
            tell(&json!({ "reset": "factory" }), json, |_| {
                "Everything is as at the beginning; `switchyard key` prints the new gateway key."
                    .to_owned()
            });
            Ok(())
        }
    }
}

async fn counted(
    desk: &Desk,
    json: bool,
    method: Method,
    path: &str,
    people: fn(&Value) -> String,
) -> Result<(), Failure> {
    tell(&desk.call(method, path, None).await?.json()?, json, people);
    Ok(())
}

pub(crate) async fn test(desk: &Desk, json: bool, command: TestCommand) -> Result<(), Failure> {
    let (answer, well) = match command {
        TestCommand::Account { id, model } => {
            let path = format!("/accounts/{}/test", escape(&id));
            let body = json!({ "model": model });
            let answer = desk.call(Method::POST, &path, Some(body)).await?.json()?;
            tell(&answer, json, table::fields);
            let well = answer["ok"] == true;
            (answer, well)
        }
        TestCommand::Proxy { url, account } => {
            let url = match url.as_deref() {
                Some("-") => Some(input::line()?.expose_secret().to_owned()),
                _ => url,
            };
            let body = json!({ "url": url, "account": account });
            let answer = desk
                .call(Method::POST, "/proxy/test", Some(body))
                .await?
                .json()?;
            tell(&answer, json, |one| reached(&json!([one])));
            let well = answer["standing"] != "down";
            (answer, well)
        }
        TestCommand::Network => {
            let answer = desk
                .call(Method::POST, "/network/test", None)
                .await?
                .json()?;
            tell(&answer, json, reached);
            let down = |one: &Value| one["standing"] == "down";
            let well = !answer.as_array().into_iter().flatten().any(down);
            (answer, well)
        }
    };
    drop(answer);
    if well {
        Ok(())
    } else {
        Err(Failure::new(Exit::Failed, "not everything answered"))
    }
}

fn reached(list: &Value) -> String {
    let row = |one: &Value| {
        let proxy = one["proxy"].as_str().unwrap_or("direct").to_owned();
        let mut cells: Vec<String> = ["host", "standing", "status", "latency_ms", "problem"]
            .iter()
            .map(|name| table::cell(&one[*name]))
            .collect();
        cells.insert(1, proxy);
        cells
    };
    let rows: Vec<_> = list.as_array().into_iter().flatten().map(row).collect();
    table::table(
        &["HOST", "THROUGH", "STANDING", "STATUS", "MS", "WHY"],
        &rows,
    )
}

pub(crate) async fn diagnostics(
    desk: &Desk,
    json: bool,
    diagnostics: Diagnostics,
) -> Result<(), Failure> {
    let bundle = desk.call(Method::GET, "/diagnostics", None).await?.json()?;
    let Some(out) = diagnostics.out else {
        tell(&bundle, json, |bundle| table::cell(&bundle["text"]));
        return Ok(());
    };
    let out = whole(&out)?;
    // F147: shown before it is saved.
    print::note(&table::cell(&bundle["text"]));
    let question = format!("Save this to {}?", out.display());
    agree(diagnostics.yes, &question, "nothing was saved")?;
    let body = json!({ "path": out, "text": bundle["text"] });
    desk.call(Method::POST, "/diagnostics/file", Some(body))
        .await?;
    tell(&json!({ "path": out }), json, |saved| {
        format!("Saved to {}", table::cell(&saved["path"]))
    });
    Ok(())
}

/// Asks, unless told not to.
fn agree(yes: bool, question: &str, not_done: &str) -> Result<(), Failure> {
    if yes || input::confirm(question, "--yes")? {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, not_done))
}

/// The instance may have another working directory.
fn whole(path: &Path) -> Result<PathBuf, Failure> {
    Ok(std::path::absolute(path).context("the path cannot be used")?)
}

fn passphrase(wanted: bool) -> Result<Option<String>, Failure> {
    Ok(match wanted {
        true => Some(input::line()?.expose_secret().to_owned()),
        false => None,
    })
}
