//! What the tray menu says: plain values made from the engine's views, compared to find what has to change (R5).
//!
//! No Tauri here, so that the rules can be tested without a display. Called by `tray`.

use std::time::Duration;

use engine::{AccountView, Engine};

/// Longest label of a menu item in characters (R5).
const LABEL: usize = 40;
/// Least time between two changes of the menu that only quota and health cause (R5).
pub(crate) const PACE: Duration = Duration::from_secs(30);

/// The changeable part of the menu.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Content {
    pub status: String,
    pub accounts: Vec<Row>,
}

/// One account's item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The account's id.
    pub id: String,
    /// Its name, cut and escaped; what the person sees also has the health and the quota.
    pub name: String,
    pub label: String,
    pub enabled: bool,
    pub active: bool,
}

impl Content {
    /// How things are now.
    pub(crate) fn of(engine: &Engine) -> Self {
        let accounts = engine.accounts();
        Self {
            status: status(&engine.base_url(), accounts.is_empty()),
            accounts: accounts.iter().map(row).collect(),
        }
    }

    /// Whether only the wording of quota and health differs: a change that may wait.
    pub(crate) fn differs_in_words_only(&self, newer: &Self) -> bool {
        self != newer && *self == newer.clone().in_the_words_of(self)
    }

    /// The same, with the quota and health that `older` showed.
    pub(crate) fn in_the_words_of(mut self, older: &Self) -> Self {
        for row in &mut self.accounts {
            let same = |old: &&Row| old.id == row.id && old.name == row.name;
            if let Some(old) = older.accounts.iter().find(same) {
                row.label.clone_from(&old.label);
            }
        }
        self
    }
}

fn status(url: &str, empty: bool) -> String {
    let address = url.trim_start_matches("http://");
    if empty {
        format!("No account · {address}")
    } else {
        format!("Running · {address}")
    }
}

fn row(account: &AccountView) -> Row {
    let health = match account.health {
        "active" | "unknown" => None,
        other => Some(other.replace('_', " ")),
    };
    Row {
        id: account.id.as_str().to_owned(),
        name: label(&account.label, None, None),
        label: label(&account.label, account.remaining_percent, health.as_deref()),
        enabled: account.enabled,
        active: account.active,
    }
}

/// Name, quota left and health in at most 40 characters. Only the name is cut: the rest is why one looks. `&` marks a letter to type in
/// menus, so it is doubled.
fn label(name: &str, remaining_percent: Option<f64>, health: Option<&str>) -> String {
    let mut tail = String::new();
    if let Some(left) = remaining_percent {
        tail.push_str(&format!("  {left:.0} %"));
    }
    if let Some(health) = health {
        tail.push_str("  ");
        tail.push_str(health);
    }
    let room = LABEL.saturating_sub(tail.chars().count());
    // A line break or a control character would tear the menu.
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut text: String = name.chars().map(clean).take(room).collect();
    if name.chars().count() > room {
        text.pop();
        text.push('…');
    }
    text.push_str(&tail);
    text.replace('&', "&&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_escaped() {
        let long = "a-very-long-name-of-an-account@mail.example.com";
        let cases = [
            ("work", None, None, "work"),
            ("work", Some(61.6), None, "work  62 %"),
            ("work", Some(0.0), Some("exhausted"), "work  0 %  exhausted"),
            ("Q&A", None, None, "Q&&A"),
            ("two\nlines", None, None, "two lines"),
            (long, None, None, "a-very-long-name-of-an-account@mail.exa…"),
            (
                long,
                Some(100.0),
                None,
                "a-very-long-name-of-an-account@m…  100 %",
            ),
        ];
        for (name, left, health, expected) in cases {
            let shown = label(name, left, health);
            assert_eq!(shown, expected);
            assert!(shown.replace("&&", "&").chars().count() <= LABEL, "{shown}");
        }
    }

    fn content(rows: &[(&str, &str, bool)]) -> Content {
        let accounts = rows.iter().map(|(name, tail, active)| Row {
            id: (*name).to_owned(),
            name: (*name).to_owned(),
            label: format!("{name}{tail}"),
            enabled: true,
            active: *active,
        });
        Content {
            status: status("http://127.0.0.1:8787", false),
            accounts: accounts.collect(),
        }
    }

    #[test]
    fn only_words_may_wait() {
        let old = content(&[("a", " 62 %", true), ("b", "", false)]);
        let cases = [
            (
                "nothing",
                content(&[("a", " 62 %", true), ("b", "", false)]),
                false,
            ),
            (
                "quota",
                content(&[("a", " 61 %", true), ("b", "", false)]),
                true,
            ),
            (
                "a click",
                content(&[("a", " 61 %", false), ("b", "", true)]),
                false,
            ),
            (
                "one more",
                content(&[("a", " 61 %", true), ("b", "", false), ("c", "", false)]),
                false,
            ),
            ("one gone", content(&[("a", " 61 %", true)]), false),
        ];
        for (what, new, expected) in cases {
            assert_eq!(old.differs_in_words_only(&new), expected, "{what}");
        }
    }

    #[test]
    fn the_status_fits() {
        let url = "http://127.0.0.1:8787";
        assert_eq!(status(url, false), "Running · 127.0.0.1:8787");
        assert_eq!(status(url, true), "No account · 127.0.0.1:8787");
        assert!(status("http://255.255.255.255:65535", true).chars().count() <= LABEL);
    }
}
