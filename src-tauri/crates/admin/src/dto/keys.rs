//! Gateway keys on the wire: masked, always.

use engine::KeyView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A gateway key as it may be shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    pub name: String,
    /// First and last characters only.
    pub masked: String,
    pub created_at: i64,
    /// Refused when false.
    pub enabled: bool,
}

impl From<KeyView> for Key {
    fn from(view: KeyView) -> Self {
        Self {
            name: view.name,
            masked: view.masked,
            created_at: view.created_at.0,
            enabled: view.enabled,
        }
    }
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewKey {
    /// 1 to 64 characters.
    pub name: String,
}
