//! Every checkpoint of `tests/golden` through the binary, against what fair-esm and transformers compute from it.

use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::place::Place;
use crate::support::table::{Table, difference, mean};

const TOLERANCE: f32 = 1e-5;

/// One line of `cases.json` with the values that belong to it.
struct Golden {
    checkpoint: String,
    layers: usize,
    width: usize,
    bytes: Vec<u8>,
}

impl Golden {
    fn all(place: &Place) -> Vec<Self> {
        let cases: Value = serde_json::from_slice(&place.read("golden/cases.json")).unwrap();
        let golden = |case: &Value| Self {
            checkpoint: case["checkpoint"].as_str().unwrap().to_owned(),
            layers: case["layers"].as_u64().unwrap() as usize,
            width: case["width"].as_u64().unwrap() as usize,
            bytes: place.read(format!("golden/{}", case["golden"].as_str().unwrap())),
        };
        let all: Vec<Self> = cases.as_array().unwrap().iter().map(golden).collect();
        assert!(all.len() >= 10);
        all
    }

    /// A tensor's numbers, where it is there.
    fn tensor(&self, name: &str) -> Option<Vec<f32>> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = file.tensor(name).ok()?;
        Some(view.data().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect())
    }

    /// Layer `layer` of sequence `i` without `<cls>` and `<eos>`.
    fn residues(&self, name: &str, width: usize) -> Option<Vec<f32>> {
        let all = self.tensor(name)?;
        Some(all[width..all.len() - width].to_vec())
    }

    fn embed(&self, place: &Place, options: &str) -> Table {
        place.embed(&format!(
            "in.fasta -m golden/{} -o out.parquet --overwrite --device cpu {options}",
            self.checkpoint
        ));
        place.table("out.parquet")
    }

    fn compare(&self, table: &Table, column: &str, expected: impl Fn(usize) -> Option<Vec<f32>>) -> usize {
        let mut compared = 0;
        for (i, found) in table.numbers(column).into_iter().enumerate() {
            let Some(expected) = expected(i) else { continue };
            let off = difference(&found.unwrap(), &expected);
            assert!(off <= TOLERANCE, "{}: {column} of sequence {i} is off by {off:e}", self.checkpoint);
            compared += 1;
        }
        compared
    }
}

fn place() -> Place {
    let place = Place::new();
    let text = place.text("golden/sequences.tsv");
    let records: Vec<(&str, &str)> =
        text.lines().filter_map(|line| line.split_once('\t')?.1.split_once('\t')).collect();
    assert_eq!(records.len(), 7);
    place.fasta("in.fasta", &records);
    place
}

#[test]
fn means_of_every_layer_and_logits() {
    let place = place();
    for golden in Golden::all(&place) {
        let layers: Vec<String> = (0..=golden.layers).map(|layer| layer.to_string()).collect();
        let table = golden.embed(&place, &format!("--layers {} --logits", layers.join(",")));
        assert_eq!(table.lengths(), [65, 63, 65, 63, 30, 5, 300]);
        for layer in &layers {
            let compared =
                golden.compare(&table, &format!("embedding_{layer}"), |i| golden.tensor(&format!("mean.{layer}.{i}")));
            assert!(compared >= 6, "{}: only {compared} means of layer {layer}", golden.checkpoint);
        }
        assert_eq!(table.kind("logits"), "List(FixedSizeList(33 x Float32))");
        let compared = golden.compare(&table, "logits", |i| golden.residues(&format!("logits.{i}"), 33));
        assert_eq!(compared, 7, "{}", golden.checkpoint);
    }
}

#[test]
fn residues_max_and_cls() {
    let place = place();
    for golden in Golden::all(&place) {
        let (last, d) = (golden.layers, golden.width);
        let name = |i: usize| format!("layer.{last}.{i}");
        let table = golden.embed(&place, "--pool residue");
        assert_eq!(table.kind("embedding"), format!("List(FixedSizeList({d} x Float32))"));
        assert_eq!(golden.compare(&table, "embedding", |i| golden.residues(&name(i), d)), 7);
        let table = golden.embed(&place, "--pool cls");
        assert_eq!(golden.compare(&table, "embedding", |i| Some(golden.tensor(&name(i))?[..d].to_vec())), 7);
        let table = golden.embed(&place, "--pool max --layers 0,-1");
        let highest = |rows: Vec<f32>| -> Vec<f32> {
            (0..d).map(|column| rows.iter().skip(column).step_by(d).copied().fold(f32::MIN, f32::max)).collect()
        };
        let compared =
            golden.compare(&table, &format!("embedding_{last}"), |i| golden.residues(&name(i), d).map(highest));
        assert_eq!(compared, 7);
    }
}

/// One residue at a time and all together say the same.
#[test]
fn mean_is_the_mean_of_the_residues() {
    let place = place();
    let golden = &Golden::all(&place)[0];
    let residues = golden.embed(&place, "--pool residue --layers 1");
    let means = golden.embed(&place, "--layers 1");
    for (rows, vector) in residues.embeddings().iter().zip(means.embeddings()) {
        assert!(difference(&mean(rows, golden.width), &vector) <= TOLERANCE);
    }
}
