//! What bad input gets from `ferrome drug score`.

use super::score::{numbers, place};

/// What RDKit refuses, and the reason that the row gets.
const REFUSED: [(&str, &str); 9] = [
    ("C11C", "position 3: ring 1 joins an atom to itself"),
    (".C", "position 1: expected an atom, found `.`"),
    ("C..C", "position 3: expected an atom, found `.`"),
    ("C-(C)", "position 3: expected an atom or a ring number, found `(`"),
    ("C()C", "position 3: expected an atom or a bond, found `)`"),
    ("CC=(CO)C", "position 4: expected an atom or a ring number, found `(`"),
    ("[123456789012345678C]", "position 2: the number is too large"),
    ("", "the molecule has no atoms"),
    ("C(C)(C)(C)(C)C", "atom 1 has more bonds than its element allows"),
];

#[test]
fn what_rdkit_refuses_keeps_its_row_with_the_reason() {
    let place = place();
    let rows: String = REFUSED.iter().enumerate().map(|(n, (smiles, _))| format!("{smiles},m{n}\n")).collect();
    place.write("bad.csv", format!("smiles,id\n{rows}CCO,good\n"));
    for model in ["m", "m --tier fast"] {
        place.done(&format!("drug score bad.csv --targets targets.fasta -m {model} -o out.parquet --overwrite"));
        let table = place.table("out.parquet");
        let (errors, scores) = (table.errors(), numbers(&table, "score"));
        for (n, (smiles, reason)) in REFUSED.iter().enumerate() {
            assert_eq!((errors[2 * n].as_deref(), scores[2 * n]), (Some(*reason), None), "{smiles}");
        }
        assert!(scores[18].is_some() && errors[19].is_none());
        assert_eq!(table.strings("smiles")[4], Some("C..C".into()));
    }
}

#[test]
fn wrong_columns_are_told_with_the_nearest_names() {
    let place = place();
    place.write("lib.csv", "ID,SMILE\n1,C\n");
    place.write("pairs.tsv", "smile\tsequence\nC\tMK\n");
    place.write("targets.csv", "id,seq\na,MK\n");
    let line = |line: &str| place.run(&format!("drug score {line} -m m -o out.parquet")).refusal();
    assert_eq!(
        line("lib.csv --targets targets.fasta"),
        "lib.csv: no column `smiles`; columns, nearest first: `SMILE`, `ID`; choose with --smiles-column"
    );
    assert_eq!(
        line("--pairs pairs.tsv"),
        "pairs.tsv: no column `smiles`; columns, nearest first: `smile`, `sequence`; choose with --smiles-column"
    );
    assert_eq!(
        line("in.smi --targets targets.csv"),
        "targets.csv: no column `sequence`; columns, nearest first: `seq`, `id`"
    );
}

#[test]
fn checkpoints_of_cell_models_are_told() {
    let place = place();
    fs_err::create_dir(place.path("geneformer")).unwrap();
    place.write("geneformer/config.json", r#"{"architectures": ["BertForMaskedLM"], "model_type": "bert"}"#);
    let refusal = place.run("drug score in.smi --targets targets.fasta -m geneformer -o out.parquet").refusal();
    assert_eq!(refusal, "geneformer/config.json: expected a model of kind `drug-target`, found one of kind `bert`");
}

#[test]
fn targets_come_from_tables_too() {
    let place = place();
    let line = "drug score in.smi -m m --tier fast";
    place.done(&format!("{line} --targets targets.fasta -o fasta.csv"));
    let rows = super::score::TARGETS.map(|(id, sequence)| format!("{sequence},{id}\n")).concat();
    for (name, id, comma) in [("t.csv", "target_id", ','), ("t.tsv", "id", '\t')] {
        place.write(name, format!("sequence,{id}\n{rows}").replace(',', &comma.to_string()));
        place.done(&format!("{line} --targets {name} -o table.csv --overwrite"));
        assert_eq!(place.text("table.csv"), place.text("fasta.csv"), "{name}");
    }
}

#[test]
fn statistics_say_what_means_something() {
    let place = place();
    let keys = |line: &str| -> Vec<String> {
        place.done(&format!("{line} --stats stats.json --quiet"));
        let stats: serde_json::Value = serde_json::from_str(&place.text("stats.json")).unwrap();
        assert!(stats["load_seconds"].is_null() || stats["load_seconds"].as_f64().unwrap() > 0.0);
        stats.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        keys("drug featurize in.smi -o f.parquet"),
        ["peak_rss_bytes", "resumed_rows", "rows", "run_seconds", "tokens", "unique"]
    );
    let expected = "kept load_seconds molecules peak_rss_bytes rescored resumed_rows rows run_seconds scored";
    assert_eq!(keys("drug score in.smi --targets targets.fasta -m m -o s.parquet").join(" "), expected);
}
