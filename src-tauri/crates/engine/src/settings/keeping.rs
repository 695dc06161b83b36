//! The rows of the table about backups and the watched folder. Only rows: `table` lists them.

use super::checks::folder;
use super::field::{Apply, Field, Key};

pub(super) const DAILY_BACKUPS: Key = Key {
    name: "backup.keep",
    doc: "Daily backups of the database that are kept in the home; each day one is made. 0: none is made.",
    apply: Apply::Live,
    field: Field::Number {
        default: 7,
        min: 0,
        max: 100,
        unit: "backups",
        at: |s| &mut s.backup.keep,
    },
};
pub(super) const WATCHED_FOLDER: Key = Key {
    name: "import.folder",
    doc: "Account files that appear in this folder are imported within 30 seconds. The files are never changed.",
    apply: Apply::Live,
    field: Field::Optional {
        check: folder,
        allowed: "the whole path of a folder",
        at: |s| &mut s.import.folder,
    },
};
