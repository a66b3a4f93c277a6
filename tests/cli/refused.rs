//! What bad input gets: exit code 1, one line that says everything, and nothing left behind.

use std::os::unix::fs::symlink;

use crate::support::place::Place;

/// Runs `embed in.fasta OPTIONS` and compares the whole line.
fn expect(place: &Place, options: &str, message: &str) {
    let before = place.names(".");
    assert_eq!(place.refused(&format!("in.fasta {options}")), message, "{options}");
    assert_eq!(place.names("."), before, "{options} left something behind");
}

fn place() -> Place {
    let place = Place::new();
    place.fasta("in.fasta", &[("a", "MKTAYIAKQR"), ("b", "MKTVRQ")]);
    place
}

#[test]
fn input_that_is_no_fasta() {
    let place = place();
    fs_err::create_dir(place.path("folder")).unwrap();
    let cases = [
        ("no.fasta", "no.fasta: no such file"),
        ("folder", "folder: expected a FASTA file, found a folder"),
        ("specimens/empty.fasta", "specimens/empty.fasta: expected FASTA records, found an empty file"),
        (
            "specimens/table.csv",
            "specimens/table.csv: line 1: expected a FASTA header starting with `>`, found `id,sequence`",
        ),
        (
            "specimens/gzip_cut.fasta.gz",
            "specimens/gzip_cut.fasta.gz: record `p2` (line 5), after 2 whole records: expected more gzip data, found the \
             end of the file (is it cut short?)",
        ),
        // The second input is looked at before the first is computed.
        ("in.fasta no.fasta", "no.fasta: no such file"),
    ];
    for (input, message) in cases {
        assert_eq!(place.refused(&format!("{input} -m golden/esm2_hf -o out.parquet")), message);
    }
    let ended = place.piped("protein embed - -m golden/esm2_hf -o out.parquet", b"");
    assert_eq!(ended.refusal(), "stdin: expected FASTA records, found an empty file");
}

