use super::*;

pub(crate) fn gene(id: &str, token: i32, median: f64) -> Gene {
    Gene { id: id.to_owned(), token, median: Some(median) }
}

fn parts() -> Parts {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    Parts {
        style: Style::GeneformerV1,
        specials: vec![("<mask>".to_owned(), 1), ("<pad>".to_owned(), 0)],
        genes: vec![gene("ENSG00000000005", 3, 0.1 + 0.2), gene("ENSG00000000003", 2, 2.5)],
        symbols: vec![pair("TSPAN6", "ENSG00000000003"), pair("XIST", "ENSG00000229807")],
        former_ids: vec![pair("ENSG00000000001", "ENSG00000000005")],
        sources: Vec::new(),
    }
}

#[test]
fn file_keeps_everything_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.json");
    let made = Vocabulary::new(parts()).unwrap();
    made.save(&path).unwrap();
    let read = Vocabulary::open(&path).unwrap();
    assert_eq!((read.style(), read.specials(), read.genes()), (made.style(), made.specials(), made.genes()));
    assert_eq!(read.genes()[1].median.map(f64::to_bits), Some((0.1_f64 + 0.2).to_bits()));
    assert_eq!(read.fingerprint(), made.fingerprint());
    assert_eq!(read.genes().iter().map(|gene| gene.token).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((read.special("<mask>"), read.special("<cls>")), (Some(1), None));
    assert_eq!(read.id_of_symbol("TSPAN6"), Some("ENSG00000000003"));
    assert_eq!(read.current("ENSG00000000001"), Some("ENSG00000000005"));
}

#[test]
fn fingerprint_depends_on_every_part() {
    let fingerprint = |change: fn(&mut Parts)| {
        let mut parts = parts();
        change(&mut parts);
        Vocabulary::new(parts).unwrap().fingerprint()
    };
    let same = fingerprint(|_| ());
    assert_eq!(same, fingerprint(|_| ()));
    for change in [
        (|parts| parts.genes[0].median = Some(0.3)) as fn(&mut Parts),
        |parts| parts.genes[0].token = 4,
        |parts| parts.style = Style::GeneformerV2,
        |parts| drop(parts.symbols.pop()),
        |parts| drop(parts.former_ids.pop()),
    ] {
        assert_ne!(same, fingerprint(change));
    }
}

#[test]
fn vocabularies_that_contradict_themselves() {
    let refused = |change: fn(&mut Parts)| {
        let mut parts = parts();
        change(&mut parts);
        Vocabulary::new(parts).unwrap_err().to_string()
    };
    assert_eq!(refused(|parts| parts.genes.clear()), "vocabulary: there is no gene in it");
    assert_eq!(
        refused(|parts| parts.genes[0].token = 2),
        "vocabulary: `ENSG00000000005` and `ENSG00000000003` both have the token 2"
    );
    assert_eq!(
        refused(|parts| parts.genes[0].token = -1),
        "vocabulary: the token of `ENSG00000000005` is -1, expected 0 or more"
    );
    assert_eq!(
        refused(|parts| parts.genes[0].id = "ENSG00000000003".into()),
        "vocabulary: `ENSG00000000003` is given twice"
    );
    assert_eq!(
        refused(|parts| parts.genes[0].median = Some(0.0)),
        "vocabulary: the median of `ENSG00000000005` is 0, expected a positive number"
    );
}

#[test]
fn files_that_are_no_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.json");
    let refused = |content: &[u8]| {
        fs_err::write(&path, content).unwrap();
        Vocabulary::open(&path).unwrap_err().to_string().replace(&path.display().to_string(), "v.json")
    };
    let import = "`ferrome cell vocabulary import` makes one from published dictionaries";
    assert_eq!(
        refused(b"\x80\x04}."),
        format!("v.json: is no vocabulary of ferrome, it starts with `\\x80\\x04}}.`; {import}")
    );
    assert_eq!(
        refused(b"{\"TP53\": 1}"),
        format!("v.json: is no vocabulary of ferrome: missing field `format` at line 1 column 11; {import}")
    );
    let document = |format: &str, medians: &str| {
        format!(
            r#"{{"format": "{format}", "style": "geneformer-v1", "special_tokens": [], "tokens": {{"a": 1}}, "medians": {medians}}}"#
        )
    };
    assert_eq!(
        refused(document("ferrome vocabulary 9", "{}").as_bytes()),
        "v.json: is of the format `ferrome vocabulary 9`, expected `ferrome vocabulary 1`"
    );
    assert_eq!(
        refused(document("ferrome vocabulary 1", r#"{"b": 1}"#).as_bytes()),
        "v.json: `b` has a median, but no token"
    );
    assert!(Vocabulary::open(folder.path()).is_err());
}
