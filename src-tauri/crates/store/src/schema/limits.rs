//! The schema of balances and usage limits. Amounts of money are decimal text, or whole billionths where they are summed.

use super::Migration;

/// The last balance read of each account and what the person wants of it (F111, F112); limits of their own (F72); and finished requests
/// by quarter of an hour, from which limits and budgets count, whatever day and time zone they go by.
pub(crate) const LIMITS: Migration = "
CREATE TABLE balances (
  account_id  TEXT PRIMARY KEY NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  adapter     TEXT,
  threshold   TEXT,
  amounts     TEXT NOT NULL DEFAULT '[]',
  unavailable INTEGER NOT NULL DEFAULT 0,
  checked_at  INTEGER,
  tried_at    INTEGER,
  error       TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_limits (
  account_id        TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  model             TEXT NOT NULL,
  period_days       INTEGER NOT NULL,
  since             INTEGER NOT NULL,
  requests          INTEGER,
  prompt_tokens     INTEGER,
  completion_tokens INTEGER,
  total_tokens      INTEGER,
  cost_nanos        INTEGER,
  PRIMARY KEY (account_id, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_slots (
  slot          INTEGER NOT NULL,
  account_id    TEXT NOT NULL,
  model         TEXT NOT NULL,
  client_key    TEXT NOT NULL,
  requests      INTEGER NOT NULL DEFAULT 0,
  input_tokens  INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cost_nanos    INTEGER NOT NULL DEFAULT 0,
  unknown_usage INTEGER NOT NULL DEFAULT 0,
  unpriced      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (slot, account_id, model, client_key)
) STRICT, WITHOUT ROWID;
";
