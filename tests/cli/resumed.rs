//! Runs that are killed or interrupted, and go on.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::support::inputs::{Random, proteins};
use crate::support::killed::{ended, interrupt, signal, wait_for};
use crate::support::place::Place;

const ROWS: usize = 2500;
const LINE: &str = "protein embed in.fasta -m golden/esm2_hf --batch-tokens 256";

fn place() -> Place {
    let place = Place::new();
    place.fasta("in.fasta", &proteins(ROWS));
    place
}

/// Every file below a path with its bytes.
fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    if path.is_file() {
        return BTreeMap::from([(String::new(), fs_err::read(path).unwrap())]);
    }
    let entries = fs_err::read_dir(path).into_iter().flatten().map(Result::unwrap);
    let below = |entry: fs_err::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        files(&entry.path()).into_iter().map(move |(rest, bytes)| (format!("{name}/{rest}"), bytes)).collect::<Vec<_>>()
    };
    entries.flat_map(below).collect()
}

/// Names of what a run has written so far.
fn written(place: &Place, output: &str) -> Vec<String> {
    let folder = |path: &str| files(&place.path(path)).into_keys().collect::<Vec<_>>();
    [folder(output), folder(&format!("{output}.run"))].concat()
}

fn remove(place: &Place, output: &str) {
    let path = place.path(output);
    if path.is_dir() { fs_err::remove_dir_all(path).unwrap() } else { fs_err::remove_file(path).unwrap() }
}

/// Kills the run ten times over, at random moments of its whole time.
fn ten_kills(output: &str) {
    let place = place();
    let line = format!("{LINE} -o {output} --quiet");
    let whole = format!("whole-{output}");
    let start = Instant::now();
    place.done(&format!("{LINE} -o {whole} --quiet"));
    let time = start.elapsed();
    let seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let mut random = Random(seed);
    let (mut kills, mut midway) = (0, 0);
    while kills < 10 {
        let before = written(&place, output);
        let mut child = place.start(&line);
        sleep(time.mul_f64(0.05 + 0.3 * random.share()));
        let running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(running || status.success(), "seed {seed}: {status}");
        kills += usize::from(running);
        let after = written(&place, output);
        let unfinished = after.iter().any(|name| name.ends_with("run.json/") || name == "run.json");
        midway += usize::from(running && after != before && unfinished);
        if !unfinished && place.path(output).exists() {
            // It came to its end: once more from the start.
            assert_eq!(files(&place.path(output)), files(&place.path(&whole)), "seed {seed}");
            remove(&place, output);
        }
    }
    eprintln!("{output}: {midway} of {kills} kills midway, whole run {time:?}, seed {seed}");
    assert!(midway >= 4, "only {midway} of {kills} kills were midway; seed {seed}");
    place.done(&line);
    assert!(files(&place.path(output)) == files(&place.path(&whole)), "seed {seed}");
    assert_eq!(place.names("."), ["golden", "in.fasta", output, "specimens", &whole]);
}

#[test]
fn folder_killed_ten_times_equals_an_undisturbed_one() {
    ten_kills("out");
}

#[test]
fn file_killed_ten_times_equals_an_undisturbed_one() {
    ten_kills("out.parquet");
}

/// The rows that an interrupted run says are done.
fn interrupted_rows(message: &str, go_on: &str) -> usize {
    let inner = message
        .strip_prefix("interrupted: ")
        .and_then(|rest| rest.strip_suffix(&format!(" of {ROWS} rows done; {go_on}")));
    inner.and_then(|rows| rows.parse().ok()).unwrap_or_else(|| panic!("{message}"))
}

#[test]
fn control_c_keeps_what_is_done_and_says_how_to_go_on() {
    let place = place();
    let mut child = place.start(&format!("{LINE} -o out/"));
    wait_for(&place.path("out/part-00001.parquet"), &mut child);
    interrupt(&child);
    let stopped = ended(child);
    assert_eq!((stopped.code, stopped.stdout.as_str()), (Some(130), ""), "{}", stopped.stderr);
    let rows = interrupted_rows(&stopped.message(), "run the same command again to go on");
    assert!(0 < rows && rows < ROWS, "{rows}");
    // Other options are refused as long as it is unfinished.
    let refused = place.run(&format!("{LINE} -o out/ --pool max"));
    assert!(
        refused.refusal().starts_with("out/: an earlier run into this output differs: pool was `mean`, now `max`; ")
    );

    let said = place.done(&format!("{LINE} -o out/"));
    assert!(said.contains(" rows were done before; "), "{said}");
    place.done(&format!("{LINE} -o whole/"));
    assert!(files(&place.path("out")) == files(&place.path("whole")));
}

/// What `kill`, schedulers and systemd send, and what a closed terminal sends.
#[test]
fn other_signals_end_a_run_as_control_c_does() {
    let place = place();
    place.done(&format!("{LINE} -o whole.parquet --quiet"));
    for name in ["TERM", "HUP"] {
        let line = format!("{LINE} -o {name}.parquet --quiet");
        let mut child = place.start(&line);
        wait_for(&place.path(format!("{name}.parquet.run/part-00000.parquet")), &mut child);
        signal(&child, name);
        let stopped = ended(child);
        assert_eq!((stopped.code, stopped.stdout.as_str()), (Some(130), ""), "{name}: {}", stopped.stderr);
        let rows = interrupted_rows(&stopped.message(), "run the same command again to go on");
        assert!(0 < rows && rows < ROWS, "{rows}");
        place.done(&line);
        assert!(place.read(format!("{name}.parquet")) == place.read("whole.parquet"), "{name}");
    }
}

#[test]
fn control_c_of_a_file_begun_with_overwrite() {
    let place = place();
    place.write("out.csv", "an old one");
    let mut child = place.start(&format!("{LINE} -o out.csv --overwrite --quiet"));
    wait_for(&place.path("out.csv.run/part-00000.parquet"), &mut child);
    interrupt(&child);
    let stopped = ended(child);
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    let rows = interrupted_rows(&stopped.message(), "run the same command again without --overwrite to go on");
    assert!(0 < rows && rows < ROWS, "{rows}");
    place.done(&format!("{LINE} -o out.csv"));
    place.done(&format!("{LINE} -o whole.csv"));
    assert!(place.read("out.csv") == place.read("whole.csv"));
}

#[test]
fn second_run_into_the_same_output_is_refused_while_the_first_works() {
    let place = place();
    let mut child = place.start(&format!("{LINE} -o out/ --quiet"));
    wait_for(&place.path("out/part-00000.parquet"), &mut child);
    let second = place.run(&format!("{LINE} -o out/"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        second.refusal(),
        "out/: another run of ferrome is writing this output (it holds the lock out/_run/lock)"
    );
    sleep(Duration::from_millis(1));
}
