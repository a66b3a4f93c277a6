//! A run into the output of an earlier one that had another input, model or options.

use crate::support::place::Place;

/// Fingerprints become `HASH`.
fn without_hashes(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if is_hash(bare) { word.replace(bare, "HASH") } else { word.to_owned() }
        })
        .collect()
}

fn place() -> Place {
    let place = Place::new();
    place.fasta("in.fasta", &[("a", "MKTAYIAKQR"), ("b", "MKTVRQ"), ("bad", "MKJ")]);
    place
}

fn expect(place: &Place, output: &str, line: &str, differences: &str) {
    let expected = format!(
        "{output}: an earlier run into this output differs: {differences}; pass --overwrite to start anew, or choose \
         another -o"
    );
    assert_eq!(without_hashes(&place.refused(line)), expected, "{line}");
}

#[test]
fn finished_folder_of_another_run_is_refused_with_what_differs() {
    let place = place();
    place.embed("in.fasta -m golden/esm2_hf -o out/");
    let (part, names) = (place.read("out/part-00000.parquet"), place.names("out"));
    let cases = [
        ("in.fasta -m golden/esm2_hf -o out/ --pool max", "pool was `mean`, now `max`"),
        ("in.fasta -m golden/esm2_hf -o out/ --layers 0,-1", "layers was `3`, now `0,3`"),
        ("in.fasta -m golden/esm2_hf -o out/ --dtype bf16 --device cpu", "dtype was `f32`, now `bf16`"),
        (
            "in.fasta -m golden/esm2_hf -o out/ --translate 11",
            "translate was not set, now `table 11, coding sequences`",
        ),
        (
            "in.fasta -m golden/esm2_hf -o out/ --long window --logits",
            "logits was `false`, now `true`, long was `whole`, now `windows of 1022 that share 128`",
        ),
        (
            "in.fasta -m golden/esm2_hf -o out/ --batch-tokens 64",
            "batch_tokens was `2048`, now `64`, window_tokens was `131072`, now `4096`",
        ),
        (
            "in.fasta -m golden/esm2_hf_hub -o out/",
            "model was `golden/esm2_hf`, now `golden/esm2_hf_hub`, model.fingerprint was `HASH`, now `HASH`, layers was \
             `3`, now `1`",
        ),
        ("in.fasta in.fasta -m golden/esm2_hf -o out/", "input.1 was not set, now `in.fasta, 33 bytes, xxh3 HASH`"),
    ];
    for (line, differences) in cases {
        expect(&place, "out/", line, differences);
    }
    assert_eq!((place.read("out/part-00000.parquet"), place.names("out")), (part, names));
}

#[test]
fn input_that_changed_is_refused() {
    let place = place();
    place.embed("in.fasta -m golden/esm2_hf -o out/");
    place.fasta("in.fasta", &[("a", "MKTAYIAKQR"), ("b", "MKTVRW"), ("bad", "MKJ")]);
    expect(
        &place,
        "out/",
        "in.fasta -m golden/esm2_hf -o out/",
        "input.0 was `in.fasta, 33 bytes, xxh3 HASH`, now `in.fasta, 33 bytes, xxh3 HASH`",
    );
    place.embed("in.fasta -m golden/esm2_hf -o out/ --overwrite");
    assert_eq!(place.table("out").rows(), 3);
}

#[test]
fn weights_that_changed_under_the_same_name_are_refused() {
    let place = place();
    fs_err::create_dir(place.path("model")).unwrap();
    for file in ["config.json", "model.safetensors"] {
        fs_err::copy(place.path(format!("golden/esm2_hf/{file}")), place.path(format!("model/{file}"))).unwrap();
    }
    place.embed("in.fasta -m model -o out/");
    let mut weights = place.read("model/model.safetensors");
    *weights.last_mut().unwrap() ^= 1;
    place.write("model/model.safetensors", weights);
    expect(&place, "out/", "in.fasta -m model -o out/", "model.fingerprint was `HASH`, now `HASH`");
}

/// `--strict` stops before the file is there; its journal stays.
#[test]
fn unfinished_file_of_another_run_is_refused_too() {
    let place = place();
    place.refused("in.fasta -m golden/esm2_hf -o out.parquet --strict");
    assert_eq!(place.names("."), ["golden", "in.fasta", "out.parquet.run", "specimens"]);
    expect(&place, "out.parquet", "in.fasta -m golden/esm2_hf -o out.parquet --pool cls", "pool was `mean`, now `cls`");
    place.embed("in.fasta -m golden/esm2_hf -o out.parquet");
    assert_eq!(place.names("."), ["golden", "in.fasta", "out.parquet", "specimens"]);
}

/// Nothing is known of a pipe beforehand: the parts tell.
#[test]
fn other_rows_from_standard_input_are_refused() {
    let place = place();
    let line = "protein embed - -m golden/esm2_hf -o out/ --batch-tokens 16";
    let rows = |last: &str| -> Vec<u8> {
        (0..400)
            .map(|n| format!(">p{n}\nMKTAYIAKQR{}\n", if n == 150 { last } else { "MK" }))
            .collect::<String>()
            .into()
    };
    assert_eq!(place.piped(line, &rows("W")).code, Some(0));
    let parts: Vec<_> = place.names("out");
    assert!(parts.len() > 2, "{parts:?}");
    fs_err::remove_file(place.path("out").join(parts.last().unwrap())).unwrap();
    let message = place.piped(line, &rows("Y")).refusal();
    assert!(message.contains(": the input changed since this part was written ("), "{message}");
    assert!(message.ends_with("; pass --overwrite to start anew"), "{message}");
    let ended = place.piped(line, &rows("W"));
    assert!(ended.stderr.contains(" rows were done before; "), "{}", ended.stderr);
    assert_eq!(place.table("out").rows(), 400);
}

#[test]
fn finished_run_again_does_nothing() {
    let place = place();
    place.embed("in.fasta -m golden/esm2_hf -o out/");
    assert_eq!(
        place.embed("in.fasta -m golden/esm2_hf -o out/"),
        "3 rows: 2 computed, 1 rejected (letter outside the alphabet, first `bad`); already complete, nothing to do\n"
    );
}
