//! The name of the model that draws: the family of ChatGPT accounts, what an alias or a suffix makes of a name, and the client's own body with
//! another name in it (F90, F92, F98). Called by `gateway`.

use std::ops::Range;

use bytes::Bytes;

use super::{Drawing, MODEL, Setting};
use crate::json::text::{Text, escape_into};
use crate::suffix::WrongLevel;

/// The family of models that ChatGPT accounts draw with, whatever their model list says: they stand on none (codex-backend 6.1).
const FAMILY: &str = "gpt-image-";

/// The thinking levels that are words for a picture's quality as well.
const QUALITIES: [&str; 3] = ["low", "medium", "high"];

/// Where a body names its model.
#[derive(Debug, Clone)]
pub(super) struct Place {
    at: Range<usize>,
    /// Between the quotes of a JSON string, or plain in a form.
    json: bool,
}

/// Whether a model is one that ChatGPT accounts draw with. Such a model answers no one in words.
#[must_use]
pub fn is_of_family(model: &str) -> bool {
    model.starts_with(FAMILY) || model == "chatgpt-image-latest"
}

impl Drawing {
    /// Remembers where in `body` the model is named; `name` is a part of it.
    pub(super) fn named_in(&mut self, body: &Bytes, name: &[u8], json: bool) {
        let start = name.as_ptr().addr().checked_sub(body.as_ptr().addr());
        let at = start.map(|start| start..start + name.len());
        self.named_at = at
            .filter(|at| body.get(at.clone()) == Some(name))
            .map(|at| Place { at, json });
    }

    /// Whether the model asked for is one that ChatGPT accounts draw with.
    #[must_use]
    pub fn is_of_family(&self) -> bool {
        self.native_name().is_none_or(is_of_family)
    }

    /// The model's name as a ChatGPT account reads it.
    fn native_name(&self) -> Option<&str> {
        self.native_model.as_deref().or(self.model.as_deref())
    }

    /// The model a ChatGPT account is asked for: its own name where that is one, else the one that stands for the whole family.
    pub(super) fn drawn_by(&self) -> &str {
        let own = self.native_name().filter(|model| {
            model
                .strip_prefix(MODEL)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        own.unwrap_or(MODEL)
    }

    /// Whether another model of the family stands in for the one asked for.
    pub(super) fn is_stood_in_for(&self) -> bool {
        self.native_name()
            .is_some_and(|model| model != self.drawn_by())
    }

    /// Says what the name means to a ChatGPT account: the model behind alias and suffix, and the level behind its name, which is the quality of
    /// a picture (F90).
    ///
    /// # Errors
    /// [`WrongLevel`] when the level is none that a picture can have.
    pub fn read_as(&mut self, model: &str, level: Option<&str>) -> Result<(), WrongLevel> {
        if let Some(level) = level {
            let Some(quality) = QUALITIES.into_iter().find(|quality| *quality == level) else {
                return Err(WrongLevel {
                    model: model.to_owned(),
                    level: level.to_owned(),
                    allowed: QUALITIES.map(str::to_owned).to_vec(),
                });
            };
            self.settings.retain(|(name, _)| *name != "quality");
            let quality = Setting::Word(quality.into());
            self.settings.push(("quality", quality));
        }
        self.native_model = (self.model.as_deref() != Some(model)).then(|| model.to_owned());
        Ok(())
    }

    /// The client's own body for a relay that knows the model as `model`. Everything else stays as it came, in slices of it (F98).
    #[must_use]
    pub fn body_naming(&self, body: &Bytes, model: &str) -> Vec<Bytes> {
        let (Some(Place { at, json }), Some(said)) = (&self.named_at, &self.model) else {
            return vec![body.clone()];
        };
        if said == model {
            return vec![body.clone()];
        }
        let mut name = String::with_capacity(model.len());
        match json {
            true => escape_into(model, &mut name),
            false => name.push_str(model),
        }
        vec![body.slice(..at.start), name.into(), body.slice(at.end..)]
    }

    /// Remembers the name in a JSON body.
    pub(super) fn named_in_json(&mut self, body: &Bytes, name: &Text<'_>) {
        self.named_in(body, name.raw().as_bytes(), true);
    }
}
