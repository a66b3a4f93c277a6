//! `ferrome cell perturb`: what bad input gets, and a killed screen goes on. Numbers are compared in
//! `tests/python/test_cell_perturb.py`.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;

use crate::support::killed::wait_for;
use crate::support::place::Place;

const COMMON: &str = "--vocabulary v1.json -o out.parquet";

/// A vocabulary of 38 genes, `ENSG…002` to `ENSG…039`, the first three with symbols.
fn vocabulary(style: &str, specials: &[&str]) -> String {
    let first = specials.len();
    let id = |token: usize| format!("ENSG{token:011}");
    let specials = specials.iter().enumerate().map(|(i, name)| (i, (*name).to_owned()));
    let names: Vec<(usize, String)> = specials.chain((first..40).map(|token| (token, id(token)))).collect();
    let tokens: Vec<String> = names.iter().map(|(token, name)| format!("\"{name}\": {token}")).collect();
    let listed: Vec<String> = names[..first].iter().map(|(_, name)| format!("\"{name}\"")).collect();
    format!(
        r#"{{"format": "ferrome vocabulary 1", "style": "{style}", "special_tokens": [{}], "tokens": {{{}}},
            "symbols": {{"ABC1": "{}", "ABC2": "{}", "XYZ": "{}"}}, "sources": []}}"#,
        listed.join(", "),
        tokens.join(", "),
        id(10),
        id(11),
        id(39)
    )
}

