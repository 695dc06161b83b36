//! What a program that has begun to serve says on the terminal it was started from: endpoint, key, and a curl line that answers.
//!
//! Words only: the command line and the desktop application print them, each in its own place.

use secrecy::ExposeSecret;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::keys::DEFAULT_KEY;

/// The lines, in their order.
pub struct Welcome {
    /// For standard output. Holds the gateway key when it was to be shown: never for a log.
    pub lines: Vec<String>,
    /// For people, on standard error.
    pub notes: Vec<String>,
}

/// What the words are about.
struct Facts<'a> {
    url: &'a str,
    /// The key as it stands in the lines; `None` names the command that prints it.
    key: Option<&'a str>,
    /// The program with the home it has to be told, as it is typed.
    program: &'a str,
    /// There is no default key.
    revoked: bool,
    /// A model that an account serves.
    model: Option<&'a str>,
    /// The configured port and the one in use, where they differ (F127).
    moved: Option<(u64, u16)>,
}

impl Engine {
    /// The words for a gateway that listens.
    ///
    /// # Errors
    /// When a setting cannot be read.
    pub fn welcome(&self, show_key: bool) -> Result<Welcome, EngineError> {
        // Without the default key it serves all the same: others may be there, and none refuses everything (F26).
        let key = self.key(DEFAULT_KEY).ok();
        let model = self.models().into_iter().next().map(|model| model.id);
        let wanted = self.setting("server.port")?.value.as_u64();
        let moved = match (wanted, self.address()) {
            (Some(wanted), Some(address)) if wanted != 0 && wanted != u64::from(address.port()) => {
                Some((wanted, address.port()))
            }
            _ => None,
        };
        let mut welcome = words(&Facts {
            program: &self.program(),
            url: &self.base_url(),
            key: key
                .as_ref()
                .filter(|_| show_key)
                .map(ExposeSecret::expose_secret),
            revoked: key.is_none(),
            model: model.as_deref(),
            moved,
        });
        if let Some(why) = self.read_only() {
            welcome.notes.insert(0, why.to_owned());
        }
        Ok(welcome)
    }
}

impl Engine {
    /// How a command for this home begins.
    fn program(&self) -> String {
        let home = self.home();
        if home.is_default(&self.env) {
            return "switchyard".to_owned();
        }
        let root = home.root().display().to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.:\\".contains(c);
        if root.chars().all(plain) {
            format!("switchyard --home {root}")
        } else {
            format!("switchyard --home '{}'", root.replace('\'', r"'\''"))
        }
    }
}

fn words(facts: &Facts<'_>) -> Welcome {
    let Facts {
        program,
        url,
        key,
        revoked,
        model,
        moved,
    } = facts;
    let mut notes = Vec::new();
    if *revoked {
        notes.push(format!(
            "There is no default key: `{program} key rotate` makes one."
        ));
    }
    if let Some((wanted, port)) = moved {
        notes.push(format!(
            "Port {wanted} is busy: serving on {port} instead. Clients must use the new port."
        ));
    }
    let asked = format!("$({program} key)");
    let shown = key.unwrap_or(&asked);
    let mut lines = vec![
        format!("Switchyard {} serves at {url}", env!("CARGO_PKG_VERSION")),
        format!("OpenAI base URL: {url}/v1"),
        match key {
            Some(key) => format!("Key: {key}"),
            None => format!("Key: `{program} key` prints it"),
        },
    ];
    match model {
        Some(model) => lines.push(format!(
            "Try: curl -s {url}/v1/chat/completions -H \"Authorization: Bearer {shown}\" -H 'Content-Type: application/json' \
             -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
        )),
        None => {
            lines.push(format!(
                "Try: curl -s {url}/v1/models -H \"Authorization: Bearer {shown}\""
            ));
            notes.push(format!(
                "There is no account yet: `{program} account login`, `{program} account import FILE` or `{program} account add` adds one."
            ));
        }
    }
    Welcome { lines, notes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_shown_only_when_asked_for() {
        let facts = |key| Facts {
            program: "switchyard --home /h",
            url: "http://127.0.0.1:8787",
            key,
            revoked: false,
            model: Some("gpt-5.4"),
            moved: Some((8787, 8788)),
        };
        let hidden = words(&facts(None));
        assert!(!hidden.lines.concat().contains("sk-sw-x"));
        assert!(
            hidden
                .lines
                .concat()
                .contains("$(switchyard --home /h key)")
        );
        assert!(hidden.notes.concat().contains("8788"));
        let shown = words(&facts(Some("sk-sw-x")));
        assert_eq!(shown.lines.concat().matches("sk-sw-x").count(), 2);
    }

    #[test]
    fn without_an_account_it_says_how_to_add_one() {
        let said = words(&Facts {
            program: "switchyard",
            url: "http://127.0.0.1:8787",
            key: None,
            revoked: false,
            model: None,
            moved: None,
        });
        assert!(said.lines.concat().contains("/v1/models"));
        assert!(said.notes.concat().contains("account import"));
    }
}
