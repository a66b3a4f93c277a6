//! Every FASTA specimen through the binary: its rows, or its message.

use crate::support::place::Place;

/// A specimen with its records, or with its message.
fn expected(place: &Place) -> Vec<(String, Result<usize, String>)> {
    let table = place.text("specimens/expected.tsv");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        (cells[0].to_owned(), cells[1].parse().map_err(|_| format!("specimens/{}", cells[3])))
    };
    table.lines().skip(1).map(row).collect()
}

#[test]
fn every_valid_specimen_is_read() {
    let place = Place::new();
    let valid: Vec<(String, usize)> =
        expected(&place).into_iter().filter_map(|(file, found)| Some((file, found.ok()?))).collect();
    let inputs: Vec<String> = valid.iter().map(|(file, _)| format!("specimens/{file}")).collect();
    place.embed(&format!("{} -m golden/esm2_hf_hub --layers 0 -o out.parquet", inputs.join(" ")));
    place.embed("specimens/plain.fasta -m golden/esm2_hf_hub --layers 0 -o plain.parquet");
    let (all, plain) = (place.table("out.parquet"), place.table("plain.parquet"));
    assert_eq!(all.rows(), valid.iter().map(|(_, records)| records).sum::<usize>());
    let (ids, vectors, mut first, mut same) = (all.ids(), all.numbers("embedding"), 0, 0);
    for (file, records) in valid {
        let rows = first..first + records;
        first += records;
        if ids[rows.clone()] == plain.ids() && file != "star_inside.fasta" {
            assert_eq!(vectors[rows], plain.numbers("embedding"), "{file}");
            same += 1;
        }
    }
    assert!(same > 10, "only {same} files with the three proteins");
    let rejected: Vec<String> = all.errors().into_iter().flatten().collect();
    assert!(rejected.iter().any(|reason| reason.starts_with("`*` at residue 9 ")), "{rejected:?}");
    assert!(rejected.contains(&"sequence is empty".to_owned()));
}

#[test]
fn every_invalid_specimen_has_its_message() {
    let place = Place::new();
    for (file, found) in expected(&place) {
        let Err(message) = found else { continue };
        assert_eq!(place.refused(&format!("specimens/{file} -m golden/esm2_hf_hub -o out.csv")), message);
    }
    assert_eq!(place.names("."), ["golden", "specimens"]);
}
