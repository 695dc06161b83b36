//! Settings on the wire.

use engine::SettingView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SettingApply, SettingSource};

/// One setting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Setting {
    pub key: String,
    /// The value in force; a proxy's password is masked.
    pub value: serde_json::Value,
    pub default: serde_json::Value,
    pub source: SettingSource,
    /// The variable or flag that holds it, if it cannot be changed here.
    pub locked_by: Option<String>,
    pub apply: SettingApply,
    /// Allowed values, in words.
    pub allowed: String,
    /// What it is for.
    pub doc: String,
}

impl From<SettingView> for Setting {
    fn from(view: SettingView) -> Self {
        Self {
            key: view.key.to_owned(),
            value: view.value,
            default: view.default,
            source: view.source.into(),
            locked_by: view.locked_by,
            apply: view.apply.into(),
            allowed: view.allowed,
            doc: view.doc.to_owned(),
        }
    }
}

/// A new value.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SettingRequest {
    /// As it would be typed: `true`, `8787`, `a,b`.
    pub value: String,
}
