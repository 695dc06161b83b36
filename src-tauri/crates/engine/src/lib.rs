//! The engine: composes vault, store, pool, upstream and gateway into one running whole, and offers everything a person can do as use cases.
//!
//! It draws nothing and speaks no wire format of its own: the shell, the command line and the admin API call it. [`Engine`] is the entry;
//! its use cases stand in one file per subject.

mod account_options;
mod accounts;
mod backups;
mod balance;
mod catalog;
mod change;
mod clearing;
pub mod clock;
mod compose;
mod convert;
mod credentials;
mod demo;
mod diagnostics;
mod discovery;
pub mod env;
mod error;
mod events;
pub mod export;
mod farewell;
mod handing_out;
pub mod home;
pub mod import;
mod journal;
mod key_list;
mod keys;
mod latency;
mod limits;
mod listening;
pub mod logging;
pub mod logs;
mod look;
pub mod memory;
mod naming;
mod notices;
mod opening;
mod pause;
mod portable;
mod presets;
mod progress;
mod quota_history;
mod quota_query;
mod reaching;
mod read_only;
mod records;
pub mod redact;
mod renewing;
mod schedule;
pub mod settings;
mod settings_use;
mod signin;
mod state_rows;
mod switches;
mod switching;
mod tasks;
mod transfer;
mod trying;
mod turns;
mod upkeep;
mod usage;
mod verifying;
mod views;
mod watched;
mod welcome;

pub use account_options::{
    AccountOptions, ModelTurns, OptionsChange, OptionsView, USUAL_TURN, WireOption,
};
pub use accounts::{KeyAccountExtras, NewKeyAccount};
pub use backups::{BACKUP_WORDS, BackupAccount, BackupPreview, BackupView, BackupsView};
pub use balance::{AmountView, BalanceChange, BalanceView};
pub use catalog::ModelView;
pub use change::AccountChange;
pub use clearing::Noted;
pub use compose::{Engine, OpenOptions};
pub use discovery::{ModelListView, ModelSource};
pub use error::EngineError;
pub use events::EngineEvent;
pub use key_list::KeyListAdded;
pub use keys::{Budget, BudgetView, DEFAULT_KEY, KeyChange, KeyView, read_expiry};
pub use latency::LatencyView;
pub use limits::{DEFAULT_PERIOD, SpentView, UsageLimit, UsageLimitView};
pub use naming::{AliasView, LevelsView, NamesView};
pub use notices::{Notice, NoticeKind};
pub use opening::Opening;
pub use pool::{
    AccountKind, Clock, Credits, Format, HoldSource, Policy, QuotaBucket, QuotaSnapshot,
    QuotaSource, QuotaWindow, Timestamp,
};
pub use portable::{
    BackupWritten, CREDENTIAL_WORDS, RESTORE_WORDS, RestoreReport, RestoredAccount, RestoredSetting,
};
pub use presets::{PRESETS, Preset, notice_of, preset};
pub use quota_history::{QuotaForecast, QuotaHistory, QuotaLine};
pub use quota_query::{QuotaAsked, QuotaQueried};
pub use reaching::{REACH_WORDS, ReachView};
pub use renewing::RefreshView;
pub use settings_use::SettingView;
pub use signin::{CALLBACK_PORTS, SIGN_IN_WORDS, SignInKind, SignInView};
pub use switches::SwitchView;
pub use transfer::{ImportItemView, ImportReport};
pub use trying::{TestView, TryAsk, TryEvent, TryProtocol};
pub use upstream::{AuthForm, Decimal};
pub use usage::{LastDay, UsageSum};
pub use vault::VaultChoice;
pub use views::{
    AccountView, AttemptView, ExplainView, HEALTH_WORDS, HoldView, ICON_WORDS, RequestFilter,
    RequestView, StartedView, StatusView,
};
pub use welcome::Welcome;
