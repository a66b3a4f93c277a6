//! Subcommands for programs that are not `ferrome`: an error comes back instead of being printed.

use std::{ffi::OsString, fmt};

use clap::Parser;

use crate::{Cli, exit, exit::Kind};

/// Why a subcommand was not done: what `ferrome` prints behind `error: `, on one line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    /// What it is about.
    pub kind: Kind,
    /// What `ferrome` would print.
    pub line: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Trouble {}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self { kind: Kind::of(&error), line: exit::line(&error) }
    }
}

impl From<clap::Error> for Trouble {
    fn from(error: clap::Error) -> Self {
        // The first paragraph says what is wrong; usage and advice follow.
        let text = error.to_string();
        let paragraph = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = paragraph.trim_start_matches("error: ").split_whitespace().collect();
        Self { kind: Kind::Usage, line: words.join(" ") }
    }
}

/// Runs a subcommand, such as `["cell", "tokenize", "cells.h5ad", "-o", "tokens/"]`, as `ferrome` would. What it would print
/// on stdout it prints; a program that wants to stop it and to see how far it is uses [`ferrome_core::host`].
///
/// # Errors
///
/// What `ferrome` would print.
pub fn call(arguments: impl IntoIterator<Item = OsString>) -> Result<(), Trouble> {
    let cli: Cli = parse(arguments)?;
    Ok(cli.command.run()?)
}

/// What `arguments` say to a subcommand (or to `ferrome`), without the program's name.
///
/// # Errors
///
/// What clap says, on one line.
pub fn parse<A: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<A, Trouble> {
    Ok(A::try_parse_from([OsString::from("ferrome")].into_iter().chain(arguments))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &[&str]) -> Trouble {
        call(arguments.iter().map(OsString::from)).unwrap_err()
    }

    #[test]
    fn command_line_that_is_not_understood_is_one_line() {
        let embed = ["protein", "embed", "a.fa", "-m", "m", "-o", "a.npy"];
        let trouble = refused(&[&embed[..], &["--pool", "sum"]].concat());
        let expected =
            "invalid value 'sum' for '--pool <POOL>': unknown pooling `sum`: expected mean, max, cls or residue";
        assert_eq!(trouble, Trouble { kind: Kind::Usage, line: expected.into() });
        let missing = refused(&["protein", "embed", "a.fa", "-m", "m"]);
        assert_eq!(missing.line, "the following required arguments were not provided: --output <OUT>");
    }

    #[test]
    fn file_that_is_not_there_is_told_apart() {
        let trouble = refused(&["protein", "embed", "nowhere.fa", "-m", "m", "-o", "a.npy", "--quiet"]);
        assert_eq!(trouble, Trouble { kind: Kind::Missing, line: "nowhere.fa: no such file".into() });
    }
}
