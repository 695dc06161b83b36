//! What "Copy" puts on the clipboard, for the page and for the tray: addresses, keys, and commands with the key in its place.

use engine::{DEFAULT_KEY, Engine};
use secrecy::ExposeSecret as _;

/// Where a command wants the gateway key.
const KEY_PLACE: &str = "$SWITCHYARD_KEY";

/// The text for `url:openai`, `url:anthropic`, `url:gemini`, `key:NAME` or `curl:TEXT`.
pub(crate) fn text(engine: &Engine, what: &str) -> Result<String, String> {
    let url = engine.base_url();
    let key = |name: &str| {
        let key = engine.key(name).map_err(|error| error.to_string())?;
        Ok::<_, String>(key.expose_secret().to_owned())
    };
    match what.split_once(':') {
        Some(("url", "openai")) => Ok(format!("{url}/v1")),
        Some(("url", "anthropic" | "gemini")) => Ok(url),
        Some(("key", name)) => key(name),
        Some(("curl", text)) if text.contains(KEY_PLACE) => {
            Ok(text.replace(KEY_PLACE, &key(DEFAULT_KEY)?))
        }
        Some(("curl", text)) => Ok(text.to_owned()),
        _ => Err(format!("there is nothing to copy under the name {what}")),
    }
}
