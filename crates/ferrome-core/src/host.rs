//! The program that a job runs in, where that is not `ferrome` itself: it stops jobs, shows how far they are, and passes on
//! what they have to say.
//!
//! A host runs a job inside [`within`]; what the job makes on that thread finds the host by [`current`].

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use crate::interrupt::Interrupt;

thread_local! {
    static CURRENT: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// How far a job is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// What is done, in tokens, rows or steps.
    pub done: u64,
    /// Of how much, where known.
    pub total: Option<u64>,
    /// The rest, for people.
    pub message: String,
}

/// What a job tells its host; called from the job's own thread.
pub trait Listener: Send + Sync {
    /// The job went on.
    fn report(&self, report: Report);
    /// What the user is told in any case, as on stderr, on one line.
    fn say(&self, line: &str);
    /// Something that the user should know, on one line.
    fn warn(&self, line: &str);
}

/// The program that a job runs in.
#[derive(Clone)]
pub struct Host {
    /// Asks the job to stop; signals do not.
    pub interrupt: Interrupt,
    /// Hears of it.
    pub listener: Arc<dyn Listener>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("interrupt", &self.interrupt).finish_non_exhaustive()
    }
}

/// Does `work` on this thread with `host` as the program that it runs in.
///
/// ```
/// use std::sync::Arc;
/// use ferrome_core::{host::{self, Host, Listener, Report}, interrupt::Interrupt};
///
/// struct Deaf;
/// impl Listener for Deaf {
///     fn report(&self, _: Report) {}
///     fn say(&self, _: &str) {}
///     fn warn(&self, _: &str) {}
/// }
///
/// let host = Host { interrupt: Interrupt::default(), listener: Arc::new(Deaf) };
/// host.interrupt.raise();
/// assert!(host::within(host, || Interrupt::on_signal().is_ok_and(|interrupt| interrupt.is_raised())));
/// assert!(host::current().is_none());
/// ```
pub fn within<T>(host: Host, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Host>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(Some(host)));
    work()
}

/// The program that this thread's job runs in; `None` for `ferrome` itself.
#[must_use]
pub fn current() -> Option<Host> {
    CURRENT.with_borrow(Clone::clone)
}
