//! `ferrome drug featurize`.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{UInt8Type, UInt16Type};

use crate::support::place::Place;

const LIBRARY: &str = "\
CC(=O)Oc1ccccc1C(=O)O aspirin
C()C bad
[H]C([H])([H])N(=O)=O nitromethane
F(C)C valence
c1cccc1 aromatic
\tnothing
CC(=O)Oc1ccccc1C(=O)O aspirin again
CC(=O)[O-].[Na+]
";

fn place() -> Place {
    let place = Place::new();
    place.write("in.smi", LIBRARY);
    place
}

fn refused(line: &str) -> String {
    place().run(&format!("drug featurize {line}")).refusal()
}

#[test]
fn every_row_is_written_with_its_columns_or_its_reason() {
    let place = place();
    let summary = place.done("drug featurize in.smi -o out.parquet --what ecfp4,scaffold,descriptors,atoms");
    assert!(summary.starts_with("8 rows: "), "{summary}");
    let table = place.table("out.parquet");
    assert_eq!(
        table.columns(),
        [
            "id",
            "smiles",
            "canonical_smiles",
            "scaffold",
            "ecfp4",
            "molecular_weight",
            "logp",
            "tpsa",
            "qed",
            "donors",
            "acceptors",
            "rotatable_bonds",
            "rings",
            "aromatic_rings",
            "atoms",
            "error"
        ]
    );
    assert_eq!(table.ids(), ["aspirin", "bad", "nitromethane", "valence", "aromatic", "nothing", "aspirin", "8"]);
    let text = |column: &str| table.strings(column);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(text("smiles")[2], some("[H]C([H])([H])N(=O)=O"));
    assert_eq!(text("canonical_smiles")[2], some("C[N+](=O)[O-]"));
    assert_eq!(text("scaffold")[..3], [some("c1ccccc1"), None, some("")]);
    assert_eq!(
        table.errors(),
        [
            None,
            some("position 3: expected an atom or a bond, found `)`"),
            None,
            some("atom 1 has more bonds than its element allows"),
            some("no double bonds can be placed in the aromatic system of atoms 1, 2, 3, 4, 5"),
            some("the molecule has no atoms"),
            None,
            None,
        ]
    );
}

#[test]
fn atoms_and_bits_are_lists_in_input_order() {
    let place = place();
    place.done("drug featurize in.smi -o out.parquet");
    let table = place.table("out.parquet").0;
    let bits = table.column_by_name("ecfp4").unwrap().as_list::<i32>().clone();
    assert!(bits.is_null(1) && bits.is_valid(2));
    assert_eq!(bits.value(0).as_primitive::<UInt16Type>().values()[..3], [389, 456, 650]);
    let atoms = table.column_by_name("atoms").unwrap().as_list::<i32>().value(2);
    let atoms = atoms.as_struct();
    let column = |name: &str| atoms.column_by_name(name).unwrap().as_primitive::<UInt8Type>().values().to_vec();
    assert_eq!(column("element"), [6, 7, 8, 8]);
    assert_eq!(column("total_hydrogens"), [3, 0, 0, 0]);
    assert_eq!(column("degree"), [1, 3, 1, 1]);
}

#[test]
fn standardisation_takes_salts_and_charges_away() {
    let place = place();
    place.done("drug featurize in.smi -o out.csv --what canonical --standardize largest-fragment,neutralize");
    assert_eq!(place.text("out.csv").lines().last(), Some("8,CC(=O)[O-].[Na+],CC(=O)O,"));
}

#[test]
fn same_table_from_every_kind_of_file() {
    let place = Place::new();
    place.write("a.smi", "CCO ethanol\nc1ccncc1 pyridine\n");
    place.write("a.csv", "name,SMILES\nethanol,CCO\npyridine,c1ccncc1\n");
    place.write("a.tsv", "smiles\tname\nCCO\tethanol\nc1ccncc1\tpyridine\n");
    for file in ["a.smi", "a.csv --id-column name", "a.tsv --id-column name"] {
        place.done(&format!("drug featurize {file} -o out.parquet --overwrite"));
        let table = place.table("out.parquet");
        assert_eq!(table.ids(), ["ethanol", "pyridine"], "{file}");
        assert_eq!(table.strings("canonical_smiles"), [Some("CCO".to_owned()), Some("c1ccncc1".to_owned())], "{file}");
    }
    place.done("drug featurize out.parquet -o again.parquet --smiles-column canonical_smiles");
    assert_eq!(place.table("again.parquet").ids(), ["ethanol", "pyridine"]);
}

#[test]
fn strict_stops_at_the_first_bad_row() {
    let ended = place().run("drug featurize in.smi -o out.parquet --strict");
    assert!(ended.refusal().contains("position 3: expected an atom or a bond, found `)`"), "{}", ended.stderr);
}

#[test]
fn whole_file_in_trouble_is_one_line() {
    assert_eq!(
        refused("none.smi -o out.parquet"),
        "failed to open file `none.smi`: No such file or directory (os error 2)"
    );
    assert_eq!(
        refused("in.xyz -o out.parquet"),
        "in.xyz: unknown suffix `.xyz`; expected .smi, .csv, .tsv, .parquet or .sdf (.gz behind it for gzip)"
    );
    let place = Place::new();
    place.write("a.csv", "id,canonical_smiles\n1,C\n");
    assert_eq!(
        place.run("drug featurize a.csv -o out.parquet").refusal(),
        "a.csv: no column `smiles`; columns, nearest first: `canonical_smiles`, `id`; choose with --smiles-column"
    );
}
