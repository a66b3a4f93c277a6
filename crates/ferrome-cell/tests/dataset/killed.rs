//! A conversion in a process of its own, killed at random moments.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use ferrome_cell::task::convert::convert;
use ferrome_core::journal::RunDescription;
use tempfile::tempdir;

use crate::memory::{Memory, files, options};

const OUTPUT: &str = "FERROME_TEST_OUTPUT";

fn slow_run(output: &Path) {
    let mut reader = Memory::new(2000);
    reader.delay = Duration::from_millis(3);
    convert(Box::new(reader), output, &options(200), RunDescription::new().with("input", "memory")).unwrap();
}

/// Not a test of its own: what the killed processes do.
#[test]
fn child() {
    if let Some(output) = std::env::var_os(OUTPUT) {
        slow_run(Path::new(&output));
    }
}

/// Starts the run and kills it after `patience`; returns whether it was still running.
fn kill(output: &Path, patience: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child"])
        .env(OUTPUT, output)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    sleep(patience);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(running || status.success(), "{status}");
    running
}

#[test]
fn conversion_killed_ten_times_equals_an_undisturbed_one() {
    let folder = tempdir().unwrap();
    let (whole, output) = (folder.path().join("whole"), folder.path().join("output"));
    let start = Instant::now();
    slow_run(&whole);
    let whole_time = start.elapsed();
    let (mut kills, mut nanoseconds) = (0, SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    while kills < 10 {
        nanoseconds = nanoseconds.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let share = f64::from(nanoseconds >> 8) / f64::from(1 << 24);
        let running = kill(&output, whole_time.mul_f64(0.02 + 0.4 * share));
        kills += usize::from(running);
        if !running {
            // It ran to its end: once more from the start.
            assert_eq!(files(&output), files(&whole));
            fs_err::remove_dir_all(&output).unwrap();
        }
    }
    slow_run(&output);
    assert_eq!(files(&output), files(&whole));
}
