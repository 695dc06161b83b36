//! Why an account gives no access, and what that means for the pool.

use pool::{Outcome, Timestamp};

use crate::{credential::CredentialError, oauth::TokenError};

/// Why there is no authorization for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The vault holds nothing for this account.
    #[error("this account has no stored credential; sign in again or enter its key")]
    NoCredential,
    /// The credential is of another kind than the account.
    #[error(
        "the stored credential does not fit this kind of account; sign in again or enter its key"
    )]
    WrongKind,
    /// A key that cannot travel in a header.
    #[error("the stored key holds characters that cannot be sent; enter it again")]
    MalformedKey,
    /// The vault failed.
    #[error(transparent)]
    Store(#[from] CredentialError),
    /// The token could not be refreshed.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The refresh goes on, but took longer than a request waits.
    #[error("the sign-in service did not answer within 30 s")]
    TimedOut,
    /// The task that refreshes was stopped, for example because the program ends.
    #[error("the refresh was interrupted")]
    Interrupted,
    /// The present settings do not allow a connection.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// Refreshing makes no sense for this kind of account (F102).
    #[error("not applicable: this account uses a key, which is never refreshed")]
    NotApplicable,
}

impl AccessError {
    /// What to report to the pool.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NoCredential | Self::WrongKind | Self::MalformedKey => Outcome::RefreshRefused {
                confirmed: true,
                banned: false,
            },
            Self::Refresh(RefreshError::Refused {
                confirmed, banned, ..
            }) => Outcome::RefreshRefused {
                confirmed: *confirmed,
                banned: *banned,
            },
            // Waiting for the sign-in service is not the account's fault (F18: 429 = cooldown, no penalty).
            Self::Refresh(RefreshError::RateLimited { .. } | RefreshError::Unavailable { .. })
            | Self::Store(_)
            | Self::TimedOut
            | Self::Interrupted
            | Self::Config(_)
            | Self::NotApplicable => Outcome::RefreshUnavailable,
        }
    }

    /// The same with the time of the next try.
    pub(crate) fn retrying_at(mut self, at: Timestamp) -> Self {
        if let Self::Refresh(
            RefreshError::RateLimited { retry_at } | RefreshError::Unavailable { retry_at, .. },
        ) = &mut self
        {
            *retry_at = Some(at);
        }
        self
    }

    /// Whether trying again later may help without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.outcome(), Outcome::RefreshUnavailable)
    }
}

/// Why a refresh brought no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The issuer refuses; after confirmation only a new sign-in helps.
    #[error("the sign-in has ended ({code}); sign in to this account again")]
    Refused {
        /// The issuer's code.
        code: String,
        /// Seen twice, at least ten seconds apart (F18).
        confirmed: bool,
        /// The account was deactivated.
        banned: bool,
    },
    /// The issuer asks to wait.
    #[error("the sign-in service asks to wait")]
    RateLimited {
        /// When the next try comes.
        retry_at: Option<Timestamp>,
    },
    /// Network, proxy, 5xx, region.
    #[error("the sign-in service could not be used: {reason}")]
    Unavailable {
        /// What went wrong.
        reason: String,
        /// When the next try comes.
        retry_at: Option<Timestamp>,
    },
}

impl RefreshError {
    pub(crate) fn no_token() -> Self {
        Self::Unavailable {
            reason: "it answered without a usable token".into(),
            retry_at: None,
        }
    }

    /// A failure that has not been weighed yet: refusals are unconfirmed.
    pub(crate) fn from_token(error: TokenError) -> Self {
        match error {
            TokenError::Refused { code, banned } => Self::Refused {
                code,
                confirmed: false,
                banned,
            },
            TokenError::RateLimited { retry_at } => Self::RateLimited { retry_at },
            TokenError::Unavailable { reason } => Self::Unavailable {
                reason,
                retry_at: None,
            },
        }
    }
}
