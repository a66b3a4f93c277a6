//! Exit codes: 0 done, 1 the user's input, 2 usage (clap), 3 our fault, 130 interrupted.

use std::{
    error::Error as StdError,
    io::{self, Write, stderr, stdout},
    path::Path,
};

use anyhow::Error;
use ferrome_core::weights::Problem;
use ferrome_protein::ReadError;

/// What an error is about, wherever it was wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// What the user gave: a value, a file's content, a combination.
    Input,
    /// The command line cannot be understood.
    Usage,
    /// A file, a folder or a model is not there.
    Missing,
    /// An output is there already.
    Exists,
    /// A weight file is not what it should be.
    Weights,
    /// A device is not there, or does not do what is asked.
    Device,
    /// The operating system refused something.
    System,
    /// A defect of ferrome.
    Defect,
    /// Someone stopped the run.
    Interrupted,
}

impl Kind {
    /// What an error is about.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        error.chain().find_map(of_room).unwrap_or(Self::Input)
    }

    fn code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Defect => 3,
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}

/// Prints the error, if there is one, as one line; the exit code.
pub(crate) fn code_of(result: Result<(), Error>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            // Nobody is left to be told that stderr is gone.
            let _ = writeln!(stderr(), "error: {}", line(&error));
            Kind::of(&error).code()
        }
    }
}

/// Prints what clap says, after help, the version, or a command line that it does not understand; the exit code.
pub(crate) fn after_parsing(message: &clap::Error) -> u8 {
    // Nobody is left to be told that the terminal is gone.
    let _ = message.print();
    u8::try_from(message.exit_code()).unwrap_or(2)
}

/// Ends the process with `code`, at once; what was printed is written before.
pub fn end(code: u8) -> ! {
    let _ = (stdout().flush(), stderr().flush());
    ferrome_core::end_process(code)
}

// The causes that the message does not repeat already, on one line.
pub(crate) fn line(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
    }
    text.replace('\n', " ")
}

// A transparent error hides what it holds from the chain of causes.
fn of_room(error: &(dyn StdError + 'static)) -> Option<Kind> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Some(of_io(error));
    }
    if let Some(error) = error.downcast_ref::<ferrome_core::Error>() {
        return of_core(error);
    }
    if let Some(error) = error.downcast_ref::<ferrome_cell::Error>() {
        return of_cell(error);
    }
    if let Some(error) = error.downcast_ref::<ferrome_drug::Error>() {
        return of_drug(error);
    }
    if let Some(error) = error.downcast_ref::<ferrome_hub::Error>() {
        return of_hub(error);
    }
    if let Some(error) = error.downcast_ref::<ferrome_report::Error>() {
        return of_report(error);
    }
    of_protein(error.downcast_ref::<ferrome_protein::Error>()?)
}

fn of_core(error: &ferrome_core::Error) -> Option<Kind> {
    use ferrome_core::Error as Core;
    Some(match error {
        Core::Read(inner) | Core::Worker(inner) => return of_room(inner.as_ref()),
        Core::Io(error) => of_io(error),
        Core::Interrupted { .. } => Kind::Interrupted,
        Core::Torch(_) | Core::Panicked | Core::WorkerShape { .. } => Kind::Defect,
        Core::Weights { problem, .. } if matches!(**problem, Problem::Missing) => Kind::Missing,
        Core::Weights { .. } => Kind::Weights,
        Core::ModelPath { .. } | Core::ModelNotFound { .. } => Kind::Missing,
        Core::OutputExists { .. } => Kind::Exists,
        Core::DiskFull { .. } => Kind::System,
        Core::NoCuda(_) | Core::DtypeNotOnDevice { .. } => Kind::Device,
        _ => return None,
    })
}

