//! The command line: what can be typed, what it does, and what its end means. The package `switchyard` links it into the program.

pub mod args;
pub mod exit;

mod ask;
mod commands;
mod desk;
mod edit;
mod failure;
mod home;
mod input;
mod limits;
mod login;
mod naming;
mod page;
mod print;
mod serve;
mod table;

use std::io::IsTerminal;
use std::process::ExitCode;

use crate::args::{Arguments, Command, Serve};
use crate::exit::Exit;
use clap::Parser as _;
use engine::env::Env;
use engine::home::{Entry, Home, HomeError, HomeLock};
use engine::logging::Logging;
use engine::{OpenOptions, VaultChoice};

use crate::failure::Failure;

/// The whole program: reads its arguments, finds the home, and carries the command out.
pub fn main() -> ExitCode {
    engine::memory::give_back_early();
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            print::note(&format!("no runtime: {error}"));
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            print::note(&failure.message);
            failure.exit.into()
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        home,
        json,
        command,
    } = arguments;
    if let Command::Demo { port } = command {
        let log = Logging::begin(None, &Env::from_process(), None);
        return serve::demo(port, json, log).await;
    }
    let env = Env::from_process();
    let home = Home::locate(home.as_deref(), &env).map_err(engine::EngineError::from)?;
    match command {
        Command::Serve(Serve {
            host,
            port,
            config,
            show_key,
            console,
            console_port,
        }) => {
            // A command that is at work on the home is waited for; an instance that serves it is not.
            let entered = home.enter(desk::PATIENCE);
            let lock = match entered.map_err(engine::EngineError::from)? {
                Entry::Locked(lock) => lock,
                Entry::Running(instance) => {
                    let error = HomeError::InUse {
                        home: home.root().to_path_buf(),
                        pid: Some(instance.pid),
                    };
                    return Err(engine::EngineError::from(error).into());
                }
            };
            let mut options = open_options(lock, env, true)?;
            if let Some(config) = config {
                // A name that was mistyped would be a gateway with all defaults.
                if !config.is_file() {
                    return Err(Failure::new(
                        Exit::NotFound,
                        format!("there is no settings file {}", config.display()),
                    ));
                }
                options.settings = Some(std::path::absolute(config).unwrap_or_default());
            }
            options
                .flags
                .extend(host.map(|host| ("server.host".to_owned(), host)));
            options
                .flags
                .extend(port.map(|port| ("server.port".to_owned(), port.to_string())));
            let settings = options.settings.clone().unwrap_or_else(|| home.settings());
            let log = Logging::begin(Some(&settings), &Env::from_process(), Some(&home.logs()));
            let show_key = show_key || std::io::stdout().is_terminal();
            let console = console.then(|| console_port.unwrap_or(admin::console::DEFAULT_PORT));
            serve::serve(options, show_key, console, json, log).await
        }
        command => commands::run(&home, env, json, command).await,
    }
}

/// What a home is opened with; `stdin` says whether the passphrase may come from standard input.
fn open_options(lock: HomeLock, env: Env, stdin: bool) -> Result<OpenOptions, Failure> {
    let mut options = OpenOptions::new(lock, env)?;
    if options.vault == VaultChoice::File && options.passphrase.is_none() {
        options.passphrase = input::passphrase(stdin)?;
    }
    Ok(options)
}
