//! What a subcommand has to say: on stderr, or to the program that it runs in; and what it was asked for, on stdout.

use std::{
    fmt::Display,
    io::{ErrorKind, Write, stdout},
};

use anyhow::{Context, Result};
use ferrome_core::host::{self, Report};
use indicatif::{ProgressBar, ProgressStyle};

/// What was asked for, and a line break, on stdout. A reader who has seen enough, as `head` has, stops nothing.
pub(crate) fn answer(text: impl Display) -> Result<()> {
    match writeln!(stdout().lock(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("stdout"),
    }
}

/// What every run says, however quiet, on one line.
pub(crate) fn say(line: impl Display) {
    match host::current() {
        Some(host) => host.listener.say(&line.to_string()),
        None => eprintln!("{line}"),
    }
}

/// Something that the user should know, on one line.
pub(crate) fn warn(line: &str) {
    match host::current() {
        Some(host) => host.listener.warn(line),
        None => eprintln!("warning: {line}"),
    }
}

/// As [`warn`], where the command says it as it says other things: without a prefix, and not when `quiet`.
pub(crate) fn note(line: &str, quiet: bool) {
    match host::current() {
        Some(host) => host.listener.warn(line),
        None if !quiet => eprintln!("{line}"),
        None => {}
    }
}

/// What stands in the bar of a training.
pub(crate) const TRAINING: &str = "{bar:30} {msg}, {elapsed} gone, {eta} to go";

/// The bar of a training; hidden where it is quiet.
pub(crate) fn bar(quiet: bool, length: u64, template: &str) -> ProgressBar {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(length) };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// How far work is that has a bar of its own on the command line: for the program that it runs in.
pub(crate) fn progress(done: u64, total: Option<u64>, message: &str) {
    if let Some(host) = host::current() {
        host.listener.report(Report { done, total, message: message.to_owned() });
    }
}
