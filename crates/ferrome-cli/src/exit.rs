//! Exit codes: 0 done, 1 the user's input, 2 usage (clap), 3 our fault, 130 interrupted.

use std::{
    error::Error as StdError,
    io::{Write, stderr, stdout},
};

use anyhow::Error;

/// Prints the error, if there is one, as one line, and ends the process.
pub(crate) fn end(result: Result<(), Error>) -> ! {
    match result {
        Ok(()) => with(0),
        Err(error) => {
            eprintln!("error: {}", line(&error));
            with(number(&error))
        }
    }
}

/// Ends the process as clap asks for: after help, the version, or a command line that it does not understand.
pub(crate) fn after_parsing(message: &clap::Error) -> ! {
    // Nobody is left to be told that the terminal is gone.
    let _ = message.print();
    with(u8::try_from(message.exit_code()).unwrap_or(2))
}

fn with(code: u8) -> ! {
    let _ = (stdout().flush(), stderr().flush());
    ferrome_core::end_process(code)
}

fn number(error: &Error) -> u8 {
    error.chain().find_map(of_room).unwrap_or(1)
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

// A transparent error hides what it holds from the chain of causes.
fn of_room(error: &(dyn StdError + 'static)) -> Option<u8> {
    if let Some(error) = error.downcast_ref::<ferrome_core::Error>() {
        return of_core(error);
    }
    if let Some(error) = error.downcast_ref::<ferrome_cell::Error>() {
        return match error {
            ferrome_cell::Error::Core(error) => of_core(error),
            ferrome_cell::Error::Stopped | ferrome_cell::Error::Interrupted { .. } => Some(130),
            ferrome_cell::Error::Block(_) | ferrome_cell::Error::Arrow(_) => Some(3),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<ferrome_drug::Error>() {
        return match error {
            ferrome_drug::Error::Core(error) => of_core(error),
            ferrome_drug::Error::Stopped { .. } | ferrome_drug::Error::Interrupted(_) => Some(130),
            _ => None,
        };
    }
    if let Some(ferrome_hub::Error::Interrupted) = error.downcast_ref::<ferrome_hub::Error>() {
        return Some(130);
    }
    if let Some(error) = error.downcast_ref::<ferrome_report::Error>() {
        return match error {
            ferrome_report::Error::Core(error) => of_core(error),
            ferrome_report::Error::Cell(error) => of_room(error),
            _ => None,
        };
    }
    match error.downcast_ref::<ferrome_protein::Error>()? {
        ferrome_protein::Error::Core(error) => of_core(error),
        ferrome_protein::Error::Interrupted { .. } => Some(130),
        _ => None,
    }
}

fn of_core(error: &ferrome_core::Error) -> Option<u8> {
    use ferrome_core::Error as Core;
    match error {
        Core::Read(inner) | Core::Worker(inner) => of_room(inner.as_ref()),
        Core::Interrupted { .. } => Some(130),
        Core::Torch(_) | Core::Panicked | Core::WorkerShape { .. } => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ferrome_core::Error as Core;
    use ferrome_protein::{Error as Protein, ReadError};

    use super::*;

    fn torch() -> Core {
        Core::Torch("index out of range in self".into())
    }

    #[test]
    fn our_fault_is_three_wherever_it_is_wrapped() {
        let wrapped = Core::Worker(Box::new(Protein::Core(torch())));
        for error in [torch().into(), Protein::Core(torch()).into(), wrapped.into(), Core::Panicked.into()] {
            let error: Error = error;
            assert_eq!(number(&error), 3, "{error}");
        }
        let error = Error::from(Core::Worker(Box::new(Protein::Core(torch())))).context("a worker");
        assert_eq!((number(&error), line(&error).as_str()), (3, "a worker: libtorch: index out of range in self"));
    }

    #[test]
    fn trouble_with_input_is_one() {
        let read = Core::Read(Box::new(Protein::Read(ReadError::Missing { file: "a.fa".into() })));
        assert_eq!((number(&read.into()), number(&anyhow::anyhow!("no"))), (1, 1));
        let twice = Core::Worker(Box::new(Core::NoCuda("no driver".into())));
        assert_eq!((number(&twice.into()), number(&Protein::NoModelToTrain.into())), (1, 1));
    }

    #[test]
    fn interrupted_is_130() {
        let embed = Core::Interrupted { done: 1, total: None, go_on: "again".into() };
        let pretrain = Protein::Interrupted { step: 1, steps: 2, overwrite: false };
        assert_eq!((number(&embed.into()), number(&pretrain.into())), (130, 130));
        assert_eq!(number(&ferrome_hub::Error::Interrupted.into()), 130);
    }
}
