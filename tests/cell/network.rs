//! `ferrome cell network`: two tables, whatever the edges are read off. What they say is tested beside the code, on networks that
//! are planted in small models.

use crate::support::place::Place;
use crate::support::scgpt;

const MODEL: &str = "golden/cell/scgpt_torch";

fn place() -> Place {
    let place = Place::new();
    scgpt::write_tokens(&place.path("t.parquet"), 40);
    place
}

#[test]
fn embeddings_of_all_genes() {
    let place = place();
    let said = place.done(&format!("cell network -m {MODEL} -o out --neighbours 3 --device cpu"));
    assert!(said.contains("30 genes: ") && said.contains(" modules in ") && said.ends_with("-> out\n"), "{said}");
    let edges = place.table("out/edges.parquet");
    assert_eq!(edges.columns(), ["condition", "source", "target", "weight", "rank", "control_rank", "cells"]);
    assert!(edges.rows() >= 45, "{}", edges.rows());
    assert!(edges.texts("source").iter().all(|gene| gene.starts_with("GENE")));
    let modules = place.table("out/modules.parquet");
    assert_eq!(modules.columns(), ["condition", "gene", "module", "genes"]);
    assert_eq!(modules.rows(), 30);
}

#[test]
fn attention_of_conditions_against_a_control() {
    let place = place();
    let options = "--condition disease --control healthy --edges 20 --min-cells 3 --device cpu --threads 2";
    let said = place.done(&format!("cell network t.parquet -m {MODEL} -o out {options} --format csv"));
    assert!(said.contains("30 genes, 40 cells: sick: 20 edges, "), "{said}");
    let edges = place.text("out/edges.csv");
    assert_eq!(edges.lines().count(), 21);
    let columns: Vec<f64> =
        edges.lines().nth(1).unwrap().split(',').skip(3).map(|number| number.parse().unwrap()).collect();
    assert!((columns[0] - (columns[1] - columns[2])).abs() < 1e-9 && columns[3] >= 3.0, "{columns:?}");
    // The same again, cell by cell instead of many together.
    place.done(&format!("cell network t.parquet -m {MODEL} -o again {options} --format csv --batch-tokens 1"));
    let again = place.text("again/edges.csv");
    let pairs = |text: &str| -> Vec<String> {
        text.lines().skip(1).map(|line| line.split(',').take(3).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(pairs(&edges), pairs(&again));
    assert_eq!(place.text("out/modules.csv"), place.text("again/modules.csv"));
}

#[test]
fn genes_of_a_list() {
    let place = place();
    place.write("genes.txt", "GENE3\nGENE7\n\nGENE11\nTP53\n");
    let said = place.done(&format!("cell network -m {MODEL} -o out --gene-list genes.txt --device cpu --format csv"));
    assert!(said.starts_with("gene list: 1 of 4 names are no genes of the model, such as `TP53`\n3 genes: "), "{said}");
}

#[test]
fn what_cannot_be_is_refused() {
    let place = place();
    let refused = |options: &str| place.run(&format!("cell network {options} --device cpu")).refusal();
    assert_eq!(refused(&format!("-m {MODEL} -o o --from attention")), "--from attention needs TOKENS");
    assert_eq!(
        refused(&format!("t.parquet -m {MODEL} -o o --condition illness")),
        "there is no obs column `illness`; nearest: `disease`"
    );
    assert_eq!(
        refused(&format!("t.parquet -m {MODEL} -o o --condition disease --control well")),
        "t.parquet: no cell of the condition `well`; there are `healthy`, `sick`"
    );
    assert_eq!(refused(&format!("t.parquet -m {MODEL} -o o --layer 9")), "no block 9: the model has blocks 1 to 3");
    place.write("one.txt", "GENE1\n");
    assert_eq!(refused(&format!("-m {MODEL} -o o --gene-list one.txt")), "a network needs two genes, found 1");
    place.write("taken/file", "x");
    assert_eq!(
        refused(&format!("-m {MODEL} -o taken")),
        "taken: exists already; pass --overwrite to replace it, or choose another name"
    );
}
