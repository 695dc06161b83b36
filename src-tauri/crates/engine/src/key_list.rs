//! Many keys of one provider or relay at once (F113): each becomes an account of a group. What one key account takes is `accounts`'.

use std::collections::HashSet;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::accounts::NewKeyAccount;
use crate::compose::Engine;
use crate::error::EngineError;
use crate::views::AccountView;

/// Most keys of one list.
const MOST: usize = 1_000;

/// What became of a list of keys.
#[derive(Debug)]
pub struct KeyListAdded {
    /// The new accounts, with their balances where somebody tells them.
    pub accounts: Vec<AccountView>,
    /// Keys that were given twice, or are accounts already: dropped.
    pub duplicates: usize,
    /// Lines that could not be added, counted from 1, and why.
    pub failed: Vec<(usize, String)>,
}

impl Engine {
    /// Adds one account like `new` for each line of `keys` and asks for their balances, four at a time. Their labels get a number, their
    /// group is the label when nothing else is said.
    ///
    /// # Errors
    /// When there is no key or too many, or the preset is none; that a line could not be added stands in the answer.
    pub async fn add_key_list(
        self: &Arc<Self>,
        new: NewKeyAccount,
        keys: &SecretString,
    ) -> Result<KeyListAdded, EngineError> {
        let lines = (1..).zip(keys.expose_secret().lines().map(str::trim));
        let lines: Vec<(usize, &str)> = lines.filter(|(_, key)| !key.is_empty()).collect();
        if lines.is_empty() || lines.len() > MOST {
            return Err(EngineError::Invalid(format!(
                "keys holds 1 to {MOST} keys, one a line"
            )));
        }
        // The preset says the base URL and the group where the person does not.
        let (filled, _) = new.clone().filled_in()?;
        let base_url = crate::import::normalise_base_url(&filled.base_url);
        let group = filled.group.unwrap_or_else(|| new.label.clone());
        let (mut seen, mut ids, mut duplicates) = (HashSet::new(), HashSet::new(), 0);
        let mut failed = Vec::new();
        for (line, key) in lines {
            let secret = SecretString::from(key);
            let known = match &base_url {
                Some(base_url) => self.same_key_account(base_url, &secret).await?.is_some(),
                None => false,
            };
            if !seen.insert(key) || known {
                duplicates += 1;
                continue;
            }
            let one = NewKeyAccount {
                label: format!("{} {}", new.label, ids.len() + 1),
                key: secret,
                group: Some(group.clone()),
                ..new.clone()
            };
            match self.add_key_account(one).await {
                Ok(account) => {
                    ids.insert(account.id.to_string());
                }
                Err(error) => failed.push((line, error.to_string())),
            }
        }
        self.query_balances_of(|id| ids.contains(id)).await;
        let mut accounts = self.accounts();
        accounts.retain(|account| ids.contains(account.id.as_str()));
        Ok(KeyListAdded {
            accounts,
            duplicates,
            failed,
        })
    }
}
