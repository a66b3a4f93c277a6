//! Where `-m NAME` finds a model: `weights/`, the cache of Hugging Face, the cache of torch.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::place::{Ended, FERROME, Place};
use crate::support::table::Table;

fn place() -> Place {
    let place = Place::new();
    place.fasta("in.fasta", &[("a", "MKTAYIAKQR"), ("b", "MKTVRQ")]);
    place
}

/// Embeds with `-m model` under these variables, whose values are folders of the place.
fn embed(place: &Place, model: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = place.command(&format!("protein embed in.fasta -m {model} -o out.parquet --overwrite"));
    command.envs(variables.iter().map(|(name, folder)| (name, place.path(folder))));
    Ended::of(command.output().unwrap())
}

fn found(place: &Place, model: &str, variables: &[(&str, &str)]) -> Table {
    let ended = embed(place, model, variables);
    assert_eq!(ended.code, Some(0), "{model} {variables:?}\n{}", ended.stderr);
    place.table("out.parquet")
}

fn by_path(place: &Place, model: &str) -> Table {
    found(place, model, &[])
}

/// A repository as `hf download` lays it out: blobs under their hashes, and snapshots of links to them.
fn download(place: &Place, hub: &str, name: &str, revision: &str, model: &str) {
    let repository = format!("{hub}/models--{}", name.replace('/', "--"));
    let snapshot = place.path(format!("{repository}/snapshots/{revision}"));
    fs_err::create_dir_all(&snapshot).unwrap();
    for (file, blob) in [("config.json", "0a1b"), ("model.safetensors", "2c3d"), ("vocab.txt", "4e5f")] {
        let blob = format!("{revision}{blob}");
        place.write(format!("{repository}/blobs/{blob}"), place.read(format!("golden/{model}/{file}")));
        symlink(format!("../../blobs/{blob}"), snapshot.join(file)).unwrap();
    }
}

#[test]
fn published_name_in_the_cache_of_hugging_face() {
    let place = place();
    download(&place, "cache/hub", "facebook/esm2_t3_tiny", "abc", "esm2_hf");
    place.write("cache/hub/models--facebook--esm2_t3_tiny/refs/main", "abc");
    let expected = by_path(&place, "golden/esm2_hf");
    for name in ["facebook/esm2_t3_tiny", "esm2_t3_tiny"] {
        assert_eq!(found(&place, name, &[("HF_HOME", "cache")]), expected);
        assert_eq!(found(&place, name, &[("HF_HUB_CACHE", "cache/hub"), ("HF_HOME", "nowhere")]), expected);
    }
}

#[test]
fn revision_of_refs_main_counts() {
    let place = place();
    download(&place, "hub", "facebook/tiny", "old", "esm2_hf_hub");
    // A repository of another owner, with one snapshot and no refs, as some tools leave it.
    download(&place, "hub", "someone/tiny", "only", "esm1v_hf");
    download(&place, "hub", "facebook/tiny", "new", "esm2_hf");
    place.write("hub/models--facebook--tiny/refs/main", "new\n");
    let hub = [("HF_HUB_CACHE", "hub")];
    assert_eq!(found(&place, "tiny", &hub), by_path(&place, "golden/esm2_hf"));
    assert_eq!(found(&place, "someone/tiny", &hub), by_path(&place, "golden/esm1v_hf"));
}

#[test]
fn usual_places_of_the_caches() {
    let place = place();
    download(&place, "home/.cache/huggingface/hub", "facebook/tiny", "abc", "esm2_hf");
    assert_eq!(found(&place, "facebook/tiny", &[]), by_path(&place, "golden/esm2_hf"));
    fs_err::create_dir_all(place.path("xdg/torch/hub/checkpoints")).unwrap();
    fs_err::copy(
        place.path("golden/esm1v_fair/esm1v_t2_tiny.pt"),
        place.path("xdg/torch/hub/checkpoints/esm1v_t2_tiny.pt"),
    )
    .unwrap();
    let expected = by_path(&place, "golden/esm1v_fair/esm1v_t2_tiny.pt");
    assert_eq!(found(&place, "esm1v_t2_tiny", &[("XDG_CACHE_HOME", "xdg")]), expected);
}

#[test]
fn fair_esm_in_the_cache_of_torch_with_and_without_its_contact_head() {
    let place = place();
    let checkpoints = "torch/hub/checkpoints";
    let copy = |name: &str| {
        place.write(format!("{checkpoints}/{name}"), place.read(format!("golden/esm2_fair/{name}")));
    };
    let expected = by_path(&place, "golden/esm2_fair/esm2_t2_tiny.pt");
    copy("esm2_t2_tiny.pt");
    for name in ["esm2_t2_tiny", "facebook/esm2_t2_tiny"] {
        assert_eq!(found(&place, name, &[("TORCH_HOME", "torch")]), expected);
    }
    copy("esm2_t2_tiny-contact-regression.pt");
    assert_eq!(found(&place, "esm2_t2_tiny", &[("TORCH_HOME", "torch")]), expected);
    // A contact file that is damaged is said, not skipped.
    place.write(format!("{checkpoints}/esm2_t2_tiny-contact-regression.pt"), "");
    let message = embed(&place, "esm2_t2_tiny", &[("TORCH_HOME", "torch")]).refusal();
    let path = place.path(format!("{checkpoints}/esm2_t2_tiny-contact-regression.pt"));
    assert_eq!(message, format!("{}: the file is empty", path.display()));
}

