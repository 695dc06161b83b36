//! The rows of the table about how the window, the tray and notifications look to this person. Only rows: `table` lists them.

use super::Settings;
use super::field::{Apply, Field, Key};

const fn choice(
    name: &'static str,
    doc: &'static str,
    options: &'static [&'static str],
    at: fn(&mut Settings) -> &mut &'static str,
) -> Key {
    Key {
        name,
        doc,
        apply: Apply::Live,
        field: Field::Choice {
            default: options[0],
            options,
            at,
        },
    }
}

const fn flag(name: &'static str, doc: &'static str, at: fn(&mut Settings) -> &mut bool) -> Key {
    Key {
        name,
        doc,
        apply: Apply::Live,
        field: Field::Bool { default: false, at },
    }
}

pub(super) const THEME: Key = choice(
    "ui.theme",
    "Light or dark window.",
    &["system", "light", "dark"],
    |s| &mut s.ui.theme,
);
pub(super) const LANGUAGE: Key = choice(
    "ui.language",
    "Language of the window, the tray and notifications.",
    &["system", "en", "zh"],
    |s| &mut s.ui.language,
);
pub(super) const NUMBERS: Key = choice(
    "ui.numbers",
    "Whether quotas are told as what is left or as what is used.",
    &["remaining", "used"],
    |s| &mut s.ui.numbers,
);
pub(super) const TEXT_SCALE: Key = choice(
    "ui.text_scale",
    "Size of the window's text in percent.",
    &["100", "125", "150", "200"],
    |s| &mut s.ui.text_scale,
);
pub(super) const HIDE_EMAILS: Key = flag(
    "ui.hide_emails",
    "Addresses in labels are masked in the window, the tray and notifications.",
    |s| &mut s.ui.hide_emails,
);
pub(super) const GUIDE_DONE: Key =
    flag("ui.guide_done", "The first-run guide has been seen.", |s| {
        &mut s.ui.guide_done
    });
