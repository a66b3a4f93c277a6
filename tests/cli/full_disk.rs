//! A disk that fills up: one line, and what is done is kept.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::inputs::proteins;
use crate::support::place::{Ended, Place};

const LINE: &str = "in.fasta -m golden/esm2_hf --batch-tokens 512 --quiet";
const ADVICE: &str = ": no space left on device; what is done is kept: make room and run the same command again";

#[test]
fn full_disk_under_one_file() {
    let place = Place::new();
    place.fasta("in.fasta", &proteins(60));
    place.embed(&format!("{LINE} -o whole.parquet"));
    for file in ["run.json.ferrome-tmp", "part-00000.batch-0001.spill.tmp", "part-00000.parquet.tmp", "output-0.tmp"] {
        let full = format!("out.parquet.run/{file}");
        fs_err::create_dir(place.path("out.parquet.run")).unwrap();
        symlink("/dev/full", place.path(&full)).unwrap();
        assert_eq!(place.refused(&format!("{LINE} -o out.parquet")), format!("{full}{ADVICE}"));
        fs_err::remove_file(place.path(&full)).unwrap();
        place.embed(&format!("{LINE} -o out.parquet"));
        assert_eq!(place.read("out.parquet"), place.read("whole.parquet"));
        fs_err::remove_file(place.path("out.parquet")).unwrap();
    }
}

/// A file system of its own in a mount namespace of its own, which ends with the process. The residues take 40 MB, and
/// the batches of the three windows in work 16 MB, so that the first part is written and the last is not.
#[test]
fn full_disk_and_then_a_larger_one() {
    let place = Place::new();
    let allowed = Command::new("unshare").args(["-Urm", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this machine lets nobody make a mount namespace (unshare -Urm)");
        return;
    }
    place.fasta("in.fasta", &proteins(1500));
    fs_err::create_dir(place.path("disk")).unwrap();
    let line = format!("{LINE} --pool residue");
    place.embed(&format!("{line} -o whole/"));
    let ferrome = crate::support::place::FERROME;
    let script = format!(
        "mount -t tmpfs -o size=24m none disk
         if {ferrome} protein embed {line} -o disk/out/; then exit 9; fi
         ls disk/out > before
         mount -o remount,size=128m disk
         {ferrome} protein embed {line} -o disk/out/
         cp -r disk/out kept"
    );
    let mut shell = Command::new("unshare");
    place.settle(shell.args(["-Urm", "sh", "-ec", &script]));
    let ended = Ended::of(shell.output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let message = ended.message();
    assert!(message.starts_with("disk/out/") && message.ends_with(ADVICE), "{message}");
    assert!(place.text("before").contains("part-00000.parquet"), "{}", place.text("before"));
    assert_eq!(place.names("kept"), place.names("whole"));
    for part in place.names("whole") {
        assert_eq!(place.read(format!("kept/{part}")), place.read(format!("whole/{part}")), "{part}");
    }
}
