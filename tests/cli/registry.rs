//! `ferrome model` without a network; downloads are tested in `tests/python/test_model.py`.

use std::process::Stdio;

use serde_json::Value;

use crate::support::place::{Ended, Place};
use crate::support::root;

#[test]
fn list_is_a_table_and_a_document() {
    let place = Place::new();
    let table = place.run("model list");
    assert_eq!((table.code, table.stderr.as_str()), (Some(0), ""));
    let header: Vec<&str> = table.stdout.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["name", "family", "size", "licence", "where"]);
    let row = |name: &str| {
        let line = table.stdout.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("esm2_t33_650M_UR50D"), ["esm2_t33_650M_UR50D", "ESM-2", "2.61 GB", "MIT", "not here"]);
    assert_eq!(row("scGPT_human").last().unwrap(), "not here (Google Drive)");
    assert!(row("ferrome-esm2-mini").last().unwrap().ends_with("weights/ferrome-esm2-mini"));

    let models: Vec<Value> = serde_json::from_str(&place.run("model list --json").stdout).unwrap();
    assert_eq!(models.len(), table.stdout.lines().count() - 1);
    let esm = models.iter().find(|model| model["name"] == "esm2_t6_8M_UR50D").unwrap();
    assert_eq!((&esm["repository"], &esm["room"]), (&"facebook/esm2_t6_8M_UR50D".into(), &"protein".into()));
    assert!(esm["path"].is_null() && esm["bytes"] == 31_384_292);
}

#[test]
fn path_of_what_ships_and_of_what_is_not_here() {
    let place = Place::new();
    let shown = place.run("model path ferrome-geneformer-mini").stdout;
    assert!(shown.ends_with("/weights/ferrome-geneformer-mini\n"), "{shown}");
    let message = place.run("model path Geneformer-V2-316M").refusal();
    assert!(message.ends_with("; get it with `ferrome model pull Geneformer-V2-316M` or give a folder"), "{message}");
    let message = place.run("model path me/model").refusal();
    let expected =
        "model `me/model` is not here, or not all of it: get it with `ferrome model pull me/model` or give a folder";
    assert_eq!(message, expected);
}

#[test]
fn names_that_are_not_known() {
    let place = Place::new();
    for verb in ["path", "pull", "verify"] {
        let message = place.run(&format!("model {verb} esm2_650M")).refusal();
        assert_eq!(message, "model `esm2_650M` is not known: did you mean `esm2_t33_650M_UR50D`?");
        let message = place.run(&format!("model {verb} nothing")).refusal();
        let advice =
            "`ferrome model list` shows the names that are; ORGANISATION/REPOSITORY takes any of the Hugging Face hub";
        assert_eq!(message, format!("model `nothing` is not known: {advice}"));
    }
}

#[test]
fn model_that_no_program_can_get_and_the_way_by_hand() {
    let place = Place::new();
    let message = place.run("model pull scGPT_human").refusal();
    let expected = "model `scGPT_human`: it is published on Google Drive only: get best_model.pt, args.json, vocab.json from \
        https://drive.google.com/drive/folders/1oWh_-ZRdhtoGQ2Fw24HP41FgLoomVo-y into a folder, and give that folder";
    assert_eq!(message, expected);
}

#[test]
fn what_ships_is_as_its_manifest_says() {
    let place = Place::new();
    for model in ["ferrome-esm2-mini", "ferrome-geneformer-mini", "ferrome-dta-davis"] {
        let verified = place.run(&format!("model verify {model}"));
        assert_eq!(verified.code, Some(0), "{}", verified.stderr);
        let end = verified.stdout.lines().last().unwrap();
        assert!(
            end.starts_with(&format!("{model}: no numbers were published for it; only its files were checked: ")),
            "{end}"
        );
    }
}

#[test]
fn file_that_is_missing_or_changed() {
    let place = Place::new();
    let copy = place.path("weights/ferrome-geneformer-mini");
    fs_err::create_dir_all(&copy).unwrap();
    for entry in fs_err::read_dir(root().join("weights/ferrome-geneformer-mini")).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    fs_err::remove_file(copy.join("loss.svg")).unwrap();
    fs_err::write(copy.join("config.json"), "{}").unwrap();
    let verified = place.run("model verify ferrome-geneformer-mini");
    assert_eq!(verified.code, Some(1));
    let wrong: Vec<&str> = verified.stdout.lines().filter(|line| line.contains("WRONG")).collect();
    assert_eq!(wrong.len(), 2, "{}", verified.stdout);
    assert!(wrong[0].starts_with("config.json ") && wrong[1].ends_with("WRONG: is missing"), "{wrong:?}");
    assert!(verified.stderr.starts_with("error: ferrome-geneformer-mini: 2 of "), "{}", verified.stderr);
}

