//! Whether a checkpoint computes what others published for it.
//!
//! The published numbers are data, `goldens.json`: slices of logits and representations from the tests of transformers (ESM-2
//! 8M, which rounds them to four decimals) and of bio_embeddings (ESM-1b, ESM-1v 1; its tests allow 1e-3 of the number).

mod golden;

use tch::Kind;

pub use golden::{Golden, What, parse, published};

use crate::{
    Error, Result,
    model::{Batch, Esm},
    tokenize::{framed, residues},
};

/// How far a checkpoint is from published numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// How many numbers were compared.
    pub numbers: usize,
    /// The largest difference.
    pub difference: f32,
    /// The largest difference relative to what is allowed for that number; above 1 the numbers do not hold.
    pub share: f32,
}

impl Compared {
    /// Whether every number is as close as it should be. A number that is none is not.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.share <= 1.0
    }
}

/// Computes what a golden is about, one sequence alone, and compares it.
///
/// # Errors
///
/// The golden does not fit the model: a token or a column that it does not have; or the device has no room.
pub fn compare(esm: &Esm, golden: &Golden) -> Result<Compared> {
    let _no_grad = tch::no_grad_guard();
    let (tokens, first) = golden.tokens()?;
    let batch = Batch::new(&[&tokens], esm.config(), esm.device())?;
    let last = esm.forward(&batch, esm.config().num_hidden_layers, |_, _| Ok(()))?;
    let computed = if golden.what == What::Logits { esm.logits(&last)? } else { last };
    let (rows, columns) = computed.size2()?;
    let flat = Vec::<f32>::try_from(computed.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?)?;
    let width = usize::try_from(columns).unwrap_or_default();
    let mut compared = Compared { numbers: 0, difference: 0.0, share: 0.0 };
    for (i, row) in golden.expected.iter().enumerate() {
        let found = flat.chunks_exact(width.max(1)).nth(first + i).and_then(|found| found.get(..row.len()));
        let found = found.ok_or_else(|| {
            golden.unfit(format!("row {i} has {} numbers, and the model gives {rows} rows of {width}", row.len()))
        })?;
        for (&expected, &found) in row.iter().zip(found) {
            compared.take(expected, found, golden);
        }
    }
    Ok(compared)
}

impl Compared {
    fn take(&mut self, expected: f32, found: f32, golden: &Golden) {
        let difference = (expected - found).abs();
        let share = difference / (golden.absolute + golden.relative * expected.abs());
        self.numbers += 1;
        // Not `max`, which would pass over a number that is none.
        if difference.is_nan() || difference > self.difference {
            self.difference = difference;
        }
        if share.is_nan() || share > self.share {
            self.share = share;
        }
    }
}

impl Golden {
    // The tokens of the input, and the first of them that has a row.
    fn tokens(&self) -> Result<(Vec<u8>, usize)> {
        match (&self.tokens, &self.sequence) {
            (Some(tokens), None) => match tokens.iter().find(|&&token| token > 32) {
                Some(token) => Err(self.unfit(format!("token {token} is not one of the 33"))),
                None => Ok((tokens.clone(), 0)),
            },
            (None, Some(sequence)) => {
                let residues = residues(sequence.as_bytes()).map_err(|reason| self.unfit(reason.to_string()))?;
                Ok((framed(&residues), 1))
            }
            _ => Err(self.unfit("has both or neither of `tokens` and `sequence`".to_owned())),
        }
    }

    fn unfit(&self, reason: String) -> Error {
        Error::Config { source_name: format!("goldens of {}", self.source), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(absolute: f32) -> Golden {
        let text = r#"[{"what": "logits", "sequence": "MK", "expected": [[1]], "absolute": 1, "relative": 0, "source": "me"}]"#;
        let golden = parse(text, "x").unwrap().remove(0);
        Golden { absolute, ..golden }
    }

    #[test]
    fn largest_difference_counts_and_what_is_no_number_never_holds() {
        let mut compared = Compared { numbers: 0, difference: 0.0, share: 0.0 };
        for (expected, found) in [(1.0, 1.25), (2.0, 1.5), (3.0, 3.0)] {
            compared.take(expected, found, &golden(1.0));
        }
        assert_eq!((compared.numbers, compared.difference, compared.share, compared.holds()), (3, 0.5, 0.5, true));
        for (expected, found) in [(1.0, f32::NAN), (1.0, 1.0)] {
            compared.take(expected, found, &golden(1.0));
        }
        assert!(!compared.holds() && compared.difference.is_nan());
    }

    #[test]
    fn tolerance_is_what_a_difference_is_measured_by() {
        let mut compared = Compared { numbers: 0, difference: 0.0, share: 0.0 };
        compared.take(1.0, 1.5, &golden(0.25));
        assert_eq!((compared.share, compared.holds()), (2.0, false));
    }
}
