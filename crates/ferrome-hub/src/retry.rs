//! What is worth trying again, and how long to wait before.

use std::{
    thread,
    time::{Duration, Instant},
};

use ferrome_core::interrupt::Interrupt;

use crate::{Error, Progress, Result};

/// So often something is tried that brings nothing.
const MOST_TRIES: u32 = 5;
/// Whoever asks for more patience is told to the user.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It may work the next time.
    Again {
        /// What went wrong.
        reason: String,
        /// How long the server wants to be left alone.
        after: Option<Duration>,
        /// Whether something was achieved all the same.
        progressed: bool,
    },
    /// It will not.
    Fatal(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

/// Who waits, and whom it tells.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub(crate) pause: Duration,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) progress: &'a Progress,
}

impl Patience<'_> {
    /// Calls `attempt` until it succeeds, fails for good, or brought nothing five times in a row.
    pub(crate) fn persist<T>(&self, url: &str, mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T> {
        let mut tries = 0;
        loop {
            let (reason, after, progressed) = match attempt() {
                Ok(done) => return Ok(done),
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::Again { reason, after, progressed }) => (reason, after, progressed),
            };
            tries = if progressed { 1 } else { tries + 1 };
            if tries >= MOST_TRIES {
                return Err(Error::GaveUp { url: url.to_owned(), tries, reason });
            }
            let wait = after.unwrap_or(self.pause * 2_u32.pow(tries - 1));
            if wait > LONGEST_WAIT {
                return Err(Error::TooLong { url: url.to_owned(), reason, wait });
            }
            self.progress.say(&format!("{url}: {reason}; trying again in {:.1} s", wait.as_secs_f64()));
            self.wait(wait)?;
        }
    }

    /// Sleeps, unless someone stops it.
    pub(crate) fn wait(&self, duration: Duration) -> Result<()> {
        let end = Instant::now() + duration;
        loop {
            if self.interrupt.is_raised() {
                return Err(Error::Interrupted);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patiently<T>(attempt: impl FnMut() -> Result<T, Failure>) -> Result<T> {
        let (interrupt, progress) = (Interrupt::default(), Progress::silent());
        let patience = Patience { pause: Duration::ZERO, interrupt: &interrupt, progress: &progress };
        patience.persist("u", attempt)
    }

    fn again(progressed: bool, after: Option<u64>) -> Failure {
        Failure::Again { reason: "cut".into(), after: after.map(Duration::from_secs), progressed }
    }

    #[test]
    fn five_tries_that_bring_nothing_are_enough() {
        let mut tries = 0;
        let error = patiently(|| {
            tries += 1;
            Err::<(), _>(again(false, None))
        });
        let message = error.unwrap_err().to_string();
        assert_eq!(message, "u: gave up after 5 tries: cut; the same command goes on from there");
        assert_eq!(tries, 5);
    }

    #[test]
    fn tries_that_bring_something_are_not_counted() {
        let mut tries = 0;
        let done = patiently(|| {
            tries += 1;
            if tries < 50 { Err(again(true, None)) } else { Ok(tries) }
        });
        assert_eq!(done.unwrap(), 50);
    }

    #[test]
    fn server_that_asks_for_more_than_five_minutes() {
        let message = patiently(|| Err::<(), _>(again(false, Some(301)))).unwrap_err().to_string();
        assert_eq!(message, "u: cut, and asks to wait 301 s: try again then");
    }

    #[test]
    fn interrupt_ends_the_wait() {
        let (interrupt, progress) = (Interrupt::default(), Progress::silent());
        interrupt.raise();
        let patience = Patience { pause: Duration::from_secs(60), interrupt: &interrupt, progress: &progress };
        let error = patience.persist("u", || Err::<(), _>(again(false, None))).unwrap_err();
        assert!(matches!(error, Error::Interrupted));
    }
}
