//! Exit codes: 0 done, 1 the user's input, 2 usage (clap), 3 our fault, 130 interrupted.

use std::process::ExitCode;

use anyhow::Error;

/// Prints the error, if there is one, as one line, and says how the process ends.
pub(crate) fn code(result: Result<(), Error>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("error: {}", line(&error));
    ExitCode::from(match core(&error) {
        Some(ferrome_core::Error::Interrupted { .. }) => 130,
        Some(
            ferrome_core::Error::Torch(_) | ferrome_core::Error::Panicked | ferrome_core::Error::WorkerShape { .. },
        ) => 3,
        _ => 1,
    })
}

// The causes that the message does not repeat already, on one line.
fn line(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
    }
    text.replace('\n', " ")
}

fn core(error: &Error) -> Option<&ferrome_core::Error> {
    error.chain().find_map(|cause| {
        let by_room = cause.downcast_ref::<ferrome_protein::Error>().and_then(|error| match error {
            ferrome_protein::Error::Core(core) => Some(core),
            _ => None,
        });
        cause.downcast_ref().or(by_room)
    })
}