fn of_cell(error: &ferrome_cell::Error) -> Option<Kind> {
    use ferrome_cell::Error as Cell;
    Some(match error {
        Cell::Core(error) => return of_core(error),
        Cell::Io(error) => of_io(error),
        Cell::Stopped | Cell::Interrupted { .. } => Kind::Interrupted,
        Cell::Block(_) | Cell::Arrow(_) => Kind::Defect,
        Cell::File { path, .. } if is_gone(path) => Kind::Missing,
        Cell::ModelExists { .. } => Kind::Exists,
        _ => return None,
    })
}

fn of_drug(error: &ferrome_drug::Error) -> Option<Kind> {
    use ferrome_drug::Error as Drug;
    Some(match error {
        Drug::Core(error) => return of_core(error),
        Drug::Io(error) => of_io(error),
        Drug::Stopped { .. } | Drug::Interrupted(_) => Kind::Interrupted,
        Drug::ModelExists { .. } => Kind::Exists,
        Drug::File { path, .. } if is_gone(path) => Kind::Missing,
        _ => return None,
    })
}

fn of_protein(error: &ferrome_protein::Error) -> Option<Kind> {
    use ferrome_protein::Error as Protein;
    Some(match error {
        Protein::Core(error) => return of_core(error),
        Protein::Io(error) => of_io(error),
        Protein::Read(ReadError::Missing { .. }) => Kind::Missing,
        Protein::Interrupted { .. } => Kind::Interrupted,
        Protein::ModelExists { .. } => Kind::Exists,
        _ => return None,
    })
}

fn of_hub(error: &ferrome_hub::Error) -> Option<Kind> {
    use ferrome_hub::Error as Hub;
    Some(match error {
        Hub::Io(error) => of_io(error),
        Hub::Interrupted => Kind::Interrupted,
        _ => return None,
    })
}

fn of_report(error: &ferrome_report::Error) -> Option<Kind> {
    use ferrome_report::Error as Report;
    match error {
        Report::Core(error) => of_core(error),
        Report::Cell(error) => of_cell(error),
        Report::Io(error) => Some(of_io(error)),
        _ => None,
    }
}

fn of_io(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::NotFound => Kind::Missing,
        io::ErrorKind::AlreadyExists => Kind::Exists,
        _ => Kind::System,
    }
}

// The rooms say of every file what is wrong with it in one variant, also that it is not there.
fn is_gone(path: &Path) -> bool {
    path != Path::new("-") && matches!(path.try_exists(), Ok(false))
}

#[cfg(test)]
mod tests {
    use ferrome_core::Error as Core;
    use ferrome_protein::Error as Protein;

    use super::*;

    fn code(error: &Error) -> u8 {
        Kind::of(error).code()
    }

    fn torch() -> Core {
        Core::Torch("index out of range in self".into())
    }

    #[test]
    fn our_fault_is_three_wherever_it_is_wrapped() {
        let wrapped = Core::Worker(Box::new(Protein::Core(torch())));
        for error in [torch().into(), Protein::Core(torch()).into(), wrapped.into(), Core::Panicked.into()] {
            let error: Error = error;
            assert_eq!(code(&error), 3, "{error}");
        }
        let error = Error::from(Core::Worker(Box::new(Protein::Core(torch())))).context("a worker");
        assert_eq!((code(&error), line(&error).as_str()), (3, "a worker: libtorch: index out of range in self"));
    }

    #[test]
    fn trouble_with_input_is_one() {
        let read = Core::Read(Box::new(Protein::Read(ReadError::Missing { file: "a.fa".into() })));
        assert_eq!((code(&read.into()), code(&anyhow::anyhow!("no"))), (1, 1));
        let twice = Core::Worker(Box::new(Core::NoCuda("no driver".into())));
        assert_eq!((code(&twice.into()), code(&Protein::NoModelToTrain.into())), (1, 1));
    }

    #[test]
    fn interrupted_is_130() {
        let embed = Core::Interrupted { done: 1, total: None, go_on: "again".into() };
        let pretrain = Protein::Interrupted { step: 1, steps: 2, overwrite: false };
        assert_eq!((code(&embed.into()), code(&pretrain.into())), (130, 130));
        assert_eq!(code(&ferrome_hub::Error::Interrupted.into()), 130);
    }
}
