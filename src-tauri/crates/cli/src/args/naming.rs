//! What can be typed about models: their lists, their names, and how key accounts are spoken to.

use clap::{Args, Subcommand, ValueEnum};

/// `models …`
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Ask the accounts for their models now; what fails keeps its old list
    Refresh {
        /// One account by id or label [default: every enabled one]
        account: Option<String>,
    },
    /// Show each account's list, where it comes from and how old it is
    Lists,
    /// Show aliases, patterns and the thinking levels that may stand behind a name
    Names,
    /// Set an alias: a further name for a model
    Alias {
        /// The name clients write
        alias: String,
        /// The model, with a thinking suffix if you like, or another alias
        model: String,
        /// Let only the accounts of this group serve it
        #[arg(long, value_name = "G")]
        group: Option<String>,
    },
    /// Take an alias back
    Unalias {
        /// The name clients write
        alias: String,
    },
}

/// What few key accounts need.
#[derive(Debug, Default, Args)]
pub struct Extras {
    /// How the key is carried [default: as the format does]
    #[arg(long, value_name = "FORM")]
    pub auth: Option<Auth>,
    /// A header sent along, for instance x-team=blue; never a secret
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// Read thinking suffixes behind its model names (-high, -fast), as for sign-ins
    #[arg(long)]
    pub reads_suffixes: bool,
    /// Reasoning effort where neither name nor request say one
    #[arg(long, value_name = "LEVEL")]
    pub effort: Option<String>,
}

/// How a key is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Authorization: Bearer KEY
    Bearer,
    /// x-api-key: KEY
    #[value(name = "x-api-key")]
    XApiKey,
    /// x-goog-api-key: KEY
    #[value(name = "x-goog-api-key")]
    XGoogApiKey,
    /// ?key=KEY
    Query,
}

impl Auth {
    /// The spelling that the rest of the house uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::XApiKey => "x-api-key",
            Self::XGoogApiKey => "x-goog-api-key",
            Self::Query => "query",
        }
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}
