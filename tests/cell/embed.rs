//! `ferrome cell embed`: the numbers are those of transformers, and every cell of the input keeps its row.

use safetensors::SafeTensors;

use crate::support::geneformer::{self, cells, write_tokens, write_tokens_and_values};
use crate::support::killed::wait_for;
use crate::support::place::Place;
use crate::support::root;
use crate::support::table::{Table, difference};

const TOLERANCE: f32 = 1e-5;

/// A golden file of `tests/golden/cell`.
struct Golden(Vec<u8>);

impl Golden {
    fn read(place: &Place, name: &str) -> Self {
        Self(place.read(format!("golden/cell/{name}.golden.safetensors")))
    }

    fn scgpt(place: &Place, name: &str) -> Self {
        Self(place.read(format!("golden/cell/{name}/golden.safetensors")))
    }

    fn numbers(&self, name: &str) -> Option<(Vec<f32>, usize)> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let view = file.tensor(name).ok()?;
        let numbers = view.data().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        Some((numbers, *view.shape().last().unwrap()))
    }

    fn cells(&self) -> Vec<Option<Vec<i32>>> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tokens = |i: usize| {
            let view = file.tensor(&format!("tokens.{i}")).ok()?;
            let eight = view.data().chunks_exact(8);
            Some(Some(eight.map(|eight| i64::from_le_bytes(eight.try_into().unwrap()) as i32).collect()))
        };
        (0..).map_while(tokens).collect()
    }
}

fn mean(numbers: &[f32], width: usize) -> Vec<f32> {
    let rows = numbers.len() / width;
    let sum = |column: usize| numbers.iter().skip(column).step_by(width).map(|&x| f64::from(x)).sum::<f64>();
    (0..width).map(|column| (sum(column) / rows as f64) as f32).collect()
}

fn embed(place: &Place, options: &str) -> Table {
    place.done(&format!("cell embed t.parquet -o out.parquet --overwrite --quiet --device cpu {options}"));
    place.table("out.parquet")
}

fn refused(place: &Place, options: &str) -> String {
    place.run(&format!("cell embed t.parquet -o no.parquet --quiet --device cpu {options}")).refusal()
}

