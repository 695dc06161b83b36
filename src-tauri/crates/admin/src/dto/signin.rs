//! Sign-ins on the wire (F3).

use engine::SignInView;
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
    /// Who signed in instead of the account that was to; they can be added as an account of their own.
    pub other: Option<String>,
    /// Remind the person of the provider's terms: this would be their second sign-in (F31).
    pub terms: bool,
}

/// What the browser ended on: the address, `code#state`, a query string or the bare code.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PasteRequest {
    #[schema(write_only)]
    pub text: String,
}

impl From<SignInKind> for engine::SignInKind {
    fn from(kind: SignInKind) -> Self {
        match kind {
            SignInKind::Browser => Self::Browser,
            SignInKind::Device => Self::Device,
        }
    }
}

impl From<SignInView> for SignIn {
    fn from(view: SignInView) -> Self {
        Self {
            id: view.id,
            kind: match view.kind {
                engine::SignInKind::Browser => SignInKind::Browser,
                engine::SignInKind::Device => SignInKind::Device,
            },
            state: view.state.into(),
            url: view.url,
            expires_at: view.expires_at.0,
            listening: view.listening,
            user_code: view.user_code,
            verification_url: view.verification_url,
            account: view.account.map(Into::into),
            error: view.error,
            other: view.other,
            terms: view.terms,
        }
    }
}
