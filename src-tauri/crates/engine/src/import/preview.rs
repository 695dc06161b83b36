//! What an import would do, before it does it (F5). It writes nothing and shows no secret.
//!
//! Called with the keys of the accounts there are; the engine and the command line show its rows.

use std::collections::HashMap;

use pool::{AccountKind, Format, Timestamp};

use super::{Completeness, DuplicateKey, ImportBatch, Shape};
use crate::redact::mask_email;

/// One item of the preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    /// Which item, 1-based.
    pub item: usize,
    /// What it becomes.
    pub kind: AccountKind,
    /// The name the file gives it, masked where it is an e-mail address.
    pub label: Option<String>,
    /// Masked e-mail address.
    pub email: Option<String>,
    /// Plan.
    pub plan: Option<String>,
    /// When the access token ends; `None` counts as ended.
    pub expires_at: Option<Timestamp>,
    /// What the tokens allow.
    pub completeness: Completeness,
    /// A key account's base URL.
    pub base_url: Option<String>,
    /// A key account's format, and whether it was assumed.
    pub format: Option<(Format, bool)>,
    /// The shape it was found in.
    pub source: Shape,
    /// What would happen to it.
    pub verdict: Verdict,
}

/// What would happen to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A new account.
    New,
    /// An account that is there already gets these tokens; label, order and usage stay (F2).
    Update,
    /// An earlier item of the same file is the same account.
    DuplicateInFile {
        /// Which one.
        of: usize,
    },
}

impl Verdict {
    /// The word shown to people and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Update => "update",
            Self::DuplicateInFile { .. } => "duplicate_in_file",
        }
    }
}

/// The preview of a batch; `exists` knows the accounts there are.
pub fn preview(batch: &ImportBatch, exists: impl Fn(&DuplicateKey) -> bool) -> Vec<PreviewRow> {
    let mut seen: HashMap<DuplicateKey, usize> = HashMap::new();
    let rows = batch.items.iter().map(|item| {
        let key = item.duplicate_key();
        let verdict = match seen.get(&key) {
            Some(of) => Verdict::DuplicateInFile { of: *of },
            None if exists(&key) => Verdict::Update,
            None => Verdict::New,
        };
        seen.entry(key).or_insert(item.item);
        let mask = |label: &String| {
            if label.contains('@') {
                mask_email(label)
            } else {
                label.clone()
            }
        };
        PreviewRow {
            item: item.item,
            kind: item.kind,
            label: item.label.as_ref().map(mask),
            email: item.identity.email.as_deref().map(mask_email),
            plan: item.identity.plan.clone(),
            expires_at: item.identity.expires_at,
            completeness: item.completeness(),
            base_url: item.relay.as_ref().map(|relay| relay.base_url.clone()),
            format: item
                .relay
                .as_ref()
                .map(|relay| (relay.format, relay.format_assumed)),
            source: item.source,
            verdict,
        }
    });
    rows.collect()
}
