//! The Images API: what a client asks to be drawn, the two ways a ChatGPT account takes it, and its answer (F95–F98).
//!
//! Not a fourth dialect: a relay gets the client's own bytes and gives its own answer back, so nothing is translated but for the Codex
//! backend, and that on the level of whole requests. Pure; called by `gateway`.

mod answer;
pub(crate) mod base64;
mod fold;
mod multipart;
mod named;
mod picture;
mod read;
mod running;
mod write;

use std::{borrow::Cow, fmt};

pub use answer::{Whole, as_stream, look, with_real_size};
pub use fold::Fold;
pub use named::is_of_family;
pub use picture::Picture;
pub use read::read;
pub use running::{Ending, Running, error_event};

use crate::Rope;
use crate::types::{Loss, RequestError};

/// The model that draws where the client names none, and for every other name of its family on a ChatGPT account (codex-backend 6.1).
pub const MODEL: &str = "gpt-image-2";

/// Most reference pictures of one request (F96).
pub const MOST_PICTURES: usize = 16;

/// Most reference pictures the native endpoint is known to take (codex-backend 6.1).
const MOST_NATIVE_PICTURES: usize = 5;

/// Longest prompt in characters (codex-backend 6.3).
pub const LONGEST_PROMPT: usize = 32_000;

/// Which call of the Images API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `/v1/images/generations`
    Generation,
    /// `/v1/images/edits`
    Edit,
}

/// A request of the Images API that was understood.
#[derive(Clone)]
pub struct Drawing {
    /// Which call.
    pub kind: Kind,
    /// The model asked for; `None` when absent, null or empty.
    pub model: Option<String>,
    /// Where the body names it.
    named_at: Option<named::Place>,
    /// What its name means to a ChatGPT account, where that is something else.
    native_model: Option<String>,
    /// Whether the client wants an event stream.
    pub stream: bool,
    prompt: String,
    /// The plain settings by name, as given; only known names with a good value.
    settings: Vec<(&'static str, Setting)>,
    pictures: Vec<Picture>,
    mask: Option<Picture>,
    /// Members that the Codex backend is not told.
    untold: Vec<String>,
    refused: Option<RequestError>,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Setting {
    Word(Cow<'static, str>),
    Number(u64),
}

/// A drawing request in the bytes of one of the two Codex ways.
#[derive(Debug)]
pub struct Written {
    /// The body, `application/json`.
    pub body: Rope,
    /// What could not be carried over.
    pub losses: Vec<Loss>,
}

impl Drawing {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            model: None,
            named_at: None,
            native_model: None,
            stream: false,
            prompt: String::new(),
            settings: Vec::new(),
            pictures: Vec::new(),
            mask: None,
            untold: Vec::new(),
            refused: None,
        }
    }

    /// Why no ChatGPT account can draw this, where that is so (F95, F96). A relay still gets the client's own bytes, and judges itself (F98).
    #[must_use]
    pub fn refusal(&self) -> Option<&RequestError> {
        self.refused.as_ref()
    }

    /// The reference pictures in order, and the mask after them.
    pub fn pictures(&self) -> impl Iterator<Item = &Picture> {
        self.pictures.iter().chain(&self.mask)
    }

    /// The same with every picture that is only an address replaced by its content, in the order of [`Drawing::pictures`].
    #[must_use]
    pub fn with_content(&self, fetched: Vec<Picture>) -> Self {
        let mut whole = self.clone();
        let mut fetched = fetched.into_iter();
        for picture in whole.pictures.iter_mut().chain(&mut whole.mask) {
            if picture.address().is_some()
                && let Some(content) = fetched.next()
            {
                *picture = content;
            }
        }
        whole
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.settings.iter().find_map(|(known, value)| match value {
            Setting::Word(word) if *known == name => Some(&**word),
            _ => None,
        })
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.settings.iter().find_map(|(known, value)| match value {
            Setting::Number(number) if *known == name => Some(*number),
            _ => None,
        })
    }
}

/// Sizes only: a prompt and a picture belong in no log.
impl fmt::Debug for Drawing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Drawing({:?}, {} characters, {} pictures)",
            self.kind,
            self.prompt.len(),
            self.pictures.len()
        )
    }
}

#[cfg(test)]
mod tests;
