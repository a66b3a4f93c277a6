//! Proteins longer than ESM-1b's position table.

use crate::support::inputs::Random;
use crate::support::place::Place;
use crate::support::table::{difference, mean};

const WIDTH: usize = 24;
const MODEL: &str = "-m golden/esm1b_hf --device cpu";

/// A protein of 1,100 residues, and pieces of it.
fn place() -> Place {
    let place = Place::new();
    let long = Random(3).protein(1100);
    place.fasta("long.fasta", &[("short", &long[..50]), ("long", &long), ("most", &long[..1022])]);
    place.fasta("pieces.fasta", &[("first", &long[..1022]), ("last", &long[78..]), ("hundred", &long[..100])]);
    place
}

fn residues(place: &Place, line: &str) -> Vec<Option<Vec<f32>>> {
    place.embed(&format!("{line} {MODEL} --pool residue -o residues.parquet --overwrite"));
    place.table("residues.parquet").numbers("embedding")
}

/// What lies in both windows is averaged.
fn averaged(first: &[f32], last: &[f32], start: usize) -> Vec<f32> {
    let residues = start + last.len() / WIDTH;
    let mut sums = vec![(0.0_f64, 0.0_f64); residues * WIDTH];
    for (offset, window) in [(0, first), (start, last)] {
        for (n, number) in window.iter().enumerate() {
            let cell = &mut sums[offset * WIDTH + n];
            *cell = (cell.0 + f64::from(*number), cell.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| (sum / count) as f32).collect()
}

#[test]
fn error_is_the_default_and_says_the_choices() {
    let place = place();
    for choice in ["", "--long error"] {
        let summary = place.embed(&format!("long.fasta {MODEL} -o out.parquet --overwrite {choice}"));
        let expected = "3 rows: 2 computed, 1 rejected (too long for the model, see --long, first `long`); ";
        assert!(summary.starts_with(expected), "{summary}");
        let table = place.table("out.parquet");
        let reason = "1100 residues are more than the model's 1022: choose --long truncate or --long window";
        assert_eq!(table.errors(), [None, Some(reason.to_owned()), None]);
        assert_eq!(table.lengths(), [50, 1100, 1022]);
    }
    let strict = place.refused(&format!("long.fasta {MODEL} -o strict.parquet --strict"));
    assert!(strict.starts_with("record `long`: 1100 residues are more than the model's 1022: "), "{strict}");
}

#[test]
fn truncate_computes_the_first_residues() {
    let place = place();
    let pieces = residues(&place, "pieces.fasta");
    let whole = residues(&place, "long.fasta --long truncate");
    assert_eq!(whole[1], pieces[0]);
    assert_eq!(whole[1], whole[2]);
    let hundred = residues(&place, "long.fasta --long truncate --window 100");
    assert!(difference(hundred[1].as_ref().unwrap(), pieces[2].as_ref().unwrap()) <= 1e-5);
    place.embed(&format!("long.fasta {MODEL} --long truncate -o out.parquet"));
    assert_eq!(place.table("out.parquet").lengths(), [50, 1100, 1022]);
}

#[test]
fn windows_overlap_and_are_averaged() {
    let place = place();
    let pieces: Vec<_> = residues(&place, "pieces.fasta").into_iter().map(Option::unwrap).collect();
    let expected = averaged(&pieces[0], &pieces[1], 78);
    assert_eq!(expected.len(), 1100 * WIDTH);
    let found = residues(&place, "long.fasta --long window");
    assert!(difference(found[1].as_ref().unwrap(), &expected) <= 1e-5);
    // What fits into one window is computed as a whole.
    assert_eq!(found[2].as_ref(), Some(&pieces[0]));

    place.embed(&format!("long.fasta {MODEL} --long window -o mean.parquet --logits"));
    let table = place.table("mean.parquet");
    assert!(difference(&table.embeddings()[1], &mean(&expected, WIDTH)) <= 1e-5);
    assert_eq!(table.numbers("logits")[1].as_ref().map(Vec::len), Some(1100 * 33));
}

/// ESM-2 takes any length; windows are for whoever wants them.
#[test]
fn esm2_computes_the_whole_sequence() {
    let place = place();
    let summary = place.embed("long.fasta -m golden/esm2_hf -o whole.parquet");
    assert!(summary.starts_with("3 rows: 3 computed; 2178 tokens in "), "{summary}");
    place.embed("long.fasta -m golden/esm2_hf -o windows.parquet --long window --window 200 --overlap 50");
    let (whole, windows) = (place.table("whole.parquet"), place.table("windows.parquet"));
    assert_eq!(whole.embeddings()[0], windows.embeddings()[0]);
    assert!(difference(&whole.embeddings()[1], &windows.embeddings()[1]) > 1e-5);
}
