use ferrome_cell::{
    genes::GeneMap,
    tokenize::Style,
    vocabulary::{Vocabulary, dictionary, import},
};

use super::{files, specimen};

#[track_caller]
fn refused(name: &str, expected: &str) {
    let path = specimen(name);
    let message = dictionary::open(&path).unwrap_err().to_string();
    assert_eq!(message, format!("{}: {expected}", path.display()));
}

#[test]
fn tokens_of_every_protocol_are_the_same() {
    let names = ["tokens_protocol_2.pkl", "tokens_protocol_3.pkl", "tokens_protocol_4.pkl", "tokens_protocol_5.pkl"];
    for name in names.into_iter().chain(["tokens_numpy_1.pkl", "vocab.txt"]) {
        let read = import(&files(name, Some("medians.pkl"), Some("symbols.pkl")), None).unwrap();
        let genes: Vec<_> = read.genes().iter().map(|gene| (gene.id.as_str(), gene.token, gene.median)).collect();
        let expected = [("ENSG00000000003", 2, Some(2.001861)), ("ENSG00000000005", 3, Some(0.1 + 0.2))];
        assert_eq!(genes, expected, "{name}");
        assert_eq!((read.style(), read.specials().len()), (Style::GeneformerV1, 2), "{name}");
        assert_eq!(read.id_of_symbol("TNMD"), Some("ENSG00000000005"), "{name}");
    }
}

#[test]
fn medians_may_be_of_single_precision() {
    let read = import(&files("tokens_protocol_4.pkl", Some("medians_float32.pkl"), None), None).unwrap();
    assert_eq!(read.genes()[0].median, Some(f64::from(2.001861_f32)));
}

#[test]
fn maps_of_every_form_are_the_same() {
    let open = |name| GeneMap::open(&specimen(name)).unwrap();
    let pickle = open("symbols.pkl");
    assert_eq!(pickle.pairs().len(), 3);
    assert_eq!((open("symbols.json").pairs(), open("symbols.tsv").pairs()), (pickle.pairs(), pickle.pairs()));
    let turned: Vec<_> = open("symbols.csv.gz").pairs().iter().map(|(a, b)| (b.clone(), a.clone())).collect();
    assert_eq!(turned, pickle.pairs());
}

#[test]
fn files_that_are_no_dictionary() {
    refused("bad_truncated.pkl", "damaged pickle at byte 78: it ends early");
    refused("bad_evil.pkl", "refused pickle global `posix.system`");
    refused("bad_object.pkl", "refused pickle global `numpy._core.multiarray._reconstruct`");
    refused("bad_list.pkl", "the pickle holds something else than a dictionary");
    refused("bad_gzip.tsv.gz", "truncated or damaged gzip file");
    refused(
        "bad_pointer.pkl",
        "is a Git LFS pointer, not the file itself: it stands for Geneformer V2's gene_median_dictionary_gc104M.pkl of \
         1512661 bytes; `git lfs pull` fetches it",
    );
    let path = specimen("nothing.pkl");
    let message = dictionary::open(&path).unwrap_err().to_string();
    assert_eq!(message, format!("failed to open file `{}`: No such file or directory (os error 2)", path.display()));
}

#[test]
fn files_in_the_wrong_role() {
    let refused = |tokens, medians, symbols| {
        let message = import(&files(tokens, medians, symbols), None).unwrap_err().to_string();
        message.replace(&format!("{}/", specimen("").display().to_string().trim_end_matches('/')), "")
    };
    assert_eq!(
        refused("medians.pkl", None, None),
        "medians.pkl: `ENSG00000000003` has no token, but the number 2.001861"
    );
    assert_eq!(
        refused("vocab.txt", Some("symbols.pkl"), None),
        "symbols.pkl: `TSPAN6` has no median, but the text `ENSG00000000003`"
    );
    assert_eq!(
        refused("vocab.txt", None, Some("medians.pkl")),
        "medians.pkl: `ENSG00000000003` has no id, but the number 2.001861"
    );
}

#[test]
fn genes_without_a_median_do_not_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.txt");
    fs_err::write(&tokens, "<pad>\nENSG00000000003\nENSG00000000419\nENSG00000000457\n").unwrap();
    let files = ferrome_cell::vocabulary::Files { tokens: tokens.clone(), ..files("", Some("medians.pkl"), None) };
    assert_eq!(
        import(&files, None).unwrap_err().to_string(),
        format!(
            "{}: has no median for 2 of the 3 genes of {} (first `ENSG00000000419`): these files do not belong together",
            specimen("medians.pkl").display(),
            tokens.display()
        )
    );
}

#[test]
fn tokens_without_medians_are_scgpts_and_get_its_special_tokens() {
    let read = import(&files("tokens_protocol_4.pkl", None, None), None).unwrap();
    assert_eq!(read.style(), Style::ScGpt);
    assert_eq!([read.special("<pad>"), read.special("<cls>"), read.special("<eoc>")], [Some(0), Some(4), Some(5)]);
    let message = import(&files("vocab.txt", None, None), Some(Style::GeneformerV1)).unwrap_err().to_string();
    assert!(message.ends_with("vocab.txt: geneformer-v1 also needs its medians (--medians FILE)"), "{message}");
}

#[test]
fn dictionary_in_the_place_of_a_vocabulary() {
    let path = specimen("symbols.json");
    assert_eq!(
        Vocabulary::open(&path).unwrap_err().to_string(),
        format!(
            "{}: is no vocabulary of ferrome: missing field `format` at line 5 column 1; `ferrome cell vocabulary import` \
             makes one from published dictionaries",
            path.display()
        )
    );
}