fn tokens(place: &Place, name: &str, cells: &[&[i32]]) {
    let lists = cells.iter().map(|cell| Some(cell.iter().copied().map(Some)));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    let ids: ArrayRef = Arc::new((0..cells.len()).map(|i| Some(format!("c{i}"))).collect::<StringArray>());
    let states: ArrayRef = Arc::new((0..cells.len()).map(|i| Some(["A", "B"][i % 2])).collect::<StringArray>());
    let table = RecordBatch::try_from_iter([("input_ids", lists), ("cell_id", ids), ("state", states)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
    place.write(name, bytes);
}

/// Three cells, one of which lacks gene 10 and one of which is empty.
fn place() -> Place {
    let place = Place::new();
    place.write("v1.json", vocabulary("geneformer-v1", &["<pad>", "<mask>"]));
    place.write("v2.json", vocabulary("geneformer-v2", &["<pad>", "<mask>", "<cls>", "<eos>"]));
    tokens(&place, "t.parquet", &[&[10, 11, 12, 13, 14], &[14, 12, 11], &[], &[10, 20, 30]]);
    place
}

fn run(line: &str) -> String {
    format!("cell perturb t.parquet -m golden/cell/geneformer_v1 {line}")
}

#[test]
fn rows_genes_and_plot_lie_side_by_side() {
    let place = place();
    let said = place.done(&run(&format!("{COMMON} --delete ABC1,ENSG00000000012.7 --random 2")));
    for part in [
        "`ENSG00000000010` (ABC1): 1 of 3 cells do not have it and are left out",
        "`ENSG00000000012`: 1 of 3 cells do not have it and are left out",
        "11 perturbations of 4 cells (delete)",
        "1 rejected (too few genes, first `c2`)",
        "2 genes, compared with 6 perturbations of random genes -> out.genes.csv, out.svg",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let table = place.table("out.parquet");
    assert_eq!(
        table.columns(),
        ["cell_id", "gene", "symbol", "rank", "random", "cosine", "error"],
        "columns of a screen without states"
    );
    let genes = table.strings("gene");
    assert_eq!(genes[0].as_deref(), Some("ENSG00000000010"));
    assert_eq!(table.strings("symbol")[0].as_deref(), Some("ABC1"));
    let rejected = table.strings("cell_id").iter().position(|cell| cell.as_deref() == Some("c2")).unwrap();
    assert_eq!(genes[rejected], None);
    assert!(table.errors()[rejected].as_deref().unwrap().starts_with("has fewer than two genes"));
    assert!(place.text("out.genes.csv").starts_with("gene,symbol,cells,cosine,shift,z,p,fdr\n"));
    assert!(place.text("out.svg").starts_with("<svg"));
    assert_eq!(
        place.run(&run(&format!("{COMMON} --delete ABC1"))).refusal().split(": ").next().unwrap(),
        "out.parquet"
    );
}

#[test]
fn rows_that_are_done_only_get_their_genes() {
    let place = place();
    let line = run(&format!("{COMMON} --delete all"));
    place.done(&line);
    let (rows, genes) = (place.read("out.parquet"), place.text("out.genes.csv"));
    fs_err::remove_file(place.path("out.genes.csv")).unwrap();
    place.done(&line);
    assert!(place.read("out.parquet") == rows && place.text("out.genes.csv") == genes);
}

#[test]
fn killed_screen_goes_on_to_the_same_bytes() {
    let place = place();
    let cells: Vec<Vec<i32>> = (0..400).map(|i| (0..30).map(|g| 2 + (g * 7 + i) % 38).collect()).collect();
    tokens(&place, "t.parquet", &cells.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let line =
        |out: &str| run(&format!("--vocabulary v1.json --overexpress all --batch-tokens 64 -o {out} --threads 1"));
    place.done(&line("whole.parquet"));
    let mut child = place.start(&line("killed.parquet"));
    wait_for(&place.path("killed.parquet.run/part-00000.parquet"), &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.path("killed.parquet").exists());
    let said = place.done(&line("killed.parquet"));
    assert!(said.contains("rows were done before"), "{said}");
    assert!(place.read("killed.parquet") == place.read("whole.parquet"));
    assert_eq!(place.text("killed.genes.csv"), place.text("whole.genes.csv"));
}

#[test]
fn cells_that_are_too_long_are_no_cells_without_the_gene() {
    let place = place();
    let long: Vec<i32> = (5..29).cycle().take(600).collect();
    tokens(&place, "long.parquet", &[&long, &long]);
    let told = place.run(
        "cell perturb long.parquet -m golden/cell/geneformer_v1 --vocabulary v1.json --delete all -o x.parquet --quiet",
    );
    let told = told.refusal();
    let expected = "none of the 2 cells can be perturbed, the first: cell `c0`: 600 tokens are more than the model's";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn what_cannot_be_perturbed_is_one_line() {
    let place = place();
    let refused = |line: &str| place.run(&run(line)).refusal();
    let states = "--states state --start A --goal";
    for (line, expected) in [
        ("--delete ABC3", "`ABC3` is no gene of the vocabulary; nearest: `ABC1`, `ABC2`, `XYZ`"),
        ("--delete XYZ", "none of the 3 cells has `ENSG00000000039` (XYZ)"),
        (&format!("--delete all {states} C"), "no cell has `C` in the column `state`; there are `A`, `B`"),
        (
            &format!("--delete all {states} A"),
            "the state `A` is given twice: --start, --goal and --alternative must differ",
        ),
        ("--delete all --states stat --start A --goal B", "there is no obs column `stat`; nearest: `state`"),
        ("--delete all --measure cls", "--measure cls needs <cls>, which the vocabulary (geneformer-v1) does not have"),
        ("--delete all --together", "--together needs a list of genes, not all"),
        ("--delete ABC1 --anchor ABC1", "`ABC1` names no gene beside the anchor"),
        ("--delete @no.txt", "failed to open file `no.txt`: No such file or directory (os error 2)"),
    ] {
        let found = refused(&format!("{COMMON} {line}"));
        assert!(found.starts_with(expected), "{line}: {found}");
    }
    assert!(
        refused("--vocabulary v1.json --delete all -o out.csv").starts_with("out.csv: rows of a screen need .parquet")
    );
    assert_eq!(place.names("."), ["golden", "specimens", "t.parquet", "v1.json", "v2.json"]);
}

#[test]
fn tokens_of_another_vocabulary_are_named() {
    let place = place();
    let v2 = place.run(&run("--vocabulary v2.json --delete all -o out.parquet")).refusal();
    assert_eq!(
        v2,
        "t.parquet: cell `c0` (row 1): the first token is 10, expected 2 (<cls>): were the tokens made for another style?"
    );
    tokens(&place, "t.parquet", &[&[10, 11, 99]]);
    let unknown = place.run(&run(&format!("{COMMON} --delete all"))).refusal();
    assert_eq!(
        unknown,
        "t.parquet: cell `c0` (row 1): token 99 is no gene of the vocabulary: were the tokens made with another one?"
    );
    tokens(&place, "t.parquet", &[&[11; 41], &[10, 11]]);
    place.done(&run(&format!("{COMMON} --delete all")));
    assert_eq!(
        place.table("out.parquet").errors()[0].as_deref(),
        Some("41 tokens are more than the model's 40 positions")
    );
}
