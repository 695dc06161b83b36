//! The journal: what became of each request, with every attempt and its reason. No bodies, no prompts, no headers. Written in batches off the
//! request path; pruned to a number of rows and an age (F74).

use rusqlite::{Row, named_params, params};

use crate::accounts::{from_json, to_json};
use crate::{Durability, Store, StoreError};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalRow {
    /// Order of arrival in the journal, given by the store; 0 in a row to be inserted.
    pub seq: i64,
    /// The id answered as `x-request-id`.
    pub request_id: String,
    /// When it arrived.
    pub started_at: i64,
    /// Name of the client's gateway key.
    pub client_key: Option<String>,
    /// The client's dialect.
    pub dialect: String,
    /// The path, without query.
    pub endpoint: String,
    /// The model the client named.
    pub model_asked: Option<String>,
    /// The model the upstream was asked for.
    pub model_served: Option<String>,
    /// The account that served, or was tried last.
    pub account_id: Option<String>,
    /// Its label then.
    pub account_label: Option<String>,
    /// The HTTP status the client got.
    pub status: Option<u16>,
    /// Code of the outcome.
    pub outcome: String,
    /// A streamed answer.
    pub stream: bool,
    /// Milliseconds to the first content byte.
    pub ttft_ms: Option<i64>,
    /// Milliseconds to the end.
    pub duration_ms: i64,
    /// As the upstream told; `None` is not known.
    pub input_tokens: Option<i64>,
    /// As the upstream told; `None` is not known.
    pub output_tokens: Option<i64>,
    /// As the upstream told; `None` is not known.
    pub cached_tokens: Option<i64>,
    /// As the upstream told; `None` is not known.
    pub reasoning_tokens: Option<i64>,
    /// Code of the error the client got.
    pub error_code: Option<String>,
    /// What translation had to drop or approximate.
    pub losses: Vec<String>,
    /// The attempts, in order.
    pub attempts: Vec<AttemptRow>,
}

/// One attempt of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttemptRow {
    /// From 1.
    pub n: u32,
    /// The account.
    pub account_id: Option<String>,
    /// Its label then.
    pub account_label: Option<String>,
    /// Code of the outcome.
    pub outcome: String,
    /// The upstream's HTTP status, when it answered.
    pub http_status: Option<u16>,
    /// Milliseconds it took.
    pub duration_ms: i64,
    /// Why it ended so, in words without secrets.
    pub reason: Option<String>,
}

/// Which rows to give; every `None` lets all through.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter<'a> {
    /// Requests this account served or was tried for.
    pub account_id: Option<&'a str>,
    /// Requests with this outcome.
    pub outcome: Option<&'a str>,
    /// Requests whose asked or served model contains this text.
    pub model: Option<&'a str>,
    /// Requests of this client key.
    pub client_key: Option<&'a str>,
    /// The one request.
    pub request_id: Option<&'a str>,
    /// Requests that arrived at this time or later.
    pub since: Option<i64>,
    /// Rows before this `seq`: the next page.
    pub before_seq: Option<i64>,
}

impl JournalRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            request_id: row.get("request_id")?,
            started_at: row.get("started_at")?,
            client_key: row.get("client_key")?,
            dialect: row.get("dialect")?,
            endpoint: row.get("endpoint")?,
            model_asked: row.get("model_asked")?,
            model_served: row.get("model_served")?,
            account_id: row.get("account_id")?,
            account_label: row.get("account_label")?,
            status: row.get("status")?,
            outcome: row.get("outcome")?,
            stream: row.get("stream")?,
            ttft_ms: row.get("ttft_ms")?,
            duration_ms: row.get("duration_ms")?,
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
            cached_tokens: row.get("cached_tokens")?,
            reasoning_tokens: row.get("reasoning_tokens")?,
            error_code: row.get("error_code")?,
            losses: from_json(row, "losses")?,
            attempts: Vec::new(),
        })
    }
}

impl AttemptRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            n: row.get("n")?,
            account_id: row.get("account_id")?,
            account_label: row.get("account_label")?,
            outcome: row.get("outcome")?,
            http_status: row.get("http_status")?,
            duration_ms: row.get("duration_ms")?,
            reason: row.get("reason")?,
        })
    }
}

