use std::path::{Path, PathBuf};

use ferrome_core::interrupt::Interrupt;
use ferrome_core::shard::{Portion, gather};
use ferrome_core::table::Output;
use ferrome_core::{Error, Result};

use crate::dummy::{Model, Run, sequences, table};

/// Runs a shard of `rows` into the folder `out`.
fn shard(rows: &[(String, String)], shard: &str, out: &Path, change: impl FnOnce(&mut Run<'_>)) -> Result<String> {
    quarantined(rows, shard, "", out, change)
}

fn quarantined(
    rows: &[(String, String)],
    shard: &str,
    quarantine: &str,
    out: &Path,
    change: impl FnOnce(&mut Run<'_>),
) -> Result<String> {
    let shard: ferrome_core::shard::Shard = shard.parse().unwrap();
    let list = if quarantine.is_empty() { Default::default() } else { quarantine.parse().unwrap() };
    let portion = Portion::new(shard, out, rows.len() as u64, list)?;
    let own = portion.rows();
    let mut run = Run::new(&rows[own.start as usize..own.end as usize], &Model::default());
    run.options.portion = Some(portion);
    change(&mut run);
    run.into(shard.output(out)?.path()).map(|summary| summary.to_string())
}

fn parquet(path: PathBuf) -> Output {
    Output::parse(path).unwrap()
}

#[test]
fn gathered_shards_are_what_one_process_writes() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = sequences(300);
    // A rejected row, and rows that repeat others of another shard.
    rows[140].1 = "AJA".to_owned();
    rows[250].1 = rows[3].1.clone();
    let (whole, out) = (folder.path().join("whole.parquet"), folder.path().join("out"));
    Run::new(&rows, &Model::default()).into(&whole).unwrap();
    for index in [7, 2, 5, 1, 3, 6, 4] {
        shard(&rows, &format!("{index}/7"), &out, |_| ()).unwrap();
    }
    let gathered = gather(&out).unwrap();
    let all = folder.path().join("all.parquet");
    gathered.write(&parquet(all.clone()), false, &Interrupt::default()).unwrap();
    assert_eq!(table(&all), table(&whole));
    let rejected = "1 rejected (letter outside the alphabet, first `sp|P00140`)";
    assert_eq!(gathered.to_string(), format!("7 shards, 300 rows, {rejected}"));
    let keys: Vec<_> = gathered.description.entries().map(|(key, _)| key.to_owned()).collect();
    assert_eq!(keys, ["version", "model", "layout", "batch_tokens", "window_tokens", "window_rows"]);
}

#[test]
fn finished_shard_is_not_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (sequences(60), folder.path().join("out"));
    shard(&rows, "2/3", &out, |_| ()).unwrap();
    let again = shard(&rows, "2/3", &out, |run| run.models[0].panics = true).unwrap();
    assert_eq!(again, "20 rows: 20 computed; already complete, nothing to do");
}

#[test]
fn shard_that_was_stopped_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (sequences(200), folder.path().join("out"));
    let broken = shard(&rows, "1/2", &out, |run| run.models[0].breaks_at = Some(rows[90].1.clone().into_bytes()));
    assert!(broken.is_err());
    assert_eq!(gather(&out).unwrap_err().to_string().split(": ").nth(1), Some("not finished"));
    let summary = shard(&rows, "1/2", &out, |_| ()).unwrap();
    assert!(summary.contains("rows were done before"), "{summary}");
}

