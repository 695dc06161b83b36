//! What the person may change of an account after it is there (F14), and the manual retry.

use pool::AccountId;

use crate::accounts::check_label;
use crate::compose::Engine;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::views::AccountView;

/// Longest note in characters.
const LONGEST_NOTE: usize = 2_000;
/// Largest reserve in percent: with all of it an account would never serve.
const LARGEST_RESERVE: u32 = 95;

/// Most requests at once that a person can set.
const MOST_SLOTS: u32 = 1_000;

/// A change; the outer `None` keeps what is there, the inner one clears it.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// 1 to 64 characters.
    pub label: Option<String>,
    /// Exact names or prefixes with `*`; cleared: all.
    pub allowed_models: Option<Option<Vec<String>>>,
    /// Its group.
    pub group: Option<Option<String>>,
    /// Lower is used first; cleared: the default.
    pub priority: Option<Option<u32>>,
    /// Its own proxy without a password, or `direct`; cleared: the general one.
    pub proxy: Option<Option<String>>,
    /// Neither leaves nor becomes the active account by itself (F45).
    pub excluded: Option<bool>,
    /// Share of each quota window that requests leave alone, 0 to 95 percent.
    pub reserve_percent: Option<Option<u32>>,
    /// Requests it may run at once, 1 to 1000; cleared: the general setting (F114).
    pub slots: Option<Option<u32>>,
    /// The person's own words, at most 2000 characters.
    pub notes: Option<Option<String>>,
}

impl Engine {
    /// Changes an account; acts on the next request.
    ///
    /// # Errors
    /// Names the field that is wrong; then nothing changes.
    pub async fn change_account(
        &self,
        name: &str,
        change: AccountChange,
    ) -> Result<AccountView, EngineError> {
        let id = self.find(name)?.id;
        let label = change.label.as_deref().map(check_label).transpose()?;
        if let Some(Some(reserve)) = change.reserve_percent
            && reserve > LARGEST_RESERVE
        {
            return Err(EngineError::Invalid(format!(
                "reserve_percent is 0 to {LARGEST_RESERVE}"
            )));
        }
        if let Some(Some(slots)) = change.slots
            && !(1..=MOST_SLOTS).contains(&slots)
        {
            return Err(EngineError::Invalid(format!("slots is 1 to {MOST_SLOTS}")));
        }
        if let Some(Some(notes)) = &change.notes
            && notes.chars().count() > LONGEST_NOTE
        {
            return Err(EngineError::Invalid(format!(
                "notes have at most {LONGEST_NOTE} characters"
            )));
        }
        if let Some(proxy) = &change.proxy {
            check_proxy(proxy.as_deref())?;
        }
        let there = self
            .edit(&id, |row| {
                row.label = label.unwrap_or_else(|| std::mem::take(&mut row.label));
                if let Some(models) = change.allowed_models {
                    row.allowed_models = models.filter(|models| !models.is_empty());
                }
                if let Some(group) = change.group {
                    row.group = group.filter(|group| !group.trim().is_empty());
                }
                if let Some(priority) = change.priority {
                    row.priority = priority.unwrap_or(pool::Account::DEFAULT_PRIORITY);
                }
                if let Some(proxy) = change.proxy {
                    row.proxy = proxy.filter(|proxy| !proxy.is_empty());
                }
                row.excluded = change.excluded.unwrap_or(row.excluded);
                if let Some(reserve) = change.reserve_percent {
                    row.reserve_percent = reserve.filter(|reserve| *reserve > 0);
                }
                if let Some(slots) = change.slots {
                    row.slots = slots;
                }
                if let Some(notes) = change.notes {
                    row.notes = notes.filter(|notes| !notes.is_empty());
                }
            })
            .await?;
        if !there {
            return Err(EngineError::NotFound("the account is gone".into()));
        }
        self.account(&id)
    }

    /// Forgets what is held against an account: the next request may use it.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn try_now(&self, name: &str) -> Result<AccountView, EngineError> {
        let row = self.find(name)?;
        let id = AccountId::from(row.id.as_str());
        self.clear_state(&id);
        self.journal.bus.tell(EngineEvent::AccountChanged(id));
        self.announce();
        Ok(self.view(&row))
    }
}

/// An account's own proxy: a URL without a password, or `direct` (F119).
pub(crate) fn check_proxy(proxy: Option<&str>) -> Result<(), EngineError> {
    let Some(url) = proxy.filter(|proxy| !matches!(*proxy, "" | "direct")) else {
        return Ok(());
    };
    let parsed = crate::settings::ProxyAddress::parse(url)
        .map_err(|problem| EngineError::Invalid(format!("the proxy {problem}")))?;
    if parsed.password().is_some() {
        return Err(EngineError::Invalid(
            "a proxy of one account cannot carry a password yet; use the setting proxy.url".into(),
        ));
    }
    Ok(())
}
