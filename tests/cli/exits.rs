//! Exit codes: 0 done, 1 the input, 2 usage. (130 is in `resumed`, 3 beside the code.)

use crate::support::place::Place;

#[test]
fn done_is_zero() {
    let place = Place::new();
    let version = place.run("--version");
    assert_eq!((version.code, version.stdout.as_str()), (Some(0), "ferrome 0.1.0\n"));
    let ended = place.run("protein embed specimens/plain.fasta -m golden/esm2_hf -o out.parquet");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
}

#[test]
fn rejected_records_are_zero_too() {
    let place = Place::new();
    place.write("bad.fasta", ">bad\nMKJ\n");
    assert_eq!(place.run("protein embed bad.fasta -m golden/esm2_hf -o out.csv").code, Some(0));
}

#[test]
fn input_is_one() {
    assert_eq!(Place::new().run("protein embed no.fasta -m golden/esm2_hf -o out.csv").code, Some(1));
}

#[test]
fn usage_is_two() {
    let place = Place::new();
    let embed = "protein embed specimens/plain.fasta -m golden/esm2_hf -o out.csv";
    let cases = [
        ("", "Usage: ferrome <COMMAND>"),
        ("protein", "Usage: ferrome protein <COMMAND>"),
        ("proteins", "error: unrecognized subcommand 'proteins'\n\n  tip: a similar subcommand exists: 'protein'"),
        ("protein embed specimens/plain.fasta -o out.csv", "required arguments were not provided:\n  --model <MODEL>"),
        ("protein embed a.fasta -m golden/esm2_hf", "required arguments were not provided:\n  --output <OUT>"),
        (&format!("{embed} --fast"), "error: unexpected argument '--fast' found"),
        (&format!("{embed} --pool median"), "unknown pooling `median`: expected mean, max, cls or residue"),
        (&format!("{embed} --long cut"), "unknown choice `cut`: expected error, truncate or window"),
        (&format!("{embed} --device tpu"), "unknown device `tpu`: expected auto, cpu, cuda, cuda:N or cuda:all"),
        (&format!("{embed} --device cuda:x"), "unknown device `cuda:x`: expected auto, cpu, cuda, cuda:N or cuda:all"),
        (&format!("{embed} --dtype int8"), "unknown dtype `int8`: expected auto, f32, bf16 or f16"),
        (&format!("{embed} --layers one"), "error: invalid value 'one' for '--layers <N>': invalid digit"),
        (&format!("{embed} --batch-tokens 0"), "error: invalid value '0' for '--batch-tokens <N>'"),
        (&format!("{embed} --orfs"), "required arguments were not provided:\n  --translate <TABLE>"),
    ];
    for (line, expected) in cases {
        let ended = place.run(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "ferrome {line}");
        assert!(ended.stderr.contains(expected), "ferrome {line}\n{}", ended.stderr);
    }
    assert_eq!(place.names("."), ["golden", "specimens"]);
}

/// What a shell makes of `-m "$MODEL"` when there is no such variable.
#[test]
fn empty_values_are_usage() {
    let place = Place::new();
    for (words, name) in [
        (["in.fasta", "-m", "", "-o", "out.csv"], "--model <MODEL>"),
        (["in.fasta", "-m", "golden/esm2_hf", "-o", ""], "--output <OUT>"),
        (["", "-m", "golden/esm2_hf", "-o", "out.csv"], "<IN>..."),
    ] {
        let output = place.command("protein embed").args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let expected = format!("error: a value is required for '{name}' but none was supplied");
        assert_eq!(String::from_utf8(output.stderr).unwrap().lines().next(), Some(expected.as_str()));
    }
}
