//! A run in a process of its own, killed at random moments.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use ferrome_core::Result;
use ferrome_core::engine::Summary;
use ferrome_core::interrupt::Interrupt;
use tempfile::tempdir;

use crate::dummy::{Model, Run, files, names, sequences};

const OUTPUT: &str = "FERROME_TEST_OUTPUT";
const MESSAGE: &str = "FERROME_TEST_MESSAGE";

fn rows() -> Vec<(String, String)> {
    let mut rows = sequences(1500);
    for n in (0..1500).step_by(13) {
        rows[n].1 = rows[n / 7].1.clone();
    }
    rows[77].1 = "J".to_owned();
    rows
}

fn slow_run(output: &Path, interrupt: Interrupt) -> Result<Summary> {
    let slow = Model { delay: Duration::from_millis(3), ..Model::default() };
    let rows = rows();
    let mut run = Run { models: vec![slow.clone(), slow], ..Run::new(&rows, &Model::default()) };
    run.options.interrupt = interrupt;
    run.into(output)
}

/// Not a test of its own: what the killed processes do.
#[test]
fn child() {
    if let Some(output) = std::env::var_os(OUTPUT) {
        let message = slow_run(Path::new(&output), Interrupt::on_signal().unwrap()).map(|summary| summary.to_string());
        let message = message.unwrap_or_else(|error| error.to_string());
        std::env::var_os(MESSAGE).inspect(|path| fs_err::write(path, message).unwrap());
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

/// Whether the output is there and tidied up: a kill between that and the end of the process changes nothing.
fn finished(output: &Path) -> bool {
    let work = if output.extension().is_some() { output.with_extension("parquet.run") } else { output.join("_run") };
    output.exists() && !work.exists()
}

fn ten_kills(name: &str) {
    let folder = tempdir().unwrap();
    let (whole, output) = (folder.path().join(format!("whole-{name}")), folder.path().join(name));
    let start = Instant::now();
    slow_run(&whole, Interrupt::default()).unwrap();
    let whole_time = start.elapsed();
    let (mut kills, mut nanoseconds) = (0, SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    while kills < 10 {
        nanoseconds = nanoseconds.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let share = f64::from(nanoseconds >> 8) / f64::from(1 << 24);
        let running = kill(&output, whole_time.mul_f64(0.02 + 0.25 * share));
        kills += usize::from(running);
        if !running || finished(&output) {
            // It ran to its end: once more from the start.
            assert_eq!(files(&output), files(&whole));
            if output.is_dir() {
                fs_err::remove_dir_all(&output).unwrap()
            } else {
                fs_err::remove_file(&output).unwrap()
            }
        }
    }
    Run::new(&rows(), &Model::default()).into(&output).unwrap();
    assert_eq!(files(&output), files(&whole));
    let trimmed = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(names(folder.path()), [trimmed(&output), trimmed(&whole)]);
}

#[test]
fn folder_of_parts_killed_ten_times_equals_an_undisturbed_one() {
    ten_kills("out");
}

#[test]
fn parquet_file_killed_ten_times_equals_an_undisturbed_one() {
    ten_kills("out.parquet");
}

#[test]
fn control_c_ends_the_run_after_the_batches_in_hand() {
    let folder = tempdir().unwrap();
    let (output, message) = (folder.path().join("out"), folder.path().join("message"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child"])
        .env(OUTPUT, &output)
        .env(MESSAGE, &message)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !output.join("part-00001.parquet").exists() && start.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    let message = fs_err::read_to_string(message).unwrap();
    assert!(message.starts_with("interrupted: "), "{message}");
    assert!(message.ends_with(" rows done; run the same command again to go on"), "{message}");
    let whole = folder.path().join("whole");
    Run::new(&rows(), &Model::default()).into(&output).unwrap();
    Run::new(&rows(), &Model::default()).into(&whole).unwrap();
    assert_eq!(files(&output), files(&whole));
}
