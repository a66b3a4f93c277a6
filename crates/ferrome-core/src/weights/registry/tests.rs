use super::*;

#[test]
fn registry_is_read_and_its_names_are_its_own() {
    let published: Vec<Entry> = serde_json::from_str(include_str!("../registry.json")).unwrap();
    let shipping = registry().iter().filter(|entry| entry.ships()).count();
    assert!(shipping >= 4, "{shipping}");
    assert_eq!(registry().len(), published.len() + shipping);
    let mut names: Vec<&str> = registry().iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), registry().len());
}

#[test]
fn every_entry_can_be_got_somewhere_and_says_what_it_is() {
    for entry in registry() {
        let name = &entry.name;
        assert!(!(entry.repository.is_some() && entry.by_hand.is_some()), "{name}");
        assert!(!entry.files.is_empty() && !entry.weights.is_empty() && !entry.licence.is_empty(), "{name}");
        let files = || entry.files.iter().chain(&entry.weights).chain(&entry.optional);
        if !entry.ships() {
            assert!(!entry.family.is_empty() && entry.room.is_some() && !entry.purpose.is_empty(), "{name}");
            assert!(entry.known.keys().all(|known| files().any(|file| file == known)), "{name}");
        }
        let shas = entry.known.values().filter_map(|known| known.sha256.as_deref());
        for sha in shas {
            assert!(sha.len() == 64 && sha.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{name}");
        }
        let inside = |file: &String| entry.folder.is_empty() || file.starts_with(&format!("{}/", entry.folder));
        assert!(entry.files.iter().chain(&entry.weights).all(inside), "{name}");
    }
}

#[test]
fn models_are_called_by_their_name_or_by_their_place_on_the_hub() {
    let called = |name: &str| registered(name).map(|entry| entry.name.as_str());
    assert_eq!(called("esm2_t6_8M_UR50D"), Some("esm2_t6_8M_UR50D"));
    assert_eq!(called("facebook/esm2_t6_8M_UR50D"), Some("esm2_t6_8M_UR50D"));
    assert_eq!(called("ctheodoris/Geneformer/Geneformer-V2-104M"), Some("Geneformer-V2-104M"));
    assert_eq!(called("ctheodoris/Geneformer"), None, "it is several models");
    assert_eq!(called("someone/esm2_t6_8M_UR50D"), None);
    assert_eq!(called("ferrome-esm2-mini"), Some("ferrome-esm2-mini"));
}

#[test]
fn nearest_names() {
    let of = |name: &str| nearest(name, None);
    assert_eq!(of("esm2_650M"), ["esm2_t33_650M_UR50D"]);
    assert_eq!(of("esm2_t33_650M_UR50"), ["esm2_t33_650M_UR50D"]);
    assert_eq!(of("facebook/esm2_t33_650m_ur50d"), ["esm2_t33_650M_UR50D"]);
    assert_eq!(of("geneformer-v2-104m"), ["Geneformer-V2-104M", "Geneformer-V2-104M_CLcancer"]);
    assert_eq!(of("scgpt"), [""; 0]);
    assert_eq!(of("scgpt human"), ["scGPT_human"]);
    assert_eq!(of("ferrome-esm-mini"), ["ferrome-esm2-mini"]);
    assert_eq!(of("bert-base-uncased"), [""; 0]);
    assert_eq!(nearest("Geneformer-V2-104", Some(Room::Protein)), [""; 0]);
}

#[test]
fn licences_that_are_not_permissive_or_not_known() {
    let with = |licence: &str| {
        let entry = Entry::of_hub("a/b").map(|entry| Entry { licence: licence.to_owned(), ..entry });
        entry.unwrap().is_permissive()
    };
    assert!(with("MIT") && with("Apache-2.0") && with("MIT OR Apache-2.0 (the training data states none)"));
    assert!(!with("CC-BY-NC-4.0") && !with("") && !with("MITigated"));
}

#[test]
fn repositories_that_the_registry_does_not_list() {
    let entry = Entry::of_hub("me/model/sub/folder").unwrap();
    assert_eq!((entry.repository.as_deref(), entry.folder.as_str()), (Some("me/model"), "sub/folder"));
    assert_eq!(entry.files, ["sub/folder/config.json"]);
    for wrong in ["model", "/model", "me/", "../model", "me/..", "me/model/../x", "me/mo del", "me//x"] {
        assert!(Entry::of_hub(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn whole_with_a_config_and_one_of_the_weights_and_all_shards_of_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
    let entry = registered("esm2_t36_3B_UR50D").unwrap();
    write("config.json", "{}");
    assert!(!entry.is_whole_in(folder.path()));
    let index = r#"{"weight_map": {"a": "one.bin", "b": "two.bin", "c": "one.bin"}}"#;
    write("pytorch_model.bin.index.json", index);
    assert_eq!(shards_of("pytorch_model.bin.index.json", folder.path()), ["one.bin", "two.bin"]);
    write("one.bin", "");
    assert!(!entry.is_whole_in(folder.path()));
    write("two.bin", "");
    assert!(entry.is_whole_in(folder.path()));
}
