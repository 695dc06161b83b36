//! Reading what is secret: from standard input or a terminal without echo, never from an argument.

use std::io::{IsTerminal, Read};

use anyhow::Context;
use secrecy::SecretString;

use crate::failure::Failure;

/// A passphrase for the file vault: asked for on a terminal; read as one line from a pipe when `stdin` is not needed for anything else.
pub(crate) fn passphrase(stdin: bool) -> Result<Option<SecretString>, Failure> {
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("Vault passphrase: ")
            .context("the passphrase could not be read")?;
        return Ok(Some(SecretString::from(typed)));
    }
    if stdin { line().map(Some) } else { Ok(None) }
}

/// One line of standard input, without its end.
pub(crate) fn line() -> Result<SecretString, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_line(&mut text)
        .context("standard input could not be read")?;
    Ok(SecretString::from(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// An API key: without echo on a terminal, else the first line of standard input.
pub(crate) fn key() -> Result<SecretString, Failure> {
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("API key: ").context("the key could not be read")?;
        return Ok(SecretString::from(typed.trim().to_owned()));
    }
    line()
}

/// All of standard input.
pub(crate) fn all() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("standard input is not text")?;
    Ok(text)
}

/// Whether the person says yes; without a terminal nobody can, and `flag` is what decides.
pub(crate) fn confirm(question: &str, flag: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            crate::exit::Exit::Usage,
            format!("{question} Nobody can be asked here: say {flag}."),
        ));
    }
    crate::print::note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("the answer could not be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