#[test]
fn vectors_are_those_of_transformers() {
    for (name, checkpoints, blocks, framed) in [
        ("geneformer_v1", &["geneformer_v1"][..], 3, 0),
        (
            "geneformer_v2",
            &["geneformer_v2", "geneformer_bin", "geneformer_encoder", "geneformer_classifier"][..],
            2,
            1,
        ),
    ] {
        let place = Place::new();
        let golden = Golden::read(&place, name);
        write_tokens(&place.path("t.parquet"), &golden.cells());
        for checkpoint in checkpoints {
            let model = format!("-m golden/cell/{checkpoint}");
            for (layer, number) in [("last", blocks), ("second-to-last", blocks - 1), ("0", 0)] {
                let column = |pool: &str| embed(&place, &format!("{model} --pool {pool} --layer {layer}")).embeddings();
                for (i, found) in column("mean").into_iter().enumerate() {
                    let (all, width) = golden.numbers(&format!("layer.{number}.{i}")).unwrap();
                    let genes = &all[framed * width..all.len() - framed * width];
                    let off = difference(&found, &mean(genes, width));
                    assert!(off <= TOLERANCE, "{checkpoint}: mean of layer {layer} of cell {i} is off by {off:e}");
                }
                for (i, found) in column("gene").into_iter().enumerate() {
                    let (all, width) = golden.numbers(&format!("layer.{number}.{i}")).unwrap();
                    let off = difference(&found, &all[framed * width..all.len() - framed * width]);
                    assert!(off <= TOLERANCE, "{checkpoint}: genes of layer {layer} of cell {i} are off by {off:e}");
                }
                if framed == 1 {
                    for (i, found) in column("cls").into_iter().enumerate() {
                        let (all, width) = golden.numbers(&format!("layer.{number}.{i}")).unwrap();
                        let off = difference(&found, &all[..width]);
                        assert!(off <= TOLERANCE, "{checkpoint}: <cls> of layer {layer} of cell {i} is off by {off:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn vectors_of_scgpt_are_those_of_its_embed_data() {
    for model in ["scgpt_flash", "scgpt_torch"] {
        let place = Place::new();
        let golden = Golden::scgpt(&place, model);
        let values: Vec<Vec<f32>> = (0..).map_while(|i| Some(golden.numbers(&format!("values.{i}"))?.0)).collect();
        write_tokens_and_values(&place.path("t.parquet"), &golden.cells(), Some(&values));
        let table = embed(&place, &format!("-m golden/cell/{model}"));
        for (i, (found, error)) in table.numbers("embedding").into_iter().zip(table.errors()).enumerate() {
            let (expected, _) = golden.numbers(&format!("unit.{i}")).unwrap();
            let off = difference(&found.unwrap_or_else(|| panic!("{error:?}")), &expected);
            assert!(off <= TOLERANCE, "{model}: cell {i} is off by {off:e}");
        }
        write_tokens(&place.path("t.parquet"), &golden.cells());
        assert_eq!(
            refused(&place, &format!("-m golden/cell/{model}")),
            "t.parquet: holds no `values`; scgpt, whose model it is, takes one for each token"
        );
    }
}

#[test]
fn columns_are_as_scripts_rely_on_them() {
    let place = Place::new();
    let golden = Golden::read(&place, "geneformer_v2");
    write_tokens(&place.path("t.parquet"), &golden.cells());
    let table = embed(&place, "-m golden/cell/geneformer_v2 --obs cell_type=kind");
    assert_eq!(table.columns(), ["cell_id", "length", "kind", "embedding", "error"]);
    assert_eq!(table.kind("embedding"), "FixedSizeList(24 x Float32)");
    assert_eq!(table.texts("kind")[..3], ["B", "T", "B"]);
    assert_eq!(table.texts("cell_id")[..2], ["c0", "c1"]);
    assert_eq!(table.lengths(), golden.cells().iter().flatten().map(|cell| cell.len() as i64).collect::<Vec<_>>());
    // EmbExtractor's defaults: <cls> of the second-to-last layer, where the model has it.
    assert_eq!(table.embeddings(), embed(&place, "-m golden/cell/geneformer_v2 --pool cls --layer 1").embeddings());
    assert_eq!(
        table.embeddings(),
        embed(&place, "-m golden/cell/geneformer_v2 --layer -1 --compat geneformer").embeddings()
    );
    let genes = embed(&place, "-m golden/cell/geneformer_v2 --pool gene");
    assert_eq!(genes.columns(), ["cell_id", "length", "tokens", "embedding", "error"]);
    let first = golden.cells()[0].clone().unwrap();
    assert_eq!(genes.integers_of("tokens", 0), first[1..first.len() - 1]);
}

#[test]
fn cells_that_cannot_be_computed_keep_their_rows() {
    let place = Place::new();
    geneformer::write(&place.path("model"), 30_000, 16);
    let rows = vec![Some(vec![5, 6]), None, Some(vec![]), Some((4..40).collect()), Some(vec![9])];
    write_tokens(&place.path("t.parquet"), &rows);
    let table = embed(&place, "-m model");
    assert_eq!(
        table.errors(),
        [
            None,
            Some("`input_ids` is null".to_owned()),
            Some("has no tokens: no gene of the vocabulary".to_owned()),
            Some("36 tokens are more than the model's 16 positions: see --long truncate".to_owned()),
            None
        ]
    );
    let vectors: Vec<bool> = table.numbers("embedding").iter().map(Option::is_some).collect();
    assert_eq!(vectors, [true, false, false, false, true]);
    let cut = embed(&place, "-m model --long truncate").numbers("embedding")[3].clone().unwrap();
    write_tokens(&place.path("t.parquet"), &[Some((4..20).collect())]);
    assert_eq!(embed(&place, "-m model").embeddings(), [cut]);
    write_tokens(&place.path("t.parquet"), &rows);
    assert_eq!(
        refused(&place, "-m model --strict"),
        "record `c1`: `input_ids` is null (--strict stops at the first rejected record)"
    );
}

#[test]
fn tokens_of_another_vocabulary_or_style_are_named() {
    let place = Place::new();
    geneformer::write(&place.path("small"), 30, 16);
    geneformer::write(&place.path("v1"), 25_426, 16);
    geneformer::write(&place.path("v2"), 20_275, 16);
    write_tokens(&place.path("t.parquet"), &[Some(vec![5, 6]), Some(vec![7, 30])]);
    assert_eq!(
        refused(&place, "-m small"),
        "t.parquet: row 2: cell `c1`: the token 30 is none of the model's 30: tokens of another vocabulary"
    );
    assert_eq!(
        refused(&place, "-m v2"),
        "t.parquet: no cell begins with `<cls>` (2): these are no tokens of geneformer-v2, which the model takes"
    );
    assert_eq!(
        refused(&place, "-m v1 --pool cls"),
        "--pool cls needs `<cls>`, which the cells of v1 do not have (Geneformer V1): choose mean or gene"
    );
    write_tokens(&place.path("t.parquet"), &[Some(vec![2, 6, 3]), Some(vec![2, 9, 7, 3])]);
    assert_eq!(
        refused(&place, "-m v1"),
        "t.parquet: every cell begins with 2 and ends with 3 (`<cls>` and `<eos>` of geneformer-v2); the model takes \
         geneformer-v1"
    );
    embed(&place, "-m v2");
    write_tokens_and_values(&place.path("t.parquet"), &[Some(vec![5])], Some(&[vec![1.0]]));
    assert_eq!(refused(&place, "-m v1"), "t.parquet: holds tokens of the style scgpt; the model takes geneformer-v1");
}

#[test]
fn bad_input_gets_one_line() {
    let place = Place::new();
    geneformer::write(&place.path("model"), 30, 16);
    write_tokens(&place.path("t.parquet"), &[Some(vec![5, 6])]);
    assert_eq!(refused(&place, "-m model --layer 3"), "no layer 3: the model has 0 (the embedding) to 2 (the last)");
    assert_eq!(refused(&place, "-m model --obs cell_typ"), "there is no obs column `cell_typ`; nearest: `cell_type`");
    assert_eq!(
        refused(&place, "-m model --matrix raw/X"),
        "t.parquet: holds tokens; --matrix and --n-counts are for cells"
    );
    let h5ad = place.run("cell embed t.parquet -m model -o x.h5ad --quiet").refusal();
    assert_eq!(h5ad, "x.h5ad: is a copy of the input, which must be an h5ad; choose .parquet, .npy or a folder for -o");
    fs_err::remove_file(place.path("model/config.json")).unwrap();
    assert_eq!(
        refused(&place, "-m model"),
        "model: no config.json beside the weights; expected a Hugging Face folder (config.json and weights)"
    );
    let misspelt = refused(&place, "-m Geneformer-V0");
    assert!(misspelt.ends_with("; did you mean `Geneformer-V1-10M`?"), "{misspelt}");
    let unknown = refused(&place, "-m qwertyuiop");
    let end = "; `ferrome model list` shows the names that are known; or give a folder";
    assert!(unknown.ends_with(end), "{unknown}");
}

#[test]
fn genes_have_their_names_beside_their_vectors() {
    let place = Place::new();
    geneformer::write(&place.path("model"), 6, 16);
    write_tokens(&place.path("t.parquet"), &[Some(vec![5, 2]), Some(vec![3])]);
    let vocabulary = |style: &str| {
        let (ids, quoted): (Vec<String>, Vec<String>) =
            (2..6).map(|token| (format!("\"ENSG{token:011}\": {token}"), format!("\"ENSG{token:011}\": 1.0"))).unzip();
        format!(
            r#"{{"format": "ferrome vocabulary 1", "style": "{style}", "special_tokens": ["<pad>", "<mask>"],
                "tokens": {{"<pad>": 0, "<mask>": 1, {}}}, "medians": {{{}}}, "symbols": {{"TP53": "ENSG00000000005"}}}}"#,
            ids.join(", "),
            quoted.join(", ")
        )
    };
    place.write("v1.json", vocabulary("geneformer-v1"));
    let table = embed(&place, "-m model --pool gene --vocabulary v1.json");
    assert_eq!(table.columns(), ["cell_id", "length", "tokens", "genes", "symbols", "embedding", "error"]);
    assert_eq!(
        table.texts_of("genes", 0),
        [Some("ENSG00000000005"), Some("ENSG00000000002")].map(|id| id.map(String::from))
    );
    assert_eq!(table.texts_of("symbols", 0), [Some("TP53".to_owned()), None]);
    assert_eq!(table.texts_of("genes", 1), [Some("ENSG00000000003".to_owned())]);
    // Without a vocabulary tokens are all that is known; other pools have no genes to name.
    let columns = |options: &str| embed(&place, options).columns();
    assert_eq!(columns("-m model --pool gene"), ["cell_id", "length", "tokens", "embedding", "error"]);
    assert_eq!(columns("-m model --pool mean --vocabulary v1.json"), ["cell_id", "length", "embedding", "error"]);
    place.write("scgpt.json", vocabulary("scgpt"));
    assert_eq!(
        refused(&place, "-m model --pool gene --vocabulary scgpt.json"),
        "scgpt.json: is a vocabulary of the style scgpt; the model takes Geneformer"
    );
}

#[test]
fn result_does_not_depend_on_batches_and_threads() {
    let place = Place::new();
    geneformer::write(&place.path("model"), 300, 64);
    write_tokens(&place.path("t.parquet"), &cells(200, 300, 60));
    let whole = embed(&place, "-m model --layer last").embeddings();
    for options in ["--batch-tokens 1", "--batch-tokens 500 --threads 1", "--threads 3"] {
        let found = embed(&place, &format!("-m model --layer last {options}")).embeddings();
        for (row, (found, whole)) in found.iter().zip(&whole).enumerate() {
            let off = difference(found, whole);
            assert!(off <= TOLERANCE, "{options}: row {row} is off by {off:e}");
        }
    }
}

#[test]
fn killed_run_goes_on_and_gives_the_same_bytes() {
    let place = Place::new();
    geneformer::write(&place.path("model"), 300, 64);
    write_tokens(&place.path("t.parquet"), &cells(6000, 300, 60));
    let line =
        |output: &str| format!("cell embed t.parquet -m model -o {output} --quiet --device cpu --batch-tokens 256");
    place.done(&line("whole.parquet"));
    let mut child = place.start(&line("out.parquet"));
    wait_for(&place.path("out.parquet.run/part-00000.parquet"), &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    place.done(&line("out.parquet"));
    assert!(place.read("out.parquet") == place.read("whole.parquet"));
}

#[test]
fn cells_are_tokenized_on_the_way() {
    let place = Place::new();
    let specimen = root().join("tests/specimens/cells/csc.h5ad");
    fs_err::copy(&specimen, place.path("cells.h5ad")).unwrap();
    place.done("cell vocabulary build cells.h5ad -o v.json");
    let vocabulary: serde_json::Value = serde_json::from_slice(&place.read("v.json")).unwrap();
    let tokens = vocabulary["tokens"].as_object().unwrap().len();
    geneformer::write(&place.path("model"), tokens, 64);
    let style = vocabulary["style"].as_str().unwrap();
    place.done(&format!("cell tokenize cells.h5ad --style {style} --vocabulary v.json -o t.parquet --quiet"));
    let by_tokens = embed(&place, "-m model");
    place.done("cell embed cells.h5ad -m model --vocabulary v.json -o direct.parquet --quiet --device cpu");
    let direct = place.table("direct.parquet");
    assert_eq!(direct.numbers("embedding"), by_tokens.numbers("embedding"));
    assert_eq!(direct.texts("cell_id"), by_tokens.texts("cell_id"));
    assert_eq!(direct.errors(), by_tokens.errors());
    // The vocabulary beside the weights needs no flag.
    fs_err::copy(place.path("v.json"), place.path("model/vocabulary.json")).unwrap();
    place.done("cell embed cells.h5ad -m model -o direct.parquet --overwrite --quiet --device cpu");
    assert_eq!(place.table("direct.parquet").numbers("embedding"), by_tokens.numbers("embedding"));
}

#[test]
fn h5ad_output_is_a_copy_that_appears_whole() {
    let place = Place::new();
    fs_err::copy(root().join("tests/specimens/cells/csc.h5ad"), place.path("cells.h5ad")).unwrap();
    place.done("cell vocabulary build cells.h5ad -o v.json");
    let vocabulary: serde_json::Value = serde_json::from_slice(&place.read("v.json")).unwrap();
    geneformer::write(&place.path("model"), vocabulary["tokens"].as_object().unwrap().len(), 64);
    let before = place.read("cells.h5ad");
    let line = "cell embed cells.h5ad -m model --vocabulary v.json -o out.h5ad --quiet --device cpu";
    place.done(line);
    assert!(place.read("cells.h5ad") == before);
    let names: Vec<String> = place.names(".").into_iter().filter(|name| name.contains("out")).collect();
    assert_eq!(names, ["out.h5ad"]);
    assert_eq!(place.run(line).message().split(';').next().unwrap(), "out.h5ad: exists already");
    // What the copy holds besides is what the input holds.
    place.done("cell convert cells.h5ad -o first --quiet");
    place.done("cell convert out.h5ad -o second --quiet");
    assert_eq!(place.table("first/cells").0.columns(), place.table("second/cells").0.columns());
}
