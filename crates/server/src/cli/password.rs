//! Passwords that an operator hands in: from a file, a pipe or the keyboard, never as an argument,
//! because arguments are seen by everybody on the machine.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::path::Path;
use std::process::{Command, Stdio};

use identity::secret::Secret;
use identity::users::Name;

use super::{CommandHouse, Failure};
use crate::config::{PasswordsConfig, read_secret};
use crate::passwords::check_new;
use crate::passwords::hasher::Hasher;

/// Longest line that is read.
const LONGEST_LINE: u64 = 4096;

/// Reads a password from the file, or else from standard input.
pub(super) fn read(file: Option<&Path>) -> Result<Secret, Failure> {
    if let Some(file) = file {
        return read_secret(file).map_err(|error| Failure::new("unreadable", error.to_string()));
    }
    if !stdin().is_terminal() {
        return line();
    }
    let first = prompt("New password: ")?;
    let second = prompt("The same again: ")?;
    if first.matches(second.expose()) {
        Ok(first)
    } else {
        Err(Failure::new("passwords_differ", "the two are not the same; nothing was changed"))
    }
}

fn prompt(text: &str) -> Result<Secret, Failure> {
    // The prompt is for whoever types, and not for a file that the answer may go to.
    let _ = write!(stderr(), "{text}").and_then(|()| stderr().flush());
    let hidden = echo("-echo");
    let line = line();
    if hidden {
        echo("echo");
        let _ = writeln!(stderr());
    }
    line
}

/// Switches the terminal's echo; where that fails, what is typed is seen, as the terminal shows.
fn echo(setting: &str) -> bool {
    let stty = Command::new("stty").arg(setting).stdin(Stdio::inherit()).status();
    stty.is_ok_and(|status| status.success())
}

fn line() -> Result<Secret, Failure> {
    let unreadable =
        |why: String| Failure::new("unreadable", format!("cannot read the password: {why}"));
    let mut text = String::new();
    std::io::Read::take(stdin().lock(), LONGEST_LINE)
        .read_line(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(unreadable(
            "standard input is empty; type it, pipe it in, or name a file with --password-file"
                .to_owned(),
        ));
    }
    Ok(Secret::new(password))
}

/// Checks a new password as the pages do, and hashes it.
pub(super) async fn hash(
    house: &CommandHouse,
    name: &Name,
    email: &str,
    password: &Secret,
) -> Result<String, Failure> {
    let checked = check_new(&house.config, "", name, email, password)
        .map_err(|refusal| Failure::new(refusal.code(), refusal.to_string()))?;
    let config = PasswordsConfig { workers: 1, ..house.config.passwords.clone() };
    let hash = Hasher::start(&config, &house.entropy)
        .hash(checked)
        .await
        .map_err(|error| Failure::new("busy", error.to_string()))?;
    Ok(hash.to_string())
}
