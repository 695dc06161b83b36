//! The account that a client asks for by name (F38): by the header `x-switchyard-account`, or by `LABEL/model`.
//!
//! Finds the account, nothing more: whether it can serve is the pool's decision, and no other one ever serves in its place. Called by `surface`.

use http::{HeaderMap, StatusCode};
use pool::{AccountId, Pool};

use crate::Gateway;
use crate::config::Catalog;
use crate::forward::ACCOUNT;
use crate::reply::Refusal;

/// The account asked for, and the model without its prefix.
pub(crate) struct Pin<'m> {
    pub(crate) account: Option<AccountId>,
    pub(crate) model: &'m str,
}

/// Reads the header, then the model's name. A name that is a model as it stands is one: relays have models such as `vendor/name`.
pub(crate) fn find<'m>(
    pool: impl FnOnce(&mut dyn FnMut(&mut Pool)),
    catalog: &Catalog,
    headers: &HeaderMap,
    model: &'m str,
) -> Result<Pin<'m>, Refusal> {
    let header = match headers.get(ACCOUNT) {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| unknown("that header"))?.trim()),
    };
    let prefixed = model
        .split_once('/')
        .filter(|(label, rest)| !label.is_empty() && !rest.is_empty());
    if header.is_none() && prefixed.is_none() {
        return Ok(Pin {
            account: None,
            model,
        });
    }
    let known = |name: &str| catalog.models.iter().any(|known| known.id == name);
    let (mut by_header, mut by_prefix) = (None, None);
    pool(&mut |pool| {
        by_header = header.and_then(|name| named(pool, name));
        by_prefix = prefixed
            .filter(|_| header.is_none() && !known(model))
            .and_then(|(label, rest)| Some((named(pool, label)?, rest)));
    });
    match (header, by_header, by_prefix) {
        (Some(name), None, _) => Err(unknown(name)),
        (Some(_), account, _) => Ok(Pin { account, model }),
        (None, _, Some((account, rest))) => Ok(Pin {
            account: Some(account),
            model: rest,
        }),
        (None, _, None) => Ok(Pin {
            account: None,
            model,
        }),
    }
}

impl Gateway {
    /// The account that a model's name asks for as `LABEL/model`, and the name without that prefix. For explanations.
    pub fn pinned<'m>(&self, model: &'m str) -> (Option<AccountId>, &'m str) {
        let look = |step: &mut dyn FnMut(&mut Pool)| self.pool.with(|pool| step(pool));
        match find(look, &self.catalog.load(), &HeaderMap::new(), model) {
            Ok(pin) => (pin.account, pin.model),
            Err(_) => (None, model),
        }
    }
}

/// By id, by label, and by label whatever its case; the first in the person's order.
fn named(pool: &Pool, name: &str) -> Option<AccountId> {
    let by = |fits: &dyn Fn(&pool::Account) -> bool| {
        let found = pool.accounts().find(|account| fits(account));
        found.map(|account| account.id.clone())
    };
    by(&|account| account.id.as_str() == name || account.label == name)
        .or_else(|| by(&|account| account.label.to_lowercase() == name.to_lowercase()))
}

fn unknown(name: &str) -> Refusal {
    let shown: String = name.chars().take(64).collect();
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "account_not_found",
        format!("There is no account \"{shown}\". Name one by its label in x-switchyard-account, or leave the header out."),
    )
    .param("x-switchyard-account")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Model;
    use http::HeaderValue;
    use pool::{Account, AccountKind, Format, Policy};

    #[test]
    fn f38_header_before_prefix_and_models_before_prefixes() {
        let mut pool = Pool::new(Policy::ActiveAccount);
        for (id, label) in [("id1", "Work"), ("id2", "vendor"), ("id3", "id1")] {
            pool.upsert(Account {
                label: label.into(),
                ..Account::new(id, AccountKind::Relay, Format::OpenAi)
            });
        }
        let catalog = Catalog {
            models: vec![Model {
                id: "vendor/name".into(),
                owned_by: String::new(),
                created: 0,
                codex: None,
            }],
            codex_etag: None,
            ..Catalog::default()
        };
        for (header, model, expected) in [
            (None, "m", Ok((None, "m"))),
            (Some("Work"), "m", Ok((Some("id1"), "m"))),
            (Some(" work "), "vendor/x", Ok((Some("id1"), "vendor/x"))),
            (Some("id2"), "m", Ok((Some("id2"), "m"))),
            (Some("id1"), "m", Ok((Some("id1"), "m"))),
            (Some("nobody"), "m", Err(())),
            (Some(""), "m", Err(())),
            (None, "Work/m", Ok((Some("id1"), "m"))),
            (None, "work/a/b", Ok((Some("id1"), "a/b"))),
            (None, "vendor/name", Ok((None, "vendor/name"))),
            (None, "vendor/other", Ok((Some("id2"), "other"))),
            (None, "nobody/m", Ok((None, "nobody/m"))),
            (None, "Work/", Ok((None, "Work/"))),
            (None, "/m", Ok((None, "/m"))),
        ] {
            let headers: HeaderMap = header
                .map(|name| (ACCOUNT, HeaderValue::from_str(name).unwrap()))
                .into_iter()
                .collect();
            let found = find(|look| look(&mut pool), &catalog, &headers, model);
            let found = found
                .as_ref()
                .map(|pin| (pin.account.as_ref().map(AccountId::as_str), pin.model))
                .map_err(|_| ());
            assert_eq!(found, expected, "{header:?} {model}");
        }
    }
}
