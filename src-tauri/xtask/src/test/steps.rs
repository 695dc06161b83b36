//! The steps of `cargo xtask test`, in their order, with what each of them needs.

use super::evidence;
use super::executables::{self, APART, TestProgram};
use super::report::Report;
use crate::clients::{self, Clients};
use crate::repo;
use crate::ui;
use std::env;
use std::process::Command;
use std::time::Duration;

/// The names that `--only` takes.
pub const NAMES: [&str; 12] = [
    "fmt",
    "tidy",
    "clippy",
    "ui",
    "build",
    "rooms",
    "docs",
    "secret-service",
    "behaviour",
    "clients",
    "desktop",
    "secrets",
];

/// A build from nothing on two cores, with room to spare.
const BUILD_LIMIT: Duration = Duration::from_secs(40 * 60);
/// No test program of this repository runs longer than a few minutes.
const TEST_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Integration tests of the package `tests` that are steps of their own.
const OWN_STEPS: [&str; 3] = ["clients", "desktop", "judge"];
/// Those that run what `clients::install` installs.
const CLIENTS: [&str; 2] = ["clients", "judge"];

/// Runs the chosen steps; none chosen means all.
pub fn run(only: &[String], rest: &[String], report: &mut Report) {
    let chosen = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let desktop = repo::has_desktop() && cfg!(target_os = "linux");

    if chosen("fmt") {
        report.command("fmt", &mut cargo(["fmt", "--all", "--check"]), BUILD_LIMIT);
    }
    if chosen("tidy") {
        match env::current_exe() {
            Ok(this) => {
                report.command("tidy", Command::new(this).arg("tidy"), TEST_LIMIT);
            }
            Err(error) => report.broken("tidy", &error.to_string()),
        }
    }
    if chosen("clippy") {
        let mut clippy = Command::new(repo::cargo());
        clippy
            .current_dir(repo::root())
            .args(["clippy", "--workspace", "--all-targets"]);
        if repo::has_desktop() && !desktop {
            clippy.args(["--exclude", "switchyard-desktop"]);
        }
        report.command("clippy", clippy.args(["--", "-D", "warnings"]), BUILD_LIMIT);
    }

    if chosen("ui") {
        match ui::install() {
            Ok(()) => {
                for script in ui::SCRIPTS {
                    let name = format!("ui {script}");
                    report.command(&name, &mut ui::script(script), TEST_LIMIT);
                }
                if cfg!(target_os = "linux") {
                    report.command("ui screens", &mut ui::screens(), TEST_LIMIT);
                } else {
                    report.left_out("ui screens", "the browser is installed on Linux only");
                }
            }
            Err(error) => report.broken("ui", &format!("{error:#}")),
        }
    }

    let needs_build = [
        "build",
        "rooms",
        "docs",
        "secret-service",
        "behaviour",
        "clients",
        "desktop",
    ];
    if needs_build.into_iter().any(chosen) {
        let mut programs = Vec::new();
        let built = report.check("build", |log| {
            executables::touch(log)?;
            programs = executables::build(log, BUILD_LIMIT)?;
            Ok(None)
        });
        if built {
            run_tests(&chosen, rest, &programs, desktop, report);
        }
    }
    if chosen("secrets") {
        report.check("secrets", evidence::search);
    }
}

fn run_tests(
    chosen: &dyn Fn(&str) -> bool,
    rest: &[String],
    programs: &[TestProgram],
    desktop: bool,
    report: &mut Report,
) {
    let is_secret_service = |program: &TestProgram| program.target == "secret_service";
    if chosen("rooms") {
        let mine =
            |program: &TestProgram| program.package != "tests" && !is_secret_service(program);
        programs_step("rooms", programs, &mine, None, rest, report);
    }
    if chosen("docs") {
        let mut docs = Command::new(repo::cargo());
        docs.current_dir(repo::root())
            .args(["test", "--doc", "--workspace", "--no-fail-fast"])
            .args(APART);
        report.test_program("docs", &mut docs, BUILD_LIMIT);
    }
    if chosen("secret-service") {
        if cfg!(target_os = "linux") {
            programs_step(
                "secret-service",
                programs,
                &is_secret_service,
                None,
                rest,
                report,
            );
        } else {
            report.left_out("secret-service", "only Linux has a Secret Service");
        }
    }
    if chosen("behaviour") {
        let mine = |program: &TestProgram| {
            program.package == "tests" && !OWN_STEPS.contains(&program.target.as_str())
        };
        programs_step("behaviour", programs, &mine, None, rest, report);
    }
    if chosen("clients") {
        match clients::install() {
            Ok(clients) => {
                programs_step(
                    "clients",
                    programs,
                    &own_step(&CLIENTS),
                    Some(&clients),
                    rest,
                    report,
                );
            }
            Err(error) => report.broken("clients", &format!("{error:#}")),
        }
    }
    if chosen("desktop") {
        if desktop {
            // With the step `ui` the page is there; alone, this step builds what it needs.
            if !chosen("ui") || !ui::is_built() {
                report.check("desktop page", |_| ui::build().map(|()| None));
            }
            let built = report.command(
                "desktop build",
                &mut cargo(["build", "--package", "switchyard-desktop"]),
                BUILD_LIMIT,
            );
            if built {
                report.test_program(
                    "desktop: shell",
                    &mut cargo(["test", "--package", "switchyard-desktop", "--lib"]),
                    BUILD_LIMIT,
                );
                programs_step(
                    "desktop",
                    programs,
                    &own_step(&["desktop"]),
                    None,
                    rest,
                    report,
                );
            }
        } else {
            report.left_out("desktop", "it is started under Xvfb, which only Linux has");
        }
    }
}

fn own_step(targets: &[&str]) -> impl Fn(&TestProgram) -> bool {
    move |program| program.package == "tests" && targets.contains(&program.target.as_str())
}

/// Runs the test programs that belong to a step; a step without any is broken, not passed.
fn programs_step(
    step: &str,
    programs: &[TestProgram],
    mine: &dyn Fn(&TestProgram) -> bool,
    clients: Option<&Clients>,
    rest: &[String],
    report: &mut Report,
) {
    let mut any = false;
    for program in programs.iter().filter(|program| mine(program)) {
        any = true;
        match program.command(clients, rest) {
            Ok(mut command) => {
                report.test_program(
                    &format!("{step}: {}", program.name()),
                    &mut command,
                    TEST_LIMIT,
                );
            }
            Err(error) => report.broken(step, &format!("{error:#}")),
        }
    }
    if !any {
        report.broken(step, "there is no test program for this step");
    }
}

fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(repo::cargo());
    command.current_dir(repo::root()).args(arguments);
    command
}