#[test]
fn folder_of_a_published_name_that_is_not_the_model() {
    let place = Place::new();
    for (model, missing) in [
        ("scGPT_human", vec!["args.json", "best_model.pt", "vocab.json"]),
        ("esm2_t6_8M_UR50D", vec!["config.json", "model.safetensors or pytorch_model.bin"]),
        (
            "Geneformer-V2-104M",
            vec![
                "Geneformer-V2-104M/config.json",
                "Geneformer-V2-104M/model.safetensors or Geneformer-V2-104M/pytorch_model.bin",
            ],
        ),
    ] {
        fs_err::create_dir(place.path(model)).unwrap();
        let verified = place.run(&format!("model verify {model}/"));
        assert_eq!(verified.code, Some(1), "{}", verified.stdout);
        let wrong: Vec<&str> = verified.stdout.lines().filter(|line| line.ends_with("WRONG: is missing")).collect();
        assert_eq!(wrong.len(), missing.len(), "{}", verified.stdout);
        for (line, file) in wrong.iter().zip(missing) {
            assert!(line.starts_with(&format!("{file}  ")), "{line}");
        }
        let all = wrong.len();
        let expected = format!("{model}/: {all} of {all} files and 0 of 0 published results differ");
        assert_eq!(verified.message(), expected);
        // Nor is it taken for the model by name.
        assert!(place.run(&format!("model path {model}")).refusal().contains(" is not here, or not all of it: "));
        let row = place.run("model list").stdout;
        let row = row.lines().find(|line| line.starts_with(&format!("{model} "))).unwrap();
        assert!(row.contains("  not here"), "{row}");
        let pulled =
            Ended::of(place.command(&format!("model pull {model}")).env("HF_HUB_OFFLINE", "1").output().unwrap());
        assert!(pulled.refusal().starts_with(&format!("model `{model}`")));
    }
}

#[test]
fn whole_folder_of_a_published_name_and_one_that_hides_what_ships() {
    let place = Place::new();
    for file in ["config.json", "model.safetensors"] {
        place.write(format!("esm2_t6_8M_UR50D/{file}"), place.read(format!("golden/esm2_hf/{file}")));
    }
    assert_eq!(place.run("model path esm2_t6_8M_UR50D").stdout, "esm2_t6_8M_UR50D\n");
    fs_err::create_dir(place.path("ferrome-esm2-mini")).unwrap();
    let shown = place.run("model path ferrome-esm2-mini").stdout;
    assert!(shown.ends_with("/weights/ferrome-esm2-mini\n"), "{shown}");
}

#[test]
fn single_file_of_which_nothing_was_published() {
    let place = Place::new();
    place.write("scGPT_brain.pt", "nothing");
    let message = place.run("model verify scGPT_brain.pt").refusal();
    let advice = "nothing was published that a single file could be compared with; give numbers with --goldens";
    assert_eq!(message, format!("scGPT_brain.pt: {advice}"));
}

/// `ferrome model list | true`.
#[test]
fn reader_that_has_gone() {
    let place = Place::new();
    for line in ["model list", "model list --json", "model path ferrome-esm2-mini", "doctor --device cpu"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let ended = Ended::of(output.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
    }
    let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap().into_file();
    let ended = Ended::of(place.command("model list").stdout(full).output().unwrap());
    assert_eq!((ended.code, ended.message().as_str()), (Some(1), "stdout: No space left on device (os error 28)"));
}

#[test]
fn goldens_that_do_not_fit() {
    let place = Place::new();
    let refused = |goldens: &str| {
        place.write("goldens.json", goldens);
        let ended = place.run("model verify golden/esm2_hf --goldens goldens.json");
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        ended.message()
    };
    let golden = |fields: &str| {
        format!(
            r#"[{{"what": "logits", "expected": [[1, 2]], "absolute": 1, "relative": 0, "source": "me", {fields}}}]"#
        )
    };
    assert_eq!(refused("[]"), "goldens.json: has no expected numbers");
    assert!(refused("[").starts_with("goldens.json: EOF while parsing"));
    assert_eq!(refused(&golden(r#""tokens": [33]"#)), "goldens of me: token 33 is not one of the 33");
    let both = refused(&golden(r#""tokens": [3], "sequence": "MK""#));
    assert_eq!(both, "goldens of me: has both or neither of `tokens` and `sequence`");
    assert!(refused(&golden(r#""sequence": "MJ""#)).starts_with("goldens of me: `J` at residue 2 "));
    let message = place.run("model verify golden/esm2_hf").refusal();
    assert_eq!(message, "golden/esm2_hf: nothing was published for a model of this name; give numbers with --goldens");
    assert_eq!(place.run("model verify /no/such").refusal(), "/no/such: no such model folder or file");
    let message = place.run("model verify no/such --goldens none.json").refusal();
    assert!(message.starts_with("model `no/such` is not here, or not all of it: "), "{message}");
}
