//! Sign-ins on the wire (F3).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Account, SignInState};

/// How the person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignInKind {
    /// In the browser, back to a local address; pasting the address works too.
    Browser,
    /// By typing a code on another device.
    Device,
}

/// A sign-in to begin.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SignInRequest {
    pub kind: SignInKind,
    /// Signs this account in again, in place.
    #[serde(default)]
    pub account_id: Option<String>,
}

/// A sign-in under way, or ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignIn {
    pub id: String,
    pub kind: SignInKind,
    pub state: SignInState,
    /// The page to open.
    pub url: String,
    pub expires_at: i64,
    /// Whether the local address listens; if not, the address must be pasted.
    pub listening: bool,
    /// What to type on the page (device code).
    pub user_code: Option<String>,
    pub verification_url: Option<String>,
    /// The account, once it is done.
    pub account: Option<Account>,
    /// What went wrong and what to do.
    pub error: Option<String>,
}

/// What the browser ended on: the address, `code#state`, a query string or the bare code.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasteRequest {
    #[schema(write_only)]
    pub text: String,
}
