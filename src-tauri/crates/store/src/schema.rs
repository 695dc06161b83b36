//! The schema, version by version. A version that has been released is never edited: a change is a new entry.
//!
//! Columns named `…_at` and `…_until` are unix milliseconds; columns holding lists are JSON text. No column holds a secret: a test keeps the
//! list of columns.

mod limits;

/// One step forward: the SQL that turns version `n - 1` into version `n` (its place in the list plus one).
pub(crate) type Migration = &'static str;

/// All steps, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[V1, V2, limits::LIMITS];

/// The version this build writes.
pub const SCHEMA_VERSION: u32 = 3;

/// SQLite's application id: "SWYD". Tells our database from anybody else's.
pub(crate) const APPLICATION_ID: u32 = 0x5357_5944;

const V1: Migration = "
CREATE TABLE meta (
  key   TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  id                  TEXT PRIMARY KEY NOT NULL,
  kind                TEXT NOT NULL DEFAULT 'codex_oauth',
  label               TEXT NOT NULL,
  enabled             INTEGER NOT NULL DEFAULT 1,
  position            INTEGER NOT NULL,
  priority            INTEGER NOT NULL DEFAULT 50,
  account_group       TEXT,
  format              TEXT,
  base_url            TEXT,
  allowed_models      TEXT,
  known_models        TEXT,
  known_models_at     INTEGER,
  extra_headers       TEXT NOT NULL DEFAULT '[]',
  proxy               TEXT,
  plan                TEXT,
  email               TEXT,
  provider_account_id TEXT,
  provider_user_id    TEXT,
  expires_at          INTEGER,
  refreshable         INTEGER NOT NULL DEFAULT 0,
  excluded            INTEGER NOT NULL DEFAULT 0,
  slots               INTEGER,
  options             TEXT,
  notes               TEXT,
  source              TEXT NOT NULL DEFAULT '',
  added_at            INTEGER NOT NULL DEFAULT 0,
  exported_at         INTEGER,
  export_count        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE account_state (
  account_id           TEXT PRIMARY KEY NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  status               TEXT NOT NULL DEFAULT 'unknown',
  reason               TEXT,
  status_at            INTEGER,
  cooldown_until       INTEGER,
  cooldown_source      TEXT,
  exhausted_until      INTEGER,
  exhausted_source     TEXT,
  quota                TEXT,
  last_used_at         INTEGER,
  last_success_at      INTEGER,
  consecutive_failures INTEGER NOT NULL DEFAULT 0,
  requests             INTEGER NOT NULL DEFAULT 0,
  successes            INTEGER NOT NULL DEFAULT 0,
  failures             INTEGER NOT NULL DEFAULT 0,
  cancelled            INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE quota_samples (
  account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  quota_window TEXT NOT NULL,
  captured_at  INTEGER NOT NULL,
  used_percent REAL,
  resets_at    INTEGER,
  source       TEXT NOT NULL,
  PRIMARY KEY (account_id, quota_window, captured_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX quota_samples_by_time ON quota_samples (captured_at);

CREATE TABLE requests (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,
  request_id       TEXT NOT NULL,
  started_at       INTEGER NOT NULL,
  client_key       TEXT,
  dialect          TEXT NOT NULL,
  endpoint         TEXT NOT NULL,
  model_asked      TEXT,
  model_served     TEXT,
  account_id       TEXT,
  account_label    TEXT,
  status           INTEGER,
  outcome          TEXT NOT NULL,
  stream           INTEGER NOT NULL,
  ttft_ms          INTEGER,
  duration_ms      INTEGER NOT NULL,
  input_tokens     INTEGER,
  output_tokens    INTEGER,
  cached_tokens    INTEGER,
  reasoning_tokens INTEGER,
  error_code       TEXT,
  losses           TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX requests_by_time ON requests (started_at);
CREATE INDEX requests_by_id ON requests (request_id);

CREATE TABLE attempts (
  request_seq   INTEGER NOT NULL REFERENCES requests (seq) ON DELETE CASCADE,
  n             INTEGER NOT NULL,
  account_id    TEXT,
  account_label TEXT,
  outcome       TEXT NOT NULL,
  http_status   INTEGER,
  duration_ms   INTEGER NOT NULL,
  reason        TEXT,
  PRIMARY KEY (request_seq, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_daily (
  day              INTEGER NOT NULL,
  account_id       TEXT NOT NULL,
  model            TEXT NOT NULL,
  route            TEXT NOT NULL,
  client_key       TEXT NOT NULL,
  requests         INTEGER NOT NULL DEFAULT 0,
  successes        INTEGER NOT NULL DEFAULT 0,
  failures         INTEGER NOT NULL DEFAULT 0,
  cancelled        INTEGER NOT NULL DEFAULT 0,
  input_tokens     INTEGER NOT NULL DEFAULT 0,
  output_tokens    INTEGER NOT NULL DEFAULT 0,
  cached_tokens    INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens INTEGER NOT NULL DEFAULT 0,
  images           INTEGER NOT NULL DEFAULT 0,
  unknown_usage    INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, account_id, model, route, client_key)
) STRICT, WITHOUT ROWID;
";

/// Changes of the active account (F48), and a share of the quota that is left alone.
const V2: Migration = "
ALTER TABLE accounts ADD COLUMN reserve_percent INTEGER;

CREATE TABLE switches (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  from_id    TEXT,
  from_label TEXT,
  to_id      TEXT NOT NULL,
  to_label   TEXT NOT NULL,
  reason     TEXT NOT NULL,
  automatic  INTEGER NOT NULL,
  avoided    INTEGER NOT NULL DEFAULT 0,
  back_at    INTEGER
) STRICT;
";

#[cfg(test)]
mod tests;
