//! The closed lists of words in the admin API. A value travels as its word; the OpenAPI document names every word there is, so that the
//! window can translate and colour them exhaustively. Not for requests: those have enums that refuse unknown words.

use std::borrow::Cow;

use engine::{AccountKind, Format, HoldSource, Policy, QuotaSource};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident = $words:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize)]
        #[serde(transparent)]
        pub(crate) struct $name(Cow<'static, str>);

        impl From<&'static str> for $name {
            fn from(word: &'static str) -> Self {
                Self(Cow::Borrowed(word))
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self(Cow::Owned(word))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words: Vec<&'static str> = $words;
                let object = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
                RefOr::T(Schema::Object(object.build()))
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

words! {
    /// What an account is (F1).
    Kind = AccountKind::ALL.iter().map(|kind| kind.as_str()).collect();
    /// The dialect an account speaks upstream.
    Dialect = Format::ALL.iter().map(|format| format.as_str()).collect();
    /// The standing of an account now (F59).
    Health = engine::HEALTH_WORDS.to_vec();
    /// Why an account rests: a guess (cooldown) or a known end of quota.
    Hold = HoldSource::ALL.iter().map(|source| source.as_str()).collect();
    /// Where a quota reading came from (F67).
    Source = QuotaSource::ALL.iter().map(|source| source.as_str()).collect();
    /// How an account is chosen for a request.
    Rotation = Policy::ALL.iter().map(|policy| policy.as_str()).collect();
    /// Why a backup was made.
    BackupSort = engine::BACKUP_WORDS.to_vec();
    /// What a restore does with an account.
    Restore = engine::RESTORE_WORDS.to_vec();
    /// What a restore does with an account's credential.
    Kept = engine::CREDENTIAL_WORDS.to_vec();
    /// How a host answers: 2xx and 3xx, 4xx, anything else.
    Reach = engine::REACH_WORDS.to_vec();
    /// How a request ended, as seen from the client.
    End = vec!["completed", "failed", "cancelled"];
    /// What an import did or would do with an item.
    ImportAction = vec!["new", "update", "duplicate_in_file"];
    /// What came of one account in a task over several.
    TaskResult = vec!["ok", "skipped", "failed"];
    /// Who decided a setting's value.
    SettingSource = vec!["default", "file", "env", "flag"];
    /// When a changed setting acts.
    SettingApply = vec!["live", "rebind", "restart"];
    /// What the icon shows (desktop rules, Tray).
    Icon = engine::ICON_WORDS.to_vec();
    /// Where a sign-in stands.
    SignInState = engine::SIGN_IN_WORDS.to_vec();
    /// How loud a notice is.
    Level = vec!["info", "warning", "error"];
    /// What a notice is about (F143).
    NoticeCode = engine::NoticeKind::ALL.iter().map(engine::NoticeKind::code).collect();
    /// Which of the two plan windows.
    WindowName = vec!["primary", "secondary"];
    /// Where a model name comes from: told by the upstream, or allowed by the person.
    ModelSource = vec!["upstream", "allowed"];
}
