//! The numbers of a protein depend on nothing that is computed beside it, and hardly on the dtype.

use crate::support::inputs::proteins;
use crate::support::place::Place;
use crate::support::table::{Table, cosine, difference};

const MODELS: [&str; 3] = ["esm2_fair/esm2_t2_tiny.pt", "esm2_hf", "esm1b_hf"];

fn embed(place: &Place, input: &str, model: &str, options: &str) -> Table {
    place.embed(&format!("{input} -m golden/{model} -o out.parquet --overwrite --device cpu {options}"));
    place.table("out.parquet")
}

fn assert_same(found: &[Vec<f32>], expected: &[Vec<f32>], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = difference(found, expected);
        assert!(off <= 1e-5, "{what}: row {row} is off by {off:e}");
    }
}

#[test]
fn alone_with_others_and_in_any_batch() {
    let place = Place::new();
    let some: Vec<_> = proteins(60).into_iter().filter(|(_, sequence)| !sequence.ends_with('J')).collect();
    place.fasta("all.fasta", &some);
    for model in MODELS {
        let expected = embed(&place, "all.fasta", model, "--batch-tokens 4096").embeddings();
        for options in ["--batch-tokens 1", "--batch-tokens 300", "--batch-tokens 100000 --threads 1", "--threads 3"] {
            let found = embed(&place, "all.fasta", model, options).embeddings();
            assert_same(&found, &expected, &format!("{model} {options}"));
        }
        for row in [0, 16, 33] {
            place.fasta("alone.fasta", &some[row..=row]);
            let found = embed(&place, "alone.fasta", model, "").embeddings();
            assert_same(&found, &expected[row..=row], &format!("{model}, row {row} alone"));
        }
        let backwards: Vec<_> = some.iter().rev().cloned().collect();
        place.fasta("backwards.fasta", &backwards);
        let mut found = embed(&place, "backwards.fasta", model, "--batch-tokens 500").embeddings();
        found.reverse();
        assert_same(&found, &expected, &format!("{model} backwards"));
    }
}

#[test]
fn bf16_keeps_the_direction() {
    let place = Place::new();
    place.fasta("in.fasta", &proteins(60));
    for model in MODELS {
        let vectors = |dtype: &str| embed(&place, "in.fasta", model, &format!("--dtype {dtype}")).numbers("embedding");
        let pairs = vectors("f32").into_iter().flatten().zip(vectors("bf16").into_iter().flatten());
        let cosines: Vec<f64> = pairs.map(|(f32, bf16)| cosine(&f32, &bf16)).collect();
        let least = cosines.iter().copied().fold(f64::MAX, f64::min);
        eprintln!("{model}: smallest cosine of bf16 and f32 {least:.6}");
        assert!(cosines.len() == 60 && least >= 0.999, "{model}: {least}");
    }
}
