//! The binary `switchyard`: reads its arguments, finds the home, and carries the command out.

mod ask;
mod commands;
mod desk;
mod failure;
mod input;
mod print;
mod serve;
mod table;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser as _;
use cli::args::{Arguments, Command, Serve};
use cli::exit::Exit;
use engine::env::Env;
use engine::home::{Home, HomeLock};
use engine::{OpenOptions, VaultChoice};

use crate::failure::Failure;

/// Freed memory goes back to the system soon, and small allocations are the gateway's hottest calls.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(text) = arguments.command.missing() {
        print::note(text);
        return Exit::Usage.into();
    }
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
        log_to_stderr(None);
        return serve::demo(port).await;
    }
    let env = Env::from_process();
    let home = Home::locate(home.as_deref(), &env).map_err(engine::EngineError::from)?;
    match command {
        Command::Serve(Serve {
            host,
            port,
            show_key,
            ..
        }) => {
            let lock = home.lock().map_err(engine::EngineError::from)?;
            let mut options = open_options(lock, env, true)?;
            options
                .flags
                .extend(host.map(|host| ("server.host".to_owned(), host)));
            options
                .flags
                .extend(port.map(|port| ("server.port".to_owned(), port.to_string())));
            log_to_stderr(Some(&home));
            serve::serve(options, show_key || std::io::stdout().is_terminal()).await
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

/// Log lines go to standard error, through the redactor. `SWITCHYARD_LOG` is not read: the level is a setting.
fn log_to_stderr(home: Option<&Home>) {
    let level = home
        .and_then(|home| {
            engine::settings::SettingsFile::open(home.settings(), Env::from_process(), &[]).ok()
        })
        .map_or("info", |settings| settings.current().settings.log.level);
    let filter = tracing_subscriber::EnvFilter::try_new(format!(
        "warn,engine={level},gateway={level},upstream={level},switchyard={level}"
    ));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_default())
        .with_ansi(false)
        .with_writer(|| {
            engine::redact::RedactingWriter::new(
                std::io::stderr(),
                engine::redact::Redactor::default(),
            )
        })
        .try_init();
}
