//! `account set`: what a person may change of an account, by name and value; an empty value clears. The names and what they mean on the wire are a table.

use http::Method;
use serde_json::{Map, Value, json};

use crate::commands::{escape, tell};
use crate::desk::Desk;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table;

/// How a value is read.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    YesNo,
    List,
    /// A list of formats, each at the account's own address.
    Formats,
    /// A list of words; no word is nothing said.
    Words,
    /// Models that take turns, perhaps with `;every=N` behind them.
    Turns,
}

use Kind::{Formats, List, Number, Text, Turns, Words, YesNo};

/// Name, field on the wire, how it is read; the first nine are the account's, the others say how it is spoken to.
const FIELDS: [(&str, &str, Kind); 15] = [
    ("label", "label", Text),
    ("models", "allowed_models", List),
    ("group", "group", Text),
    ("priority", "priority", Number),
    ("proxy", "proxy", Text),
    ("excluded", "excluded", YesNo),
    ("reserve", "reserve_percent", Number),
    ("slots", "slots", Number),
    ("notes", "notes", Text),
    ("auth", "auth", Text),
    ("reads_suffixes", "reads_suffixes", YesNo),
    ("effort", "effort", Text),
    ("formats", "wires", Formats),
    ("capabilities", "capabilities", Words),
    ("turns", "turns", Turns),
];
const OF_THE_ACCOUNT: usize = 9;

type Bodies = (Map<String, Value>, Map<String, Value>);

pub(crate) async fn set(
    desk: &Desk,
    json: bool,
    id: &str,
    changes: &[String],
) -> Result<(), Failure> {
    let (account, options) = bodies(changes).map_err(|why| Failure::new(Exit::Usage, why))?;
    let mut path = format!("/accounts/{}", escape(id));
    if !account.is_empty() {
        let changed = desk
            .call(Method::PATCH, &path, Some(account.into()))
            .await?
            .json()?;
        // The label may be another one now.
        path = format!("/accounts/{}", escape(&table::cell(&changed["id"])));
    }
    if !options.is_empty() {
        let path = format!("{path}/options");
        desk.call(Method::PATCH, &path, Some(options.into()))
            .await?;
    }
    let account = desk.call(Method::GET, &path, None).await?.json()?;
    tell(&json!([account]), json, table::accounts);
    Ok(())
}

/// The two bodies of the changes; an error says what is wrong with them.
fn bodies(changes: &[String]) -> Result<Bodies, String> {
    let mut both = Bodies::default();
    for change in changes {
        let (name, value) = change
            .split_once('=')
            .ok_or_else(|| format!("{change:?} is not NAME=VALUE"))?;
        let place = FIELDS
            .iter()
            .position(|(known, ..)| *known == name)
            .ok_or_else(|| {
                let names: Vec<&str> = FIELDS.iter().map(|(name, ..)| *name).collect();
                format!("{name:?} is not one of {}", names.join(", "))
            })?;
        let (_, field, kind) = FIELDS[place];
        let body = if place < OF_THE_ACCOUNT {
            &mut both.0
        } else {
            &mut both.1
        };
        let value = read(value.trim(), kind)
            .ok_or_else(|| format!("{value:?} cannot be the value of {name}"))?;
        if body.insert(field.to_owned(), value).is_some() {
            return Err(format!("{name} is named twice"));
        }
    }
    Ok(both)
}

fn read(text: &str, kind: Kind) -> Option<Value> {
    let split = |text: &'_ str| -> Vec<String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let parts = || split(text).into_iter();
    Some(match kind {
        YesNo => match text {
            "true" | "yes" | "on" => true.into(),
            "false" | "no" | "off" => false.into(),
            _ => return None,
        },
        Formats => parts().map(|format| json!({ "format": format })).collect(),
        Words => parts().collect(),
        // Not a word: `none` is an effort.
        _ if text.is_empty() => Value::Null,
        Number => text.parse::<u32>().ok()?.into(),
        List => parts().collect(),
        Turns => match text.split_once(';') {
            None => json!({ "models": split(text) }),
            Some((models, every)) => {
                let every = every.trim().strip_prefix("every=")?.parse::<u32>().ok()?;
                json!({ "models": split(models), "every": every })
            }
        },
        Text => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies_of(changes: &[&str]) -> Result<Value, String> {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        bodies(&changes).map(|(account, options)| json!([account, options]))
    }

    #[test]
    fn f14_names_and_values_become_the_fields_of_the_two_calls() {
        let told = bodies_of(&[
            "slots=4",
            "reserve=20",
            "models=a, b*",
            "group=",
            "excluded=yes",
            "notes=a=b",
            "effort=high",
            "auth=",
            "formats=anthropic,openai",
            "capabilities=chat, embeddings",
            "turns=a,b;every=7",
        ]);
        let expected = json!([
            {"slots": 4, "reserve_percent": 20, "allowed_models": ["a", "b*"], "group": null, "excluded": true, "notes": "a=b"},
            {"effort": "high", "auth": null, "wires": [{"format": "anthropic"}, {"format": "openai"}], "capabilities": ["chat", "embeddings"], "turns": {"models": ["a", "b"], "every": 7}},
        ]);
        assert_eq!(told, Ok(expected));
        assert_eq!(
            bodies_of(&["capabilities=", "turns="]),
            Ok(json!([{}, {"capabilities": [], "turns": null}]))
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_before_anything_is_changed() {
        for (changes, words) in [
            (&["slots"][..], "NAME=VALUE"),
            (&["colour=red"], "is not one of label, models"),
            (&["slots=many"], "cannot be the value of slots"),
            (&["turns=a,b;each=7"], "cannot be the value of turns"),
            (&["excluded=perhaps"], "cannot be the value of excluded"),
            (&["slots=1", "slots=2"], "slots is named twice"),
        ] {
            let told = bodies_of(changes).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }
}
