//! The commands about what may be spent: gateway keys and their rules, balances, usage limits.

use clap::{Args, Subcommand};

/// `key …`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Show every key's name, its rules and what it has used
    #[command(alias = "list")]
    Show,
    /// Replace the default key; the old one stops working at once
    Rotate,
    /// Make a further key
    Add {
        /// Its name
        name: String,
        /// What it may do
        #[command(flatten)]
        rules: KeyRules,
    },
    /// Change what a key may do; what is not named stays
    Edit {
        /// Its name
        name: String,
        /// Switch it on
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Switch it off
        #[arg(long)]
        disable: bool,
        /// Lift the budget
        #[arg(long, conflicts_with_all = ["tokens", "usd", "period_days"])]
        no_budget: bool,
        /// What it may do
        #[command(flatten)]
        rules: KeyRules,
    },
    /// Take a key back
    #[command(alias = "remove")]
    Revoke {
        /// Its name
        name: String,
    },
}

/// What a key may do. A rule is lifted by `none`.
#[derive(Debug, Default, Args)]
pub struct KeyRules {
    /// Refused after this day, for instance 2026-12-31, or from this instant on; none lifts it
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
    /// Models it may ask for, with commas; a * at the end stands for any; none lifts it
    #[arg(long, value_name = "A,B")]
    pub models: Option<String>,
    /// Requests it may run at once; none lifts it
    #[arg(long, value_name = "N")]
    pub max_concurrency: Option<String>,
    /// Tokens in and out it may use in a period
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub tokens: Option<i64>,
    /// Estimated cost in USD it may cause in a period, for instance 12.50
    #[arg(long, value_name = "AMOUNT")]
    pub usd: Option<String>,
    /// Days of a period [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    pub period_days: Option<u32>,
}

/// `balance …`
#[derive(Debug, Subcommand)]
pub enum BalanceCommand {
    /// Choose who is asked about an account, and below what it does not serve
    Set {
        /// Its id or label
        id: String,
        /// siliconflow, deepseek, moonshot, openrouter, zai, openai_billing, none, auto for what the host says, or a rule such as
        /// '/api/user/self#total=/data/quota&per=500000'
        #[arg(long, value_name = "NAME", required_unless_present = "threshold")]
        adapter: Option<String>,
        /// At or below this amount it does not serve, for instance 0.50; default is 0.20
        #[arg(long, value_name = "AMOUNT")]
        threshold: Option<String>,
    },
}

/// `limit …`
#[derive(Debug, Subcommand)]
pub enum LimitCommand {
    /// List all usage limits and what was used of them
    #[command(alias = "show")]
    List,
    /// Limit what an account may use in a period, whole or one model of it
    Set(Limit),
    /// Lift the limits of an account
    Clear {
        /// Its id or label
        id: String,
        /// Only the limit of this model
        #[arg(long, value_name = "M")]
        model: Option<String>,
    },
}

/// `limit set`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["requests", "prompt_tokens", "completion_tokens", "total_tokens", "cost"]))]
pub struct Limit {
    /// Its id or label
    pub id: String,
    /// Only this model; a * at the end stands for any [default: the whole account]
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    /// Days of a period [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    pub period_days: Option<u32>,
    /// Requests
    #[arg(long, value_name = "N")]
    pub requests: Option<i64>,
    /// Tokens in
    #[arg(long, value_name = "N")]
    pub prompt_tokens: Option<i64>,
    /// Tokens out
    #[arg(long, value_name = "N")]
    pub completion_tokens: Option<i64>,
    /// Tokens in and out
    #[arg(long, value_name = "N")]
    pub total_tokens: Option<i64>,
    /// Estimated cost in USD, for instance 12.50
    #[arg(long, value_name = "AMOUNT")]
    pub cost: Option<String>,
}
