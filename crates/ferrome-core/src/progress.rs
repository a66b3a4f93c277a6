//! The progress bar: rows, tokens per second and the time that is left, on stderr, only where a person is looking; and what
//! the program hears that the job runs in.

use std::io::{IsTerminal, stderr};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::Totals;
use crate::host::{self, Host, Report};
use crate::journal::Statistics;

/// A progress bar, or none.
pub struct Progress {
    bar: ProgressBar,
    host: Option<Host>,
    totals: Option<Totals>,
    start: Instant,
    /// Rows and tokens of finished parts.
    finished: (u64, u64),
    /// Rows and tokens of batches computed since.
    loose: (u64, u64),
    /// Tokens computed since the start.
    tokens: u64,
}

impl Progress {
    /// A bar on stderr; none when `quiet` or stderr is not a terminal. A [`host`] hears of it either way.
    #[must_use]
    pub fn new(totals: Option<Totals>, quiet: bool) -> Self {
        let bar = match totals {
            _ if quiet || !stderr().is_terminal() => ProgressBar::hidden(),
            Some(totals) => ProgressBar::new(totals.tokens.unwrap_or(totals.rows)).with_style(style(true)),
            None => ProgressBar::new_spinner().with_style(style(false)),
        };
        Self { bar, host: host::current(), totals, start: Instant::now(), finished: (0, 0), loose: (0, 0), tokens: 0 }
    }

    /// Counts a computed batch.
    pub fn computed(&mut self, rows: u64, tokens: u64) {
        self.tokens += tokens;
        self.loose = (self.loose.0 + rows, self.loose.1 + tokens);
        self.show();
    }

    /// Counts a finished part; `all` are the statistics of all that are finished, with this one.
    pub fn finished(&mut self, all: &Statistics, resumed: bool) {
        let (rows, tokens) = (all.rows - self.finished.0, all.tokens - self.finished.1);
        self.finished = (all.rows, all.tokens);
        if resumed {
            self.show();
            // What an earlier run did says nothing about how fast this one is.
            self.bar.reset_eta();
        } else {
            self.loose = (self.loose.0.saturating_sub(rows), self.loose.1.saturating_sub(tokens));
            self.show();
        }
    }

    /// Tells a [`host`] that all is done, which may have been less work than expected: what stands in the input twice is
    /// computed once.
    pub fn completed(&self) {
        if let Some(totals) = self.totals {
            self.tell(totals.tokens.unwrap_or(totals.rows));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self) {
        let by_tokens = self.totals.and_then(|totals| totals.tokens).map(|_| self.finished.1 + self.loose.1);
        let done = by_tokens.unwrap_or(self.rows());
        self.tell(done);
        self.bar.set_position(done);
        self.bar.set_message(self.message());
    }

    fn tell(&self, done: u64) {
        if let Some(host) = &self.host {
            let total = self.totals.map(|totals| totals.tokens.unwrap_or(totals.rows));
            host.listener.report(Report { done, total, message: self.message() });
        }
    }

    fn message(&self) -> String {
        let rows = self.rows();
        let speed = self.tokens as f64 / self.start.elapsed().as_secs_f64().max(1e-3);
        match self.totals {
            Some(totals) => format!("{rows}/{} rows, {speed:.0} tokens/s", totals.rows),
            None => format!("{rows} rows, {speed:.0} tokens/s"),
        }
    }

    fn rows(&self) -> u64 {
        self.finished.0 + self.loose.0
    }
}

fn style(bounded: bool) -> ProgressStyle {
    let template = if bounded {
        "{wide_bar} {percent}% {msg}, {elapsed} gone, {eta} to go"
    } else {
        "{spinner} {msg}, {elapsed} gone"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_understood() {
        assert!(ProgressStyle::with_template("{wide_bar} {percent}% {msg}, {elapsed} gone, {eta} to go").is_ok());
        assert!(ProgressStyle::with_template("{spinner} {msg}, {elapsed} gone").is_ok());
    }

    #[test]
    fn rows_are_counted_once() {
        let mut progress = Progress::new(None, true);
        progress.computed(3, 30);
        progress.computed(4, 40);
        progress.finished(&Statistics { rows: 3, tokens: 30, ..Statistics::default() }, false);
        assert_eq!((progress.finished, progress.loose), ((3, 30), (4, 40)));
    }
}
