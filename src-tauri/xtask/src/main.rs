//! `cargo xtask`: the tasks of this repository, each of them doing its own set-up.
//!
//! Called by people and by `.ci/run`. It is not part of the product and knows no room's types: it starts
//! programs, reads `cargo metadata` and source text, and reports.
#![expect(
    clippy::print_stdout,
    reason = "a task runner talks to the person at the terminal"
)]

mod bench;
mod clients;
mod codegen;
mod fresh;
mod process;
mod repo;
mod run;
mod setup;
mod test;
mod tidy;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the Switchyard repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up, build and start Switchyard: the desktop application where a display answers, else the headless server
    Run(run::RunArguments),
    /// Set up and run every check and test; the last line is `N passed, N failed`
    Test(test::TestArguments),
    /// Run `.ci/run` on a fresh clone of the last commit, as CI does
    Ci,
    /// Write the files made from the admin API: its description and the TypeScript types of the window
    Codegen,
    /// Check the house rules: the import table, file sizes, module docs, generated files
    Tidy,
    /// Build in release mode and run the benchmarks; the arguments go to `switchyard-bench`
    Bench {
        /// Arguments of `switchyard-bench`; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Install the pinned client programs that the client tests run (`cargo xtask test` does it too)
    Clients,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.task {
        Task::Run(arguments) => run::run(&arguments),
        Task::Test(arguments) => test::test(&arguments),
        Task::Ci => fresh::run_ci(),
        Task::Codegen => codegen::codegen(),
        Task::Tidy => tidy::tidy(),
        Task::Bench { arguments } => bench::bench(&arguments),
        Task::Clients => clients::install().map(|_| ExitCode::SUCCESS),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
