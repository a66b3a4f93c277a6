//! What a subcommand has to say: on stderr, or to the program that it runs in.

use ferrome_core::host;

/// Something that the user should know, on one line.
pub(crate) fn warn(line: &str) {
    match host::current() {
        Some(host) => host.listener.warn(line),
        None => eprintln!("warning: {line}"),
    }
}
