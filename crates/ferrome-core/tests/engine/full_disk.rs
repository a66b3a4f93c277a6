use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::tempdir;

use crate::dummy::{Model, Run, files, sequences};

/// Runs into `output` with a full disk under one file of its work folder, and once more when there is room.
fn run_with_full(output: &Path, work: &Path, file: &str) {
    let rows = sequences(200);
    fs_err::create_dir_all(work).unwrap();
    symlink("/dev/full", work.join(file)).unwrap();
    let first = Model::default();
    assert_eq!(
        Run::new(&rows, &first).into(output).unwrap_err().to_string(),
        format!(
            "{}: no space left on device; what is done is kept: make room and run the same command again",
            work.join(file).display()
        )
    );
    fs_err::remove_file(work.join(file)).unwrap();
    let second = Model::default();
    Run::new(&rows, &second).into(output).unwrap();
    // The batch that could not be written is computed again.
    assert!((200..=210).contains(&(first.computed() + second.computed())));
    let name = output.file_name().unwrap().to_string_lossy();
    let whole = output.with_file_name(format!("whole-{name}"));
    Run::new(&rows, &Model::default()).into(&whole).unwrap();
    assert_eq!(files(output), files(&whole));
}

#[test]
fn full_disk_under_a_batch_or_a_part_keeps_what_is_done() {
    let folder = tempdir().unwrap();
    for file in ["part-00002.batch-0001.spill.tmp", "part-00002.parquet.tmp", "run.json.ferrome-tmp"] {
        let output = folder.path().join(file.replace('.', "-"));
        run_with_full(&output, &output.join("_run"), file);
    }
}

#[test]
fn full_disk_under_the_output_file_keeps_what_is_done() {
    let folder = tempdir().unwrap();
    for (name, file) in [
        ("out.parquet", "output-0.tmp"),
        ("out.arrow", "output-0.tmp"),
        ("out.csv", "output-0.tmp"),
        ("out.npy", "output-1.tmp"),
    ] {
        run_with_full(&folder.path().join(name), &folder.path().join(format!("{name}.run")), file);
    }
}