#[test]
fn shards_of_another_plan_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (sequences(60), folder.path().join("out"));
    shard(&rows, "1/3", &out, |_| ()).unwrap();
    let message = |result: Result<String>| result.unwrap_err().to_string().replace(&out.display().to_string(), "out");
    let refused =
        |what: &str| format!("out: belongs to another plan of shards: {what}; choose another -o, or remove the folder");
    assert_eq!(message(shard(&rows, "2/4", &out, |_| ())), refused("shards was `3`, now `4`"));
    assert_eq!(message(shard(&rows[..50], "2/3", &out, |_| ())), refused("rows was `60`, now `50`"));
    let other = shard(&rows, "2/3", &out, |run| run.options.batch_tokens = 128);
    assert_eq!(message(other), refused("batch_tokens was `64`, now `128`"));
    let other = quarantined(&rows, "1/3", "4", &out, |_| ());
    assert_eq!(
        message(other),
        "out/part-00001-of-00003.parquet: an earlier run into this output differs: quarantine was not set, now `4`; pass \
         --overwrite to start anew, or choose another -o"
    );
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (sequences(60), folder.path().join("out"));
    let message = || gather(&out).unwrap_err().to_string().replace(&out.display().to_string(), "out");
    assert_eq!(message(), "out: holds no shards (no _plan/plan.json): expected the folder that --shard I/N wrote to");
    for index in [1, 3, 7] {
        shard(&rows, &format!("{index}/7"), &out, |_| ()).unwrap();
    }
    assert_eq!(message(), "out: not finished: missing of 7 shards: 2, 4-6 (--shard I/7 computes shard I)");
    for index in [2, 4, 5, 6] {
        shard(&rows, &format!("{index}/7"), &out, |_| ()).unwrap();
    }
    let part = out.join("part-00004-of-00007.parquet");
    let bytes = fs_err::read(&part).unwrap();
    fs_err::write(&part, &bytes[1..]).unwrap();
    assert_eq!(
        message(),
        "out/part-00004-of-00007.parquet: is not as its shard wrote it (another checksum); run --shard 4/7 again with \
         --overwrite"
    );
    fs_err::write(out.join("_plan/part-00004-of-00007.json"), "{").unwrap();
    assert!(message().ends_with("; remove the folder and compute the shards again"), "{}", message());
    fs_err::write(out.join("notes.txt"), "a user's").unwrap();
    let foreign = shard(&rows, "1/7", &out, |_| ());
    assert!(matches!(foreign, Err(Error::OutputForeign { file, .. }) if file == "notes.txt"));
}

#[test]
fn quarantined_rows_are_not_computed_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (sequences(60), folder.path().join("out"));
    // The device breaks at the sight of row 25.
    let breaks = |run: &mut Run<'_>| run.models[0].breaks_at = Some(rows[24].1.clone().into_bytes());
    shard(&rows, "1/2", &out, breaks).unwrap_err();
    quarantined(&rows, "1/2", "25,58", &out, |run| {
        breaks(run);
        run.options.overwrite = true;
    })
    .unwrap();
    shard(&rows, "2/2", &out, |_| ()).unwrap();
    let gathered = gather(&out).unwrap();
    assert_eq!(gathered.to_string(), "2 shards, 60 rows, 1 rejected (quarantined row 25, first `sp|P00024`)");
    assert_eq!(gathered.description.get("quarantine"), Some("25"));
}

#[test]
fn more_shards_than_rows_leave_some_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (sequences(2), folder.path().join("out"));
    for index in 1..=5 {
        shard(&rows, &format!("{index}/5"), &out, |_| ()).unwrap();
    }
    let all = folder.path().join("all.parquet");
    gather(&out).unwrap().write(&parquet(all.clone()), false, &Interrupt::default()).unwrap();
    assert_eq!(table(&all).num_rows(), 2);
}

#[test]
fn interrupted_gather_of_other_shards_is_not_joined() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = sequences(60);
    rows[14].1 = "AJA".to_owned();
    let dataset = folder.path().join("dataset");
    let output = Output::hugging_face(&dataset);
    let gathered = |shards: usize| {
        let out = folder.path().join(format!("out{shards}"));
        for index in 1..=shards {
            shard(&rows, &format!("{index}/{shards}"), &out, |_| ()).unwrap();
        }
        gather(&out).unwrap()
    };
    let (two, four) = (gathered(2), gathered(4));
    // A folder in the place of the list of shards stops the gather when all streams are written.
    fs_err::create_dir_all(dataset.join("state.json.ferrome-tmp")).unwrap();
    four.write(&output, false, &Interrupt::default()).unwrap_err();
    fs_err::remove_dir(dataset.join("state.json.ferrome-tmp")).unwrap();
    let message = two.write(&output, false, &Interrupt::default()).unwrap_err().to_string();
    assert!(message.contains("it is none of these shards"), "{message}");
    assert!(message.ends_with("; pass --overwrite to start anew"), "{message}");
    // Each part says what its shard did, which a run that goes on with the parts tells.
    let record = fs_err::read_to_string(dataset.join("_run/part-00000.json")).unwrap();
    assert!(record.contains("\"rows\":15") && record.contains("sp|P00014"), "{record}");
    two.write(&output, true, &Interrupt::default()).unwrap();
    let names = fs_err::read_dir(&dataset).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    let expected = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow", "dataset_info.json", "state.json"];
    assert_eq!(names, expected);
}
