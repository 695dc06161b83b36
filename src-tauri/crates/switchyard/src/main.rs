//! The binary `switchyard`. A package of its own, because the crate that is linked last decides how the whole program is optimised:
//! `cli`, most of which runs once, is built small, and everything that it makes run with it.

fn main() -> std::process::ExitCode {
    cli::main()
}
