//! Stopping a run from outside.

use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::place::Ended;

/// Sends Ctrl-C.
pub(crate) fn interrupt(child: &Child) {
    signal(child, "INT");
}

/// Sends a signal by its name: INT, TERM or HUP.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Waits until `path` is there, and fails when the process ends before.
pub(crate) fn wait_for(path: &Path, child: &mut Child) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(120), "{} did not appear", path.display());
        if child.try_wait().unwrap().is_some() {
            assert!(path.exists(), "the run ended without {}", path.display());
        }
        sleep(Duration::from_millis(2));
    }
}

/// Waits for the end.
pub(crate) fn ended(child: Child) -> Ended {
    Ended::of(child.wait_with_output().unwrap())
}
