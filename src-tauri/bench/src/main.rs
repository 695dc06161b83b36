//! `switchyard-bench`: measures the headless gateway beside nginx and a direct call, in one run, and holds the figures against the goals.
//!
//! Not a test: it asserts nothing and its figures are the host's. Load and mock upstream share one CPU, what is measured has another.

mod answers;
mod load;
mod mock;
mod mock_process;
mod procs;
mod proxy;
mod rows;
mod subjects;
mod table;
mod tokens;
mod wire;

use crate::mock_process::Mock;
use crate::procs::Nursery;
use crate::rows::Bench;
use crate::subjects::{Account, Subject};
use crate::table::{Limit, Report, Row};
use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Measures the gateway beside nginx and a direct call.
#[derive(Debug, Parser)]
#[command(name = "switchyard-bench", version)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// The gateway's binary
    #[arg(long, default_value = "target/release/switchyard")]
    binary: PathBuf,
    /// Measure this command instead: it listens on {port} and has its upstream at http://127.0.0.1:{mock}; "nginx" and "floor" name ours
    #[arg(long)]
    gateway: Option<String>,
    /// The client key of --gateway
    #[arg(long, env = "SWITCHYARD_BENCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Short loads: a smoke run of some minutes
    #[arg(long)]
    quick: bool,
    /// Only rows whose name contains this (cpu, latency, paced, flood, streams, body, idle, start, pool, chat>codex, "pairs, cpu" and latency, paced, memory, body, long, …)
    #[arg(long)]
    only: Option<String>,
    /// Also measure a bare hyper proxy
    #[arg(long)]
    floor: bool,
    /// Print one JSON document instead of the table
    #[arg(long)]
    json: bool,
    /// Exit with 1 when a gate is missed or not measured
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The mock upstream (started by the bench itself)
    #[command(hide = true)]
    Mock,
    /// The bare proxy (started by the bench itself)
    #[command(hide = true)]
    Proxy {
        /// Where it listens
        #[arg(long)]
        port: u16,
        /// Where it passes everything on to
        #[arg(long)]
        upstream: u16,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // The chain of causes, without a backtrace: these are set-up errors.
            let _ = writeln!(std::io::stderr(), "switchyard-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    let done = |result: Result<()>| result.map(|()| ExitCode::SUCCESS);
    match arguments.role {
        Some(Role::Mock) => done(local.block_on(&runtime, mock::serve())),
        Some(Role::Proxy { port, upstream }) => {
            done(local.block_on(&runtime, proxy::serve(port, upstream)))
        }
        None => local.block_on(&runtime, async {
            tokio::select! {
                result = measure(arguments) => result,
                // Everything started ends with the values that are dropped here.
                _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped"),
            }
        }),
    }
}

async fn measure(arguments: &Arguments) -> Result<ExitCode> {
    let mut missing = Vec::new();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    if cpus >= 2 && !procs::pin_self(1) {
        missing.push(
            "CPUs are not set apart: taskset is missing or refused, so figures are noisier"
                .to_owned(),
        );
    }
    if cpus < 2 {
        missing
            .push("CPUs are not set apart: there is only one, so figures are noisier".to_owned());
    }
    let nursery = Nursery::on((cpus >= 2).then_some(0))?;
    raise_file_limit();
    let mock = Mock::start()?;
    let nginx = Subject::nginx(mock.port)
        .map_err(|error| missing.push(format!("{error:#}")))
        .ok();
    let floor = if arguments.floor {
        Some(Subject::floor(mock.port)?)
    } else {
        None
    };
    let mut gateways = HashMap::new();
    for account in Account::ALL {
        let subject = match arguments.gateway.as_deref() {
            Some("nginx") => Subject::nginx(mock.port).map(as_gateway),
            Some("floor") => Subject::floor(mock.port).map(as_gateway),
            Some(template) => Subject::command(template, mock.port, arguments.key.clone()),
            None => match arguments.binary.canonicalize() {
                Ok(binary) => Subject::switchyard(&binary, account, mock.port).await,
                Err(_) => anyhow::bail!(
                    "no gateway at {}: build it with `cargo build --release -p switchyard`",
                    arguments.binary.display()
                ),
            },
        };
        match subject {
            Ok(subject) => drop(gateways.insert(account, subject)),
            Err(error) => missing.push(format!("{}: {error:#}", account.name())),
        }
    }
    let bench = Bench {
        mock,
        nursery,
        nginx,
        floor,
        gateways,
        quick: arguments.quick,
        only: arguments.only.clone(),
    };
    if !bench.nursery.pinned && cpus >= 2 {
        missing.push("the gateway could not be put on a CPU of its own".to_owned());
    }
    let mut report = bench
        .run(|name| drop(writeln!(std::io::stderr(), "measuring {name} ...")))
        .await;
    if arguments
        .only
        .as_deref()
        .is_none_or(|only| "pool".contains(only))
    {
        match selection() {
            Ok(row) => report.rows.push(row),
            Err(error) => report.missing.push(format!("pool: {error:#}")),
        }
    }
    missing.append(&mut report.missing);
    report.missing = missing;
    print(arguments, &report)?;
    let short =
        report.rows.iter().any(|row| row.gate_met() == Some(false)) || !report.missing.is_empty();
    Ok(ExitCode::from(u8::from(arguments.strict && short)))
}

fn print(arguments: &Arguments, report: &Report) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    if arguments.json {
        writeln!(stdout, "{}", serde_json::to_string_pretty(&report.json())?)?;
    } else {
        write!(stdout, "{}", report.table())?;
    }
    Ok(())
}

/// Calls one of our own subjects the gateway, to try the bench itself.
fn as_gateway(mut subject: Subject) -> Subject {
    subject.name = "gateway".into();
    subject
}

/// Five thousand streams need twice as many files in the gateway; the hard limit is all one may take.
fn raise_file_limit() {
    let id = std::process::id().to_string();
    let hard = Command::new("sh").args(["-c", "ulimit -Hn"]).output();
    let Some(hard) = hard
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
    else {
        return;
    };
    let limit = format!("--nofile={0}:{0}", hard.trim());
    let _ = Command::new("prlimit")
        .args(["--pid", &id, &limit])
        .status();
}

/// The pool's own example prints how long a selection over 1,000 accounts takes; the slowest policy counts.
fn selection() -> Result<Row> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([
        "run",
        "--quiet",
        "--release",
        "-p",
        "pool",
        "--example",
        "select_bench",
    ]);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let output = command.output().context("cargo does not start")?;
    anyhow::ensure!(
        output.status.success(),
        "the pool's select_bench does not run: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let slowest = slowest_median(&String::from_utf8_lossy(&output.stdout))
        .context("the pool's select_bench prints no p50")?;
    Ok(Row::new("selection over 1,000 accounts", "us", slowest)
        .goal(Limit::Most(50.0), Limit::Most(10.0))
        .note("p50 of the slowest policy"))
}

/// The highest of the medians that `select_bench` prints, one line for each policy.
fn slowest_median(text: &str) -> Option<f64> {
    let middle = |line: &str| {
        line.split(" p50 ")
            .nth(1)?
            .split_whitespace()
            .next()?
            .parse::<f64>()
            .ok()
    };
    text.lines().filter_map(middle).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_policy_counts() {
        let text = "selection over 1000 accounts\nactive   p50    6.08 us   p99 12.1 us\nround_robin   p50   17.94 us   p99 20 us\n";
        assert_eq!(slowest_median(text), Some(17.94));
        assert_eq!(slowest_median("nothing"), None);
    }

    #[test]
    fn arguments_are_sound() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