#[test]
fn name_in_weights() {
    let place = place();
    for folder in ["weights", "elsewhere"] {
        fs_err::create_dir(place.path(folder)).unwrap();
    }
    symlink(place.path("golden/esm2_hf"), place.path("weights/mini")).unwrap();
    symlink(place.path("golden/esm2_hf_hub"), place.path("elsewhere/mini")).unwrap();
    assert_eq!(found(&place, "mini", &[]), by_path(&place, "golden/esm2_hf"));
    // What the user asks for comes before what lies around.
    assert_eq!(found(&place, "mini", &[("FERROME_WEIGHTS", "elsewhere")]), by_path(&place, "golden/esm2_hf_hub"));
}

#[test]
fn file_of_a_folder_and_fair_esm_file_by_path() {
    let place = place();
    assert_eq!(by_path(&place, "golden/esm2_hf/model.safetensors"), by_path(&place, "golden/esm2_hf"));
    assert_eq!(by_path(&place, "golden/esm2_hf_bin/pytorch_model.bin"), by_path(&place, "golden/esm2_hf_bin"));
    assert_eq!(by_path(&place, "golden/esm2_hf_v5"), by_path(&place, "golden/esm2_hf_hub"));
}

#[test]
fn unknown_name_says_where_it_looked_and_how_to_get_it() {
    let place = place();
    let home = place.path("home");
    let beside = Path::new(FERROME).ancestors().nth(3).unwrap().join("weights");
    let names = "`ferrome model list` shows the names that are known; or give a folder";
    let command = "get it with `ferrome model pull me/esm2_t0_0M` or give a folder";
    for (model, repository, advice) in
        [("esm2_t0_0M", "facebook/esm2_t0_0M", names), ("me/esm2_t0_0M", "me/esm2_t0_0M", command)]
    {
        let looked = [
            format!("weights/{model}"),
            beside.join(model).display().to_string(),
            home.join(".cache/torch/hub/checkpoints/esm2_t0_0M.pt").display().to_string(),
            home.join(".cache/huggingface/hub")
                .join(format!("models--{}", repository.replace('/', "--")))
                .display()
                .to_string(),
        ];
        let expected = format!("model `{model}` was not found; looked for {}; {advice}", looked.join(", "));
        assert_eq!(place.refused(&format!("in.fasta -m {model} -o out.csv")), expected);
    }
}

#[test]
fn misspelt_name_and_name_of_another_room() {
    let place = place();
    for (model, advice) in [
        ("ferrome-esm2-min", "did you mean `ferrome-esm2-mini`?"),
        ("facebook/esm2_t33_650M_UR50", "did you mean `esm2_t33_650M_UR50D`?"),
        ("Geneformer-V2-104M", "it is a model of `ferrome cell`, not of `ferrome protein`"),
        ("esm2_t33_650M_UR50D", "get it with `ferrome model pull esm2_t33_650M_UR50D` or give a folder"),
    ] {
        let message = place.refused(&format!("in.fasta -m {model} -o out.csv"));
        assert!(
            message.starts_with(&format!("model `{model}` was not found; looked for weights/{model}, ")),
            "{message}"
        );
        assert!(message.ends_with(&format!("; {advice}")), "{message}");
    }
}

/// `hf download REPO config.json`, or a download that was stopped, of a model that Ferrome knows.
#[test]
fn published_model_of_which_a_part_is_here() {
    let place = place();
    download(&place, "hub", "facebook/esm2_t6_8M_UR50D", "abc", "esm2_hf");
    let weights = "hub/models--facebook--esm2_t6_8M_UR50D/snapshots/abc/model.safetensors";
    fs_err::remove_file(place.path("hub/models--facebook--esm2_t6_8M_UR50D/blobs/abc2c3d")).unwrap();
    assert!(fs_err::symlink_metadata(place.path(weights)).is_ok(), "the link stays");
    let message = embed(&place, "esm2_t6_8M_UR50D", &[("HF_HUB_CACHE", "hub")]).refusal();
    assert!(message.ends_with("; get it with `ferrome model pull esm2_t6_8M_UR50D` or give a folder"), "{message}");
}

/// `hf download REPO config.json`, or a download that was stopped.
#[test]
fn snapshot_without_weights() {
    let place = place();
    download(&place, "hub", "facebook/tiny", "abc", "esm2_hf");
    fs_err::remove_file(place.path("hub/models--facebook--tiny/snapshots/abc/model.safetensors")).unwrap();
    let message = embed(&place, "facebook/tiny", &[("HF_HUB_CACHE", "hub")]).refusal();
    let folder = place.path("hub/models--facebook--tiny/snapshots/abc");
    assert!(message.starts_with(&format!("{}: no weights in this folder, looked for ", folder.display())), "{message}");
}