const INSERT: &str = "INSERT INTO requests (request_id, started_at, client_key, dialect, endpoint, model_asked, model_served, account_id,
  account_label, status, outcome, stream, ttft_ms, duration_ms, input_tokens, output_tokens, cached_tokens, reasoning_tokens, error_code, losses)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

const INSERT_ATTEMPT: &str = "INSERT INTO attempts (request_seq, n, account_id, account_label, outcome, http_status, duration_ms, reason)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const RECENT: &str = "SELECT * FROM requests WHERE
      (:before_seq IS NULL OR seq < :before_seq)
  AND (:since IS NULL OR started_at >= :since)
  AND (:request_id IS NULL OR request_id = :request_id)
  AND (:outcome IS NULL OR outcome = :outcome)
  AND (:client_key IS NULL OR client_key = :client_key)
  AND (:model IS NULL OR instr(ifnull(model_asked, ''), :model) > 0 OR instr(ifnull(model_served, ''), :model) > 0)
  AND (:account_id IS NULL OR account_id = :account_id
       OR EXISTS (SELECT 1 FROM attempts WHERE request_seq = seq AND attempts.account_id = :account_id))
ORDER BY seq DESC LIMIT :n";

impl Store {
    /// Adds finished requests, in this order, in one transaction.
    pub fn add_requests(&self, rows: &[JournalRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.write(Durability::Process, |transaction| {
            let mut request = transaction.prepare_cached(INSERT)?;
            let mut attempt = transaction.prepare_cached(INSERT_ATTEMPT)?;
            for row in rows {
                let seq = request.insert(params![
                    row.request_id,
                    row.started_at,
                    row.client_key,
                    row.dialect,
                    row.endpoint,
                    row.model_asked,
                    row.model_served,
                    row.account_id,
                    row.account_label,
                    row.status,
                    row.outcome,
                    row.stream,
                    row.ttft_ms,
                    row.duration_ms,
                    row.input_tokens,
                    row.output_tokens,
                    row.cached_tokens,
                    row.reasoning_tokens,
                    row.error_code,
                    if row.losses.is_empty() {
                        "[]".to_owned()
                    } else {
                        to_json(&row.losses)?
                    },
                ])?;
                for one in &row.attempts {
                    attempt.execute(params![
                        seq,
                        one.n,
                        one.account_id,
                        one.account_label,
                        one.outcome,
                        one.http_status,
                        one.duration_ms,
                        one.reason,
                    ])?;
                }
            }
            Ok(())
        })
    }

    /// The newest `n` requests that pass the filter, newest first, with their attempts.
    pub fn recent_requests(
        &self,
        n: u32,
        filter: &JournalFilter<'_>,
    ) -> Result<Vec<JournalRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(RECENT)?;
            let found = statement.query_map(
                named_params! {
                    ":n": n,
                    ":before_seq": filter.before_seq,
                    ":since": filter.since,
                    ":request_id": filter.request_id,
                    ":outcome": filter.outcome,
                    ":client_key": filter.client_key,
                    ":model": filter.model,
                    ":account_id": filter.account_id,
                },
                JournalRow::from_row,
            )?;
            let mut rows: Vec<JournalRow> = found.collect::<Result<_, _>>()?;
            let mut attempts = connection
                .prepare_cached("SELECT * FROM attempts WHERE request_seq = ?1 ORDER BY n")?;
            for row in &mut rows {
                row.attempts = attempts
                    .query_map([row.seq], AttemptRow::from_row)?
                    .collect::<Result<_, _>>()?;
            }
            Ok(rows)
        })
    }

    /// Removes requests that arrived before `before` and all but the newest `keep` (F74: 7 days, 2000 rows); gives how many.
    /// `prune_requests(0, i64::MAX)` clears the journal.
    pub fn prune_requests(&self, keep: u32, before: i64) -> Result<usize, StoreError> {
        self.write(Durability::Process, |transaction| {
            let old = transaction.prepare_cached("DELETE FROM requests WHERE started_at < ?1")?.execute([before])?;
            let surplus = transaction
                .prepare_cached(
                    "DELETE FROM requests WHERE seq <= (SELECT seq FROM requests ORDER BY seq DESC LIMIT 1 OFFSET ?1)",
                )?
                .execute([keep])?;
            Ok(old + surplus)
        })
    }
}
