//! The binary `switchyard`. Room under construction: it reads its arguments and says what is not there yet.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use cli::args::Arguments;
use cli::exit::Exit;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let text = arguments
        .command
        .missing()
        .unwrap_or("this command is not there yet");
    // Nobody to tell is no failure of the command.
    let _ = writeln!(std::io::stderr(), "{text}");
    Exit::Usage.into()
}
