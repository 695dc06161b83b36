//! What can be typed: the whole tree of commands, with its help.
//!
//! It does nothing: `main` reads it and calls the engine. A secret is never an argument (other users see those): keys and
//! passphrases come from standard input or the environment.

mod home;
mod limits;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use home::{
    Backup, BackupCommand, Clear, ClearCommand, Diagnostics, Reset, ResetCommand, Restore,
    TestCommand,
};
pub use naming::{Auth, Extras, ModelsCommand};

mod naming;
pub use limits::{BalanceCommand, KeyCommand, KeyRules, Limit, LimitCommand};

/// One local AI gateway in front of all your accounts.
#[derive(Debug, Parser)]
#[command(name = "switchyard", version, propagate_version = true, after_help = AFTER_HELP, max_term_width = 110)]
pub struct Arguments {
    /// Home folder [env: SWITCHYARD_HOME] [default: the platform's application-data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Print one JSON document on standard output; messages go to standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing found, 4 home locked or newer than this binary, 5 vault locked.
Vault: SWITCHYARD_VAULT=keychain|file; `file` takes its passphrase from SWITCHYARD_PASSPHRASE or standard input.
Settings: SWITCHYARD_ and the upper-cased key with _ for . (SWITCHYARD_SERVER_PORT) beats the settings file.";

/// A command. All of them work on a home that no instance is using, and talk to the running instance otherwise.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway without a window until SIGINT or SIGTERM
    Serve(Serve),
    /// Serve simulated accounts from a throw-away home: no sign-in, no network
    Demo {
        /// Port to listen on; 0 is any free one
        #[arg(long, value_name = "N")]
        port: Option<u16>,
    },
    /// Show the gateway, the active account and the accounts' standing
    Status,
    /// Refuse new requests for a while; what runs goes on
    Pause {
        /// For how long [default: until `switchyard resume` or a restart]
        #[arg(value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=10_080))]
        minutes: Option<u64>,
    },
    /// Serve again
    Resume,
    /// List the models that the accounts offer; refresh them, and give them further names
    Models {
        /// What to do
        #[command(subcommand)]
        command: Option<ModelsCommand>,
    },
    /// Show the accounts' quota windows
    Quota {
        /// Ask the upstreams first
        #[arg(long)]
        refresh: bool,
    },
    /// List the latest requests, with every account tried and why
    Journal {
        /// How many, 1 to 2000
        #[arg(short, long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=2000))]
        limit: u32,
    },
    /// Show which accounts would serve a model, and why the others would not
    Explain {
        /// The model's name as a client writes it
        model: String,
    },
    /// Send one prompt and print the answer
    Ask {
        /// The model [default: the setting ask.model]
        #[arg(short, long)]
        model: Option<String>,
        /// The prompt; - reads it from standard input
        prompt: String,
    },
    /// Show what is left of the accounts' money
    Balance {
        /// Ask the providers first
        #[arg(long)]
        refresh: bool,
        /// What to do
        #[command(subcommand)]
        command: Option<BalanceCommand>,
    },
    /// Show and change what accounts may use in a period
    Limit {
        /// What to do
        #[command(subcommand)]
        command: LimitCommand,
    },
    /// Show and change the gateway keys; without a command print the default one, and nothing else
    #[command(alias = "keys")]
    Key {
        /// What to do
        #[command(subcommand)]
        command: Option<KeyCommand>,
    },
    /// Show and change the accounts
    Account {
        /// What to do
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Show and change the settings
    Settings {
        /// What to do
        #[command(subcommand)]
        command: SettingsCommand,
    },
    /// Make a backup of the database, or of settings and accounts as a file
    Backup(Backup),
    /// Bring a backup back
    Restore(Restore),
    /// Clear what was noted, each sort alone
    Clear(Clear),
    /// Log every sign-in out, clear usage, or go back to the beginning
    Reset(Reset),
    /// Try an account, a proxy, or the network
    Test {
        /// What to try
        #[command(subcommand)]
        command: TestCommand,
    },
    /// Show the diagnostic bundle, without secrets, and save it
    Diagnostics(Diagnostics),
}

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Address to listen on, for this run [default: the setting server.host, 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", value_parser = host)]
    pub host: Option<String>,
    /// Port to listen on, for this run; 0 is any free one [default: the setting server.port, 8787]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Another settings file than the home's
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Serve the web console too, under a token of its own, which is printed at start
    #[arg(long)]
    pub console: bool,
    /// Port of the web console, on loopback only; 0 is any free one [default: 8786, or any when it is busy]
    #[arg(long, value_name = "N", requires = "console")]
    pub console_port: Option<u16>,
    /// Print the default gateway key at start, for a terminal nobody else reads
    #[arg(long)]
    pub show_key: bool,
}

/// `account …`
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// List the accounts
    List,
    /// Show one account
    Show {
        /// Its id or label
        id: String,
    },
    /// Make an account the active one
    Activate {
        /// Its id or label
        id: String,
    },
    /// Let an account be used again
    Enable {
        /// Its id or label
        id: String,
    },
    /// Keep an account from being used
    Disable {
        /// Its id or label
        id: String,
    },
    /// Change an account
    Set {
        /// Its id or label
        id: String,
        /// NAME=VALUE, of label, models, group, priority, proxy, excluded, reserve (percent), slots, notes, auth, reads_suffixes, effort,
        /// formats, capabilities (of chat, embeddings, images), turns (a,b;every=5); an empty value clears
        #[arg(required = true, value_name = "NAME=VALUE")]
        changes: Vec<String>,
    },
    /// Remove an account and its credential
    Remove {
        /// Its id or label
        id: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Refresh the tokens of one account, or of all
    Refresh {
        /// Its id or label
        id: Option<String>,
    },
    /// Set the accounts' order; those not named follow in their old order
    Order {
        /// Ids or labels, first to last
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Import accounts from a file of any known shape
    Import(Import),
    /// Write accounts with their secrets into a private file
    Export(Export),
    /// Sign in to ChatGPT; what the browser ended on may be pasted
    Login {
        /// Show a code to enter on another device
        #[arg(long)]
        device: bool,
        /// Sign this account in again, in place; its id or label
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Add an account that is used by API key; the key is read from standard input
    Add(Add),
    /// List the known providers
    Presets,
}

/// `account import`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("origin").required(true).args(["file", "from_codex"]))]
pub struct Import {
    /// The file, a folder of files or a ZIP archive of them; - is standard input
    pub file: Option<PathBuf>,
    /// Import the account of the Codex CLI on this machine ($CODEX_HOME, else ~/.codex)
    #[arg(long)]
    pub from_codex: bool,
    /// Show what would happen and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Check every imported account with its upstream; no model is called
    #[arg(long, conflicts_with = "dry_run")]
    pub verify: bool,
    /// Read the passphrase of an encrypted export from standard input
    #[arg(long)]
    pub passphrase_stdin: bool,
}

/// `account export`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["ids", "all"]))]
pub struct Export {
    /// Ids or labels
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Every account
    #[arg(long)]
    pub all: bool,
    /// The file to write; - is standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Encrypt the file under a passphrase read from standard input
    #[arg(long)]
    pub passphrase_stdin: bool,
    /// Write the secrets even to a terminal
    #[arg(long)]
    pub force: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// `account add`
#[derive(Debug, Args)]
pub struct Add {
    /// What it is
    #[arg(long, required_unless_present = "preset")]
    pub kind: Option<Kind>,
    /// A known provider, which says kind, base URL and format; `switchyard account presets` lists them
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Name shown to you, at most 64 characters
    #[arg(long, value_name = "L", value_parser = label)]
    pub label: String,
    /// Base URL, for instance https://relay.example.com/v1
    #[arg(long, value_name = "URL", required_unless_present = "preset")]
    pub base_url: Option<String>,
    /// Dialect the upstream speaks
    #[arg(long, required_unless_present = "preset")]
    pub format: Option<Format>,
    /// Models it may serve, with commas; a * at the end stands for any [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub models: Option<Vec<String>>,
    /// Its group
    #[arg(long, value_name = "G")]
    pub group: Option<String>,
    /// Lower is used first: free 0, consumable 20, normal 50, expensive 80, precious 100
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub priority: u32,
    /// Read many keys, one a line: each becomes an account of the group, which is named like the label by default
    #[arg(long)]
    pub many: bool,
    /// A proxy of its own (http, https, socks4, socks4a, socks5, socks5h), or `direct`
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// What few key accounts need
    #[command(flatten)]
    pub extras: Extras,
}

/// Kinds of account that are used by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A third-party base URL and key
    Relay,
    /// A Z.AI or BigModel key
    Zai,
    /// A model provider's own key
    Provider,
}

impl Kind {
    /// The spelling that the rest of the house uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Zai => "zai",
            Self::Provider => "provider_key",
        }
    }
}

/// Dialects an upstream may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// OpenAI Chat Completions
    #[value(name = "openai")]
    OpenAi,
    /// OpenAI Responses
    Responses,
    /// Anthropic Messages
    Anthropic,
    /// Google Gemini
    Gemini,
    /// The Codex profile of Responses
    Codex,
}

impl Format {
    /// The spelling that the rest of the house uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Responses => "responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Codex => "codex",
        }
    }
}

/// `settings …`
#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// List every setting with value, default, range and origin
    List,
    /// Print one setting's value
    Get {
        /// Its key, for instance server.port
        key: String,
    },
    /// Change a setting
    Set {
        /// Its key
        key: String,
        /// The new value; lists with commas
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Give a setting back to its default
    Unset {
        /// Its key
        key: String,
    },
}

/// An address or a host name: what the setting server.host takes, checked in full there.
fn host(text: &str) -> Result<String, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if bare.parse::<IpAddr>().is_ok() || (!bare.is_empty() && bare.chars().all(name)) {
        Ok(bare.to_owned())
    } else {
        Err("give an IP address or a host name".to_owned())
    }
}

fn label(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the label is empty".to_owned()),
        label if label.chars().count() > 64 => {
            Err("the label is longer than 64 characters".to_owned())
        }
        label => Ok(label.to_owned()),
    }
}

#[cfg(test)]
mod tests;
