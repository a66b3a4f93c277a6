//! `ferrome model pull`.

use std::{path::PathBuf, sync::mpsc, thread, time::Duration};

use anyhow::Result;
use ferrome_core::{interrupt::Interrupt, weights::Entry};
use ferrome_hub::{Error, Hub, Progress, Settings};
use indicatif::DecimalBytes;

use crate::tell;

const EXAMPLES: &str = "\
Examples:
  ferrome model pull esm2_t6_8M_UR50D
  ferrome model pull Geneformer-V2-104M --quiet

Prints the model's folder. A download that was cut, by whatever, goes on where it
was when the same command is given again. HF_ENDPOINT, HF_HOME, HF_HUB_CACHE,
HF_TOKEN and HF_HUB_OFFLINE mean what they mean to huggingface_hub.";

/// Downloads what is not here yet, and checks it before it gets its name
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Names of `ferrome model list`, or ORGANISATION/REPOSITORY of the Hugging Face hub
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// No progress bar, and no word but a licence that is not permissive
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let entries: Vec<Entry> = args.names.iter().map(|name| super::entry(name)).collect::<Result<_>>()?;
    let interrupt = Interrupt::on_signal()?;
    for entry in entries {
        tell::answer(pull(entry, args.quiet, &interrupt)?.display())?;
    }
    Ok(())
}

fn pull(entry: Entry, quiet: bool, interrupt: &Interrupt) -> Result<PathBuf> {
    // In weights/, or where another loader of this room keeps it.
    if let Ok(path) = super::locate(&entry) {
        return Ok(path);
    }
    let settings = Settings::from_env()?;
    if entry.repository.is_some() && !settings.offline {
        announce(&entry, &settings, quiet);
    }
    let progress = if quiet { Progress::silent() } else { Progress::new(|line| eprintln!("{line}")) };
    let name = entry.name.clone();
    let hub = Hub::new(settings, interrupt.clone(), progress);
    let pulled = off_the_main_thread(interrupt, move || hub.pull(&entry))?;
    if !quiet {
        eprintln!("{name}: {} downloaded and checked", DecimalBytes(pulled.downloaded));
    }
    Ok(pulled.folder)
}

// What comes, from where, and under which licence, before the first byte.
fn announce(entry: &Entry, settings: &Settings, quiet: bool) {
    let page = format!("{}/{}", settings.endpoint, entry.repository.as_deref().unwrap_or_default());
    if entry.licence.is_empty() {
        eprintln!("{}: Ferrome does not know its licence: {page} says what it may be used for", entry.name);
    } else if !entry.is_permissive() {
        eprintln!(
            "{}: its licence, {}, is not permissive: {page} says what it may be used for",
            entry.name, entry.licence
        );
    } else if !quiet {
        let size = entry.about_bytes.map(|bytes| format!(", about {}", DecimalBytes(bytes))).unwrap_or_default();
        eprintln!("{}: from {page}{size}, licence {}", entry.name, entry.licence);
    }
}

// A connection may say nothing for a minute; Ctrl-C does not wait for it. What came is on disk, and is gone on with.
fn off_the_main_thread<T: Send + 'static>(
    interrupt: &Interrupt,
    work: impl FnOnce() -> ferrome_hub::Result<T> + Send + 'static,
) -> Result<T> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(work()));
    loop {
        match receive.recv_timeout(Duration::from_millis(50)) {
            Ok(done) => return Ok(done?),
            Err(mpsc::RecvTimeoutError::Timeout) if !interrupt.is_raised() => {}
            Err(mpsc::RecvTimeoutError::Timeout) => return Err(Error::Interrupted.into()),
            // What would have sent is gone without a word.
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(ferrome_core::Error::Panicked.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Kind;

    fn kind_of(interrupt: &Interrupt, work: impl FnOnce() -> ferrome_hub::Result<()> + Send + 'static) -> Kind {
        Kind::of(&off_the_main_thread(interrupt, work).unwrap_err())
    }

    #[test]
    fn defect_of_a_download_is_told_apart_from_an_interruption() {
        let interrupt = Interrupt::default();
        assert_eq!(off_the_main_thread(&interrupt, || Ok(7)).unwrap(), 7);
        assert_eq!(kind_of(&interrupt, || panic!("on purpose")), Kind::Defect);
        interrupt.raise();
        let long = || {
            thread::sleep(Duration::from_secs(600));
            Ok(())
        };
        assert_eq!(kind_of(&interrupt, long), Kind::Interrupted);
    }
}
