//! `models …` and `account presets`: lists of models, their names, known providers.

use crate::args::ModelsCommand;
use http::Method;
use serde_json::{Value, json};

use crate::commands::{escape, show, tell};
use crate::desk::Desk;
use crate::failure::Failure;
use crate::{print, table};

pub(crate) async fn run(
    desk: &Desk,
    json: bool,
    command: Option<ModelsCommand>,
) -> Result<(), Failure> {
    match command {
        None => show(desk, "/models", json, models).await,
        Some(ModelsCommand::Lists) => show(desk, "/models/lists", json, lists).await,
        Some(ModelsCommand::Names) => show(desk, "/models/names", json, names).await,
        Some(ModelsCommand::Refresh { account }) => {
            let body = json!({ "account": account });
            let answer = desk.call(Method::POST, "/models/refresh", Some(body));
            tell(&answer.await?.json()?, json, lists);
            Ok(())
        }
        Some(ModelsCommand::Alias {
            alias,
            model,
            group,
        }) => {
            let path = format!("/models/aliases/{}", escape(&alias));
            let body = json!({ "model": model, "group": group });
            let set = desk.call(Method::PUT, &path, Some(body)).await?.json()?;
            tell(&json!([set]), json, aliases);
            Ok(())
        }
        Some(ModelsCommand::Unalias { alias }) => {
            let path = format!("/models/aliases/{}", escape(&alias));
            desk.call(Method::DELETE, &path, None).await?;
            if json {
                print::line(&format!("{:#}", json!({ "removed": alias })));
            }
            Ok(())
        }
    }
}

/// The rows of a list of objects.
fn rows(list: &Value, columns: &[&str]) -> Vec<Vec<String>> {
    let row = |item: &Value| {
        let cells = columns.iter().map(|column| table::cell(&item[*column]));
        cells.collect()
    };
    list.as_array().into_iter().flatten().map(row).collect()
}

fn models(list: &Value) -> String {
    table::table(&["MODEL", "FROM"], &rows(list, &["id", "owned_by"]))
}

fn lists(list: &Value) -> String {
    let counted: Vec<Value> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let mut one = one.clone();
            one["models"] = one["models"].as_array().map_or(0, Vec::len).into();
            one
        })
        .collect();
    table::table(
        &["ACCOUNT", "MODELS", "FROM", "TOLD AT (MS)", "PROBLEM"],
        &rows(
            &counted.into(),
            &["label", "models", "source", "at", "problem"],
        ),
    )
}

fn aliases(list: &Value) -> String {
    table::table(
        &["ALIAS", "MODEL", "GROUP", "LEADS TO", "ACCOUNTS"],
        &rows(list, &["alias", "model", "group", "leads_to", "accounts"]),
    )
}

fn names(names: &Value) -> String {
    let levels: Vec<Vec<String>> = names["levels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(model, levels)| vec![model.clone(), table::cell(levels)])
        .collect();
    [
        aliases(&names["aliases"]),
        table::table(
            &["PATTERN", "MODEL"],
            &rows(&names["patterns"], &["pattern", "model"]),
        ),
        table::table(&["MODEL", "LEVELS"], &levels),
    ]
    .join("\n\n")
}

/// `account presets`
pub(crate) async fn presets(desk: &Desk, json: bool) -> Result<(), Failure> {
    show(desk, "/presets", json, |presets| {
        table::table(
            &["PRESET", "PROVIDER", "FORMAT", "BASE URL", "NOTICE"],
            &rows(presets, &["name", "title", "format", "base_url", "notice"]),
        )
    })
    .await
}

/// What the person should know of an account that was just added, told on standard error (F110).
pub(crate) async fn tell_notice(desk: &Desk, account: &Value) -> Result<(), Failure> {
    let id = table::cell(&account["id"]);
    let path = format!("/accounts/{}/options", escape(&id));
    let options = desk.call(Method::GET, &path, None).await?.json()?;
    if let Some(notice) = options["notice"].as_str() {
        print::note(notice);
    }
    Ok(())
}