#[test]
fn checkpoint_of_another_architecture() {
    let place = place();
    place.write("bert/config.json", r#"{"model_type": "bert", "hidden_size": 40}"#);
    fs_err::copy(place.path("golden/esm2_hf/model.safetensors"), place.path("bert/model.safetensors")).unwrap();
    expect(
        &place,
        "-m bert -o out.csv",
        "bert/config.json: expected model_type `esm` (ESM-2, ESM-1b, ESM-1v), found `bert`",
    );
    place.write("fold/config.json", r#"{"model_type": "esm", "is_folding_model": true}"#);
    fs_err::copy(place.path("golden/esm2_hf/model.safetensors"), place.path("fold/model.safetensors")).unwrap();
    expect(
        &place,
        "-m fold -o out.csv",
        "fold/config.json: is an ESMFold checkpoint; expected a language model (ESM-2, ESM-1b, ESM-1v)",
    );
}

#[test]
fn weights_that_do_not_fit_their_configuration() {
    let place = place();
    let config = place.text("golden/esm1v_hf/config.json");
    let weights = place.path("golden/esm1v_hf/model.safetensors");
    let model = |name: &str, old: &str, new: &str| {
        assert!(config.contains(old), "{old}");
        place.write(format!("{name}/config.json"), config.replace(old, new));
        fs_err::copy(&weights, place.path(format!("{name}/model.safetensors"))).unwrap();
    };
    model("shallow", r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 1"#);
    let message = place.refused("in.fasta -m shallow -o out.csv");
    let start =
        "shallow/model.safetensors: weights do not fit the model: 16 left over: `esm.encoder.layer.1.LayerNorm.bias`, ";
    assert!(message.starts_with(start) && message.ends_with(", …"), "{message}");
    model("deep", r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 3"#);
    let message = place.refused("in.fasta -m deep -o out.csv");
    let start = "deep/model.safetensors: weights do not fit the model: 16 missing: `esm.encoder.layer.2.attention.";
    assert!(message.starts_with(start) && message.ends_with(", …"), "{message}");
    model("wide", r#""intermediate_size": 64"#, r#""intermediate_size": 32"#);
    let shapes = |layer: u8| {
        format!(
            "`esm.encoder.layer.{layer}.intermediate.dense.weight` is [64, 16], expected [32, 16], \
             `esm.encoder.layer.{layer}.intermediate.dense.bias` is [64], expected [32], \
             `esm.encoder.layer.{layer}.output.dense.weight` is [16, 64], expected [16, 32]"
        )
    };
    expect(
        &place,
        "-m wide -o out.csv",
        &format!(
            "wide/model.safetensors: weights do not fit the model: 6 of another shape: {}, {}",
            shapes(0),
            shapes(1)
        ),
    );
}

#[test]
fn configuration_that_cannot_be() {
    let place = place();
    let config = place.text("golden/esm1b_hf/config.json");
    fs_err::create_dir(place.path("m")).unwrap();
    symlink(place.path("golden/esm1b_hf/model.safetensors"), place.path("m/model.safetensors")).unwrap();
    let cases = [
        ("{", "{", "not JSON: EOF while parsing an object at line 1 column 1"),
        (r#""hidden_size": 24"#, r#""hidden_size": 23"#, "hidden_size 23 does not divide into 4 heads of even width"),
        (r#""vocab_size": 33"#, r#""vocab_size": 21"#, "expected vocab_size 33, found 21"),
        (r#""mask_token_id": 32"#, r#""mask_token_id": 99"#, "expected mask_token_id below vocab_size 33, found 99"),
        (r#""hidden_size": 24,"#, "", "missing field `hidden_size`"),
        (r#""absolute""#, r#""relative""#, "unknown variant `relative`, expected `absolute` or `rotary`"),
        (
            r#""num_hidden_layers": 2"#,
            r#""num_hidden_layers": 0"#,
            "expected num_hidden_layers and intermediate_size of 1 or more",
        ),
        (
            r#""max_position_embeddings": 1026"#,
            r#""max_position_embeddings": 4"#,
            "max_position_embeddings 4 leaves no room for a residue",
        ),
    ];
    for (old, new, reason) in cases {
        assert!(config.contains(old), "{old}");
        place.write("m/config.json", if old == "{" { "{".to_owned() } else { config.replace(old, new) });
        expect(&place, "-m m -o out.csv", &format!("m/config.json: {reason}"));
    }
}

#[test]
fn weights_that_are_not_there_or_damaged() {
    let place = place();
    let config = place.path("golden/esm2_hf/config.json");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc123\nsize 2609505600\n";
    place.write("pointer/model.safetensors", pointer);
    place.write("cut/model.safetensors", &place.read("golden/esm2_hf/model.safetensors")[..5000]);
    place.write("empty/model.safetensors", "");
    place.write("text/model.safetensors", "<!DOCTYPE html>");
    for folder in ["pointer", "cut", "empty", "text", "none"] {
        place.write(format!("{folder}/config.json"), fs_err::read(&config).unwrap());
    }
    place.write("plain.pt", &place.read("golden/esm2_fair/esm2_t2_tiny.pt")[..100_000]);
    let cases = [
        (
            "pointer",
            "pointer/model.safetensors: is a Git LFS pointer of 77 bytes to 2609505600 bytes of weights (sha256:abc123), \
             `git lfs pull` fetches them",
        ),
        ("cut", "cut/model.safetensors: truncated safetensors file, its header claims 6384 bytes but only 4992 follow"),
        ("empty", "empty/model.safetensors: the file is empty"),
        (
            "text",
            "text/model.safetensors: holds an HTML or XML page instead of weights, perhaps a failed download: \
             `<!DOCTYPE html>`",
        ),
        (
            "none",
            "none: no weights in this folder, looked for `model.safetensors`, `model.safetensors.index.json`, \
             `pytorch_model.bin`, `pytorch_model.bin.index.json`",
        ),
        ("./nowhere", "./nowhere: no such model folder or file"),
        ("in.fasta", "in.fasta: holds text instead of weights, perhaps a failed download: `>a`"),
    ];
    for (model, message) in cases {
        expect(&place, &format!("-m {model} -o out.csv"), message);
    }
    let message = place.refused("in.fasta -m plain.pt -o out.csv");
    assert!(message.starts_with("plain.pt: truncated or damaged zip archive ("), "{message}");
}

#[test]
fn weights_without_their_configuration() {
    let place = place();
    fs_err::create_dir(place.path("bare")).unwrap();
    fs_err::copy(place.path("golden/esm2_hf/model.safetensors"), place.path("bare/model.safetensors")).unwrap();
    let expected = "no config.json beside the weights; expected a Hugging Face folder (config.json and weights) or a \
                    fair-esm .pt file";
    for model in ["bare", "bare/model.safetensors", "golden/esm2_fair/esm2_t2_tiny-contact-regression.pt"] {
        expect(&place, &format!("-m {model} -o out.csv"), &format!("{model}: {expected}"));
    }
}

#[test]
fn output_that_is_not_to_be_touched() {
    let place = place();
    place.embed("in.fasta -m golden/esm2_hf -o out.parquet --quiet");
    place.embed("in.fasta -m golden/esm2_hf -o out.npy --quiet");
    fs_err::remove_file(place.path("out.npy")).unwrap();
    place.write("mine/notes.txt", "not ferrome's");
    let before = place.read("out.parquet");
    let cases = [
        ("out.parquet", "out.parquet: exists already; pass --overwrite to replace it, or choose another name"),
        ("out.npy", "out.npy.ids.txt: exists already; pass --overwrite to replace it, or choose another name"),
        (
            "out.xlsx",
            "out.xlsx: unknown suffix `.xlsx`; expected .parquet, .npy, .arrow, .feather, .csv, or a folder (a name that \
             ends in `/`)",
        ),
        ("mine", "mine: holds `notes.txt`, which ferrome did not write; choose an empty or new folder for -o"),
        ("no/such/out.csv", "no/such/out.csv: there is no folder no/such"),
        (
            "out.csv --pool residue",
            "out.csv: .csv cannot hold the nested column `embedding` (List(FixedSizeList(40 x Float32))); choose \
             .parquet, .arrow or a folder for -o",
        ),
        (
            "logits.npy --logits",
            "logits.npy: .npy holds one column of one vector of floats a row, found embedding (FixedSizeList(40 x \
             Float32)) and logits (List(FixedSizeList(33 x Float32))); choose .parquet, .arrow or a folder for -o",
        ),
    ];
    for (output, message) in cases {
        expect(&place, &format!("-m golden/esm2_hf -o {output}"), message);
    }
    assert_eq!(place.read("out.parquet"), before);
    place.embed("in.fasta -m golden/esm2_hf -o out.parquet --overwrite");
    assert_eq!(place.names("mine"), ["notes.txt"]);
}

/// A model may take minutes to load, and an input to be looked at.
#[test]
fn output_that_exists_is_noticed_before_input_and_model() {
    let place = place();
    place.write("out.parquet", "an old one");
    assert_eq!(
        place.refused("no.fasta -m no/such/model -o out.parquet"),
        "out.parquet: exists already; pass --overwrite to replace it, or choose another name"
    );
    place.write("mine/notes.txt", "not ferrome's");
    assert_eq!(
        place.refused("no.fasta -m no/such/model -o mine --overwrite"),
        "mine: holds `notes.txt`, which ferrome did not write; choose an empty or new folder for -o"
    );
    assert_eq!(place.refused("no.fasta -m no/such/model -o out.parquet --overwrite"), "no.fasta: no such file");
}

#[test]
fn overwrite_does_not_touch_what_ferrome_did_not_write() {
    let place = place();
    place.write("mine/notes.txt", "not ferrome's");
    expect(
        &place,
        "-m golden/esm2_hf -o mine --overwrite",
        "mine: holds `notes.txt`, which ferrome did not write; choose an empty or new folder for -o",
    );
}

#[test]
fn options_that_the_model_or_device_lacks() {
    let place = place();
    let cases = [
        ("esm2_hf", "--dtype f16 --device cpu", "dtype f16 is not served on cpu: use f32 or bf16"),
        ("esm2_hf", "--layers 4", "no layer 4: the model has layers 0 to 3 (or -4 to -1)"),
        ("esm2_hf", "--layers -1,-5", "no layer -5: the model has layers 0 to 3 (or -4 to -1)"),
        ("esm2_hf", "--long window --window 10 --overlap 10", "--overlap 10 must be smaller than --window 10"),
        ("esm2_hf", "--long truncate --window 0", "--window 0 does not fit: expected 1 or more residues"),
        ("esm1b_hf", "--long window --window 1023", "--window 1023 does not fit: expected 1 to 1022 residues"),
        (
            "esm2_hf",
            "--translate 7",
            "genetic code: expected an NCBI table number (1 to 6, 9 to 16 or 21 to 33), found 7",
        ),
    ];
    for (model, options, message) in cases {
        expect(&place, &format!("-m golden/{model} -o out.csv {options}"), message);
    }
}

#[test]
fn logits_of_a_checkpoint_without_a_head() {
    let place = place();
    let bytes = place.read("golden/esm2_hf_hub/model.safetensors");
    let whole = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let encoder = whole.iter().filter(|(name, _)| !name.starts_with("lm_head"));
    let bare: Vec<(String, _)> =
        encoder.map(|(name, view)| (name.trim_start_matches("esm.").to_owned(), view)).collect();
    fs_err::create_dir(place.path("bare")).unwrap();
    fs_err::copy(place.path("golden/esm2_hf_hub/config.json"), place.path("bare/config.json")).unwrap();
    fs_err::write(place.path("bare/model.safetensors"), safetensors::serialize(bare, None).unwrap()).unwrap();
    place.embed("in.fasta -m bare -o bare.parquet");
    place.embed("in.fasta -m golden/esm2_hf_hub -o whole.parquet");
    assert_eq!(place.table("bare.parquet"), place.table("whole.parquet"));
    assert_eq!(
        place.refused("in.fasta -m bare -o logits.parquet --logits"),
        "the checkpoint has no language-model head (`lm_head`), which logits need: use one saved from EsmForMaskedLM"
    );
}

/// Where there is no GPU.
#[test]
fn device_that_is_not_there() {
    let place = place();
    if std::path::Path::new("/dev/nvidiactl").exists() {
        eprintln!("skipped: this machine has a GPU");
        return;
    }
    for device in ["cuda", "cuda:1", "cuda:all"] {
        let message = place.refused(&format!("in.fasta -m golden/esm2_hf -o out.csv --device {device}"));
        assert!(message.starts_with("no CUDA device can be used: "), "{message}");
    }
}
