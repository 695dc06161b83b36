//! The commands about the home itself: backups, clearing, resets, tests, the diagnostic bundle.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `backup`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Backup {
    /// What to do
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
    /// Write settings and accounts into this file instead, without secrets
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// With secrets, under a passphrase read from standard input
    #[arg(long, requires = "out")]
    pub passphrase_stdin: bool,
    /// Replace a file that is there
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// `backup …`
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// List the backups of the database that stand in the home
    #[command(alias = "show")]
    List,
}

/// `restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// A file of `backup --out`, or the name of a backup of `backup list` [default: the newest one that can be read]
    #[arg(value_name = "WHAT")]
    pub what: Option<PathBuf>,
    /// Read the passphrase of the file from standard input
    #[arg(long)]
    pub passphrase_stdin: bool,
    /// Show what would happen and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `clear …`
#[derive(Debug, Args)]
pub struct Clear {
    /// What to clear
    #[command(subcommand)]
    pub command: ClearCommand,
    /// Do not ask
    #[arg(short, long, global = true)]
    pub yes: bool,
}

/// What can be cleared alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ClearCommand {
    /// The journal of requests
    Journal,
    /// The sums of usage by day; what limits and budgets have counted stays
    Usage,
    /// The history of quota
    Samples,
}

/// `reset …`
#[derive(Debug, Args)]
pub struct Reset {
    /// What to reset
    #[command(subcommand)]
    pub command: ResetCommand,
    /// Do not ask
    #[arg(short, long, global = true)]
    pub yes: bool,
}

/// The three resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ResetCommand {
    /// Log every sign-in out; the accounts stay, and key accounts keep their keys
    SignIns,
    /// Clear the sums of usage, as `clear usage` does
    Usage,
    /// Back to the beginning: accounts, credentials, keys, settings, history, backups and logs go
    Factory,
}

/// `test …`
#[derive(Debug, Subcommand)]
pub enum TestCommand {
    /// Send one small request through one account
    Account {
        /// Its id or label
        id: String,
        /// The model [default: one that it offers]
        #[arg(short, long)]
        model: Option<String>,
    },
    /// Reach a host through a proxy; nothing secret is sent to the host
    Proxy {
        /// The proxy, `direct`, or - to read one with a password from standard input [default: the setting proxy.url]
        #[arg(allow_hyphen_values = true, value_name = "URL", value_parser = without_password)]
        url: Option<String>,
        /// Reach the host of this account [default: the ChatGPT backend]
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Reach every host that settings and accounts name
    Network,
}

/// `diagnostics`
#[derive(Debug, Args)]
pub struct Diagnostics {
    /// Save it to this file after showing it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Do not ask before saving
    #[arg(short, long, requires = "out")]
    pub yes: bool,
}

/// Other users see arguments, so no password may be in one.
fn without_password(text: &str) -> Result<String, String> {
    let user = text
        .split_once("://")
        .map_or(text, |(_, rest)| rest)
        .rsplit_once('@');
    match user {
        Some((user, _)) if user.contains(':') => Err(
            "a password is not given as an argument: say - and write the proxy to standard input"
                .to_owned(),
        ),
        _ => Ok(text.to_owned()),
    }
}
