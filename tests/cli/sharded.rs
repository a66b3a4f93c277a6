//! Shards that separate processes compute, and the table that they are gathered to.

use crate::support::place::Place;
use crate::support::table::difference;

const MODEL: &str = "-m golden/esm2_hf";

fn place() -> Place {
    let place = Place::new();
    place
        .fasta("in.fasta", &[("a", "MKTAYIAKQR"), ("b", "MKTVRQ"), ("bad", "MKJ"), ("a", "MKTAYIAKQR"), ("e", "GSHM")]);
    place
}

#[test]
fn gathered_shards_are_what_one_process_writes() {
    let place = place();
    for index in 1..=3 {
        place.embed(&format!("in.fasta {MODEL} --shard {index}/3 -o parts"));
    }
    place.embed(&format!("in.fasta {MODEL} -o one.parquet"));
    let rejected = "1 rejected (letter outside the alphabet, first `bad`)";
    assert_eq!(place.done("gather parts"), format!("3 shards, 5 rows, {rejected}\n"));
    let said = place.done("gather parts -o all.parquet");
    assert_eq!(said, format!("3 shards, 5 rows, {rejected} -> all.parquet\n"));
    let [all, one] = ["all.parquet", "one.parquet"].map(|name| place.table(name));
    assert_eq!((all.columns(), all.ids(), all.errors()), (one.columns(), one.ids(), one.errors()));
    // Other proteins share the batch, so that matrix products are rounded otherwise.
    for (all, one) in all.numbers("embedding").iter().zip(one.numbers("embedding")) {
        assert_eq!(all.is_some(), one.is_some());
        assert!(difference(all.as_deref().unwrap_or_default(), &one.unwrap_or_default()) < 1e-5);
    }
}

#[test]
fn one_shard_is_written_in_every_format_as_one_process_writes_it() {
    let place = place();
    place.embed(&format!("in.fasta {MODEL} --shard 1/1 -o parts"));
    for output in ["parquet", "arrow", "csv", "npy"].map(|suffix| format!("out.{suffix}")) {
        place.embed(&format!("in.fasta {MODEL} -o one-{output}"));
        place.done(&format!("gather parts -o all-{output}"));
        assert!(place.read(format!("all-{output}")) == place.read(format!("one-{output}")), "{output}");
    }
    assert_eq!(place.text("all-out.npy.ids.txt"), "a\nb\nbad\na\ne\n");
}

#[test]
fn shards_that_cannot_be_computed_are_refused() {
    let place = place();
    place.embed(&format!("in.fasta {MODEL} --shard 1/3 -o parts"));
    let folder = "--shard writes parts into a folder: choose a name without suffix, or with `/` at its end, for -o; \
                  `ferrome gather` makes one file of them";
    let cases = [
        ("--shard 1/3 -o out.parquet", format!("out.parquet: {folder}")),
        ("--shard 1/3 -o in.fasta", format!("in.fasta: {folder}")),
        (
            "--shard 1/4 -o parts",
            "parts: belongs to another plan of shards: shards was `3`, now `4`; choose another -o, or remove the folder".into(),
        ),
        ("--shard 1/3 --quarantine 2,6 -o new", "--quarantine 2,6: the input has 5 rows".into()),
    ];
    for (options, message) in cases {
        assert_eq!(place.refused(&format!("in.fasta {MODEL} {options}")), message, "{options}");
    }
    let stream = place.refused(&format!("- {MODEL} --shard 1/3 -o new"));
    assert_eq!(stream, "-: every shard reads the input from its start, so that --shard needs a file");
    assert_eq!(place.names("."), ["golden", "in.fasta", "parts", "specimens"]);
}

#[test]
fn shards_that_are_none_are_a_matter_of_usage() {
    let place = place();
    let cases =
        [("5/4", "there are only 4 shards: expected 1/4 to 4/4"), ("a/b", "expected I/N, shard I of N, such as 3/16")];
    for (shard, message) in cases {
        let ended = place.run(&format!("protein embed in.fasta {MODEL} --shard {shard} -o parts"));
        let line = format!("error: invalid value '{shard}' for '--shard <I/N>': {message}");
        assert_eq!((ended.code, ended.stderr.lines().next()), (Some(2), Some(line.as_str())));
    }
}

#[test]
fn gathering_what_cannot_be_gathered_is_refused() {
    let place = place();
    place.embed(&format!("in.fasta {MODEL} --shard 1/2 -o parts"));
    let refused = |line: &str| place.run(&format!("gather {line}")).refusal();
    assert_eq!(refused("parts"), "parts: not finished: missing of 2 shards: 2 (--shard I/2 computes shard I)");
    place.embed(&format!("in.fasta {MODEL} --shard 2/2 -o parts"));
    let none = "holds no shards (no _plan/plan.json): expected the folder that --shard I/N wrote to";
    assert_eq!(refused("nowhere"), format!("nowhere: {none}"));
    assert_eq!(
        refused("parts -o table/"),
        "table/: the shards are a folder of Parquet files already: parts; choose .parquet, .arrow, .csv or .npy for -o"
    );
    assert_eq!(
        refused("parts -o out.h5ad"),
        "out.h5ad: the shards hold no vectors of the cells of an h5ad; choose another suffix for -o"
    );
    assert_eq!(
        refused("parts -o in.fasta"),
        "in.fasta: unknown suffix `.fasta`; expected .parquet, .npy, .arrow, .feather, .csv, or a folder (a name that ends \
         in `/`)"
    );
    place.done("gather parts -o out.csv");
    assert_eq!(
        refused("parts -o out.csv"),
        "out.csv: exists already; pass --overwrite to replace it, or choose another name"
    );
    place.done("gather parts -o out.csv --overwrite");
}
