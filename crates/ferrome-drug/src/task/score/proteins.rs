use ferrome_core::engine::Rejection;
use ferrome_core::fingerprint::Fingerprint;
use hashbrown::HashMap;

use super::lanes;
use crate::inputs::{Rows, illegal_residue};

/// The proteins of a table of pairs, each once.
pub(super) struct Proteins<'a> {
    /// Identity, row of numbers and sequence.
    unique: Vec<(u128, Vec<f32>, &'a [u8])>,
    /// `[rows]`: a place in `unique`, or why there is none.
    pub(super) of_row: Vec<Result<usize, Rejection>>,
}

impl<'a> Proteins<'a> {
    pub(super) fn new(targets: &'a [(String, Option<String>)], rows: Option<&Rows>) -> Self {
        // The id matters only where embeddings are looked up by it.
        let by_id = rows.is_some_and(|rows| rows.table_width().is_some());
        let mut known: HashMap<(&str, &str), Result<usize, Rejection>> = HashMap::new();
        let (mut unique, mut of_row) = (Vec::new(), Vec::new());
        for (id, sequence) in targets {
            let sequence = sequence.as_deref().unwrap_or_default();
            let key = (if by_id { id.as_str() } else { "" }, sequence);
            let found = known.entry(key).or_insert_with(|| {
                let row = protein_row(id, sequence, rows)?;
                let identity = Fingerprint::new().field(key.0.as_bytes()).field(sequence.as_bytes()).finish();
                unique.push((identity, row, sequence.as_bytes()));
                Ok(unique.len() - 1)
            });
            of_row.push(found.clone());
        }
        Self { unique, of_row }
    }

    pub(super) fn unique(&self) -> Vec<(u128, &[f32], &[u8])> {
        self.unique.iter().map(|(identity, row, sequence)| (*identity, row.as_slice(), *sequence)).collect()
    }
}

fn protein_row(id: &str, sequence: &str, rows: Option<&Rows>) -> Result<Vec<f32>, Rejection> {
    let rejected = |kind: &str, reason: String| Rejection { kind: kind.to_owned(), reason };
    check_target(sequence.as_bytes()).map_err(|reason| rejected("target that is no protein", reason))?;
    lanes::row(rows, id, sequence.as_bytes()).map_err(|reason| rejected("target without an embedding", reason))
}

/// Refuses what is no protein, in one sentence.
pub(super) fn check_target(sequence: &[u8]) -> Result<(), String> {
    match illegal_residue(sequence) {
        Some((letter, place)) => Err(format!("residue {place} of the target, `{letter}`, is not an amino-acid letter")),
        None if sequence.is_empty() => Err("the target has no sequence".to_owned()),
        None => Ok(()),
    }
}
