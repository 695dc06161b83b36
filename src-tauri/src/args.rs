//! What can be typed after `switchyard-desktop`. Everything else is a setting, an environment variable or a click.

use std::path::PathBuf;

use clap::Parser;

/// Switchyard: one local address in front of all your AI accounts, with a tray menu
#[derive(Debug, Parser)]
#[command(name = "switchyard-desktop", version)]
pub(crate) struct Arguments {
    /// Home folder (default: the platform's application-data folder)
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Start in the tray, without a window
    #[arg(long)]
    pub hidden: bool,
    /// Print the gateway key at the start even where the output is no terminal
    #[arg(long)]
    pub show_key: bool,
}
