use arrow::array::StringArray;
use ferrome_cell::{
    cells::Genes,
    genes::{GeneMap, Matching, Options},
    tokenize::Style,
    vocabulary::{Files, Vocabulary, dictionary, import},
};

use super::shared;

const V1: &str = "geneformer_dicts/geneformer";

fn v1() -> Option<Vocabulary> {
    let file = |name: &str| shared(&format!("{V1}/{name}.pkl"));
    let files = Files {
        tokens: file("token_dictionary")?,
        medians: file("gene_median_dictionary"),
        symbols: file("gene_name_id_dict"),
        former_ids: None,
    };
    Some(import(&files, None).unwrap())
}

#[test]
fn geneformer_v1_is_recognised_and_whole() {
    let Some(read) = v1() else { return };
    assert_eq!((read.style(), read.genes().len(), read.specials().len()), (Style::GeneformerV1, 25_424, 2));
    let sources: Vec<String> = read.sources().iter().map(ToString::to_string).collect();
    assert_eq!(
        sources,
        [
            "tokens: token_dictionary.pkl is Geneformer V1's token_dictionary_gc30M.pkl (sha256 verified)",
            "medians: gene_median_dictionary.pkl is Geneformer V1's gene_median_dictionary_gc30M.pkl (sha256 verified)",
            "symbols: gene_name_id_dict.pkl is Geneformer V1's gene_name_id_dict_gc30M.pkl (sha256 verified)",
        ]
    );
    let mut medians: Vec<f64> = read.genes().iter().filter_map(|gene| gene.median).collect();
    medians.sort_by(f64::total_cmp);
    assert!((medians[0] - 0.0947).abs() < 1e-4 && (medians[25_423] - 634.3).abs() < 0.1, "{medians:?}");
    assert!(((medians[12_711] + medians[12_712]) / 2.0 - 2.733).abs() < 1e-3);
    assert_eq!(read.genes().iter().filter(|gene| gene.id.starts_with("ENSGR")).count(), 19);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v1.json");
    read.save(&path).unwrap();
    assert_eq!(Vocabulary::open(&path).unwrap().fingerprint(), read.fingerprint());
}

#[test]
fn scgpt_gets_its_special_tokens_behind_the_census() {
    let Some(tokens) = shared("scgpt_vocab/default_census_vocab.json") else { return };
    let read = import(&Files { tokens, ..Files::default() }, None).unwrap();
    assert_eq!((read.style(), read.genes().len()), (Style::ScGpt, 60_694));
    let specials = ["<pad>", "<cls>", "<eoc>"].map(|name| read.special(name));
    assert_eq!(specials, [Some(60_694), Some(60_695), Some(60_696)]);
    assert!(read.sources()[0].to_string().ends_with("is scGPT's default_census_vocab.json (sha256 verified)"));
}

#[test]
fn published_files_of_two_models_are_refused() {
    let (Some(tokens), Some(medians)) =
        (shared("scgpt_vocab/default_gene_vocab.json"), shared(&format!("{V1}/gene_median_dictionary.pkl")))
    else {
        return;
    };
    let message = import(&Files { tokens, medians: Some(medians.clone()), ..Files::default() }, None).unwrap_err();
    assert_eq!(
        message.to_string(),
        format!(
            "{}: is Geneformer V1's gene_median_dictionary_gc30M.pkl, which does not belong to scGPT's \
             default_gene_vocab.json",
            medians.display()
        )
    );
}

#[test]
fn current_human_and_mouse_genes() {
    let (Some(v1), Some(human), Some(mouse)) = (
        v1(),
        shared("gene_tables_cellxgene/genes_homo_sapiens.csv.gz"),
        shared("gene_tables_cellxgene/genes_mus_musculus.csv.gz"),
    ) else {
        return;
    };
    let ids = |path| dictionary::open(path).unwrap().entries.into_iter().map(|(id, _)| id).collect::<Vec<String>>();
    let matching = |names: &[String], options: &Options| {
        let versioned: StringArray = names.iter().map(|name| Some(format!("{name}.7"))).collect();
        Matching::new(&Genes::from_ids(versioned), &v1, options).unwrap()
    };
    let human_ids = ids(&human);
    let found = matching(&human_ids, &Options::default());
    assert_eq!((human_ids.len(), found.statistics.direct), (78_894, 22_029));
    // A third of the columns, but most of the vocabulary.
    found.check(None).unwrap();
    let found = matching(&ids(&mouse), &Options::default());
    assert_eq!(found.statistics.matched(), 0);
    assert!(found.check(None).unwrap_err().to_string().contains("most frequent unmatched: `ENSMUSG"));

    // scGPT knows symbols: the same table leads from ids to them.
    let Some(tokens) = shared("scgpt_vocab/default_census_vocab.json") else { return };
    let scgpt = import(&Files { tokens, ..Files::default() }, None).unwrap();
    let options = Options { map: Some(GeneMap::open(&human).unwrap()), ..Options::default() };
    let names: StringArray = human_ids.iter().map(Some).collect();
    let found = Matching::new(&Genes::from_ids(names), &scgpt, &options).unwrap();
    assert!(found.statistics.by_map > 30_000, "{}", found.statistics);
}
