use hashbrown::HashMap;

use super::Embeddings;
use crate::baseline::{KmerIndex, alignment_scores, smith_waterman};
use crate::checkpoint::RowKind;
use crate::{Error, Result};

/// A protein that others are compared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference {
    /// Its id.
    pub id: String,
    /// Its residues.
    pub sequence: Vec<u8>,
    /// Its embedding, where the model looks at one.
    pub embedding: Option<Vec<f32>>,
}

/// Makes the row of numbers of a protein.
#[derive(Debug)]
pub struct Rows {
    parts: Vec<Part>,
    /// In order of length, which is the order of the alignments.
    by_length: Vec<usize>,
    references: Vec<Reference>,
    /// References by sequence.
    known: HashMap<Vec<u8>, usize>,
    table: Option<Embeddings>,
}

#[derive(Debug)]
enum Part {
    Kmer {
        index: KmerIndex,
    },
    /// The root of each reference's score with itself.
    SmithWaterman {
        own: Vec<f64>,
    },
    Table {
        width: usize,
    },
}

impl Rows {
    /// Compares with `references`, as `kinds` says.
    #[must_use]
    pub fn new(kinds: &[RowKind], references: Vec<Reference>) -> Self {
        let mut by_length: Vec<usize> = (0..references.len()).collect();
        by_length.sort_by_key(|&i| references[i].sequence.len());
        let parts = kinds.iter().map(|kind| match *kind {
            RowKind::Kmer { k } => {
                let sequences: Vec<&[u8]> = references.iter().map(|reference| reference.sequence.as_slice()).collect();
                Part::Kmer { index: KmerIndex::new(&sequences, k) }
            }
            RowKind::SmithWaterman => {
                Part::SmithWaterman { own: references.iter().map(|reference| own(&reference.sequence)).collect() }
            }
            RowKind::Table { width } => Part::Table { width },
        });
        let parts = parts.collect();
        let known = references.iter().enumerate().map(|(i, reference)| (reference.sequence.clone(), i)).collect();
        Self { parts, by_length, references, known, table: None }
    }

    /// Looks embeddings up in `table`; those of references are known without it.
    ///
    /// # Errors
    ///
    /// The table's vectors have another width than the model's.
    pub fn with_table(mut self, table: Embeddings) -> Result<Self> {
        let Some(expected) = self.table_width() else {
            return Err(Error::file(table.path(), "the model looks at no embeddings of proteins"));
        };
        if table.width() != expected {
            let found = table.width();
            return Err(Error::file(
                table.path(),
                format!("column `embedding`: vectors of {found} numbers, the model expects {expected}"),
            ));
        }
        self.table = Some(table);
        Ok(self)
    }

    /// Numbers of an embedding, where the model looks at one.
    #[must_use]
    pub fn table_width(&self) -> Option<usize> {
        self.parts.iter().find_map(|part| if let Part::Table { width } = part { Some(*width) } else { None })
    }

    /// Numbers of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        let widths = self.parts.iter().map(|part| match part {
            Part::Table { width } => *width,
            Part::Kmer { .. } | Part::SmithWaterman { .. } => self.references.len(),
        });
        widths.sum()
    }

    /// The proteins that others are compared with.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The row of the protein `id`; case does not matter in `sequence`.
    ///
    /// # Errors
    ///
    /// It has no embedding, in one sentence.
    pub fn row(&self, id: &str, sequence: &[u8]) -> Result<Vec<f32>, String> {
        let sequence = sequence.to_ascii_uppercase();
        let mut row = Vec::with_capacity(self.width());
        for part in &self.parts {
            match part {
                Part::Kmer { index } => row.extend(index.row(&sequence)),
                Part::SmithWaterman { own } => row.extend(self.alignments(&sequence, own)),
                Part::Table { .. } => row.extend_from_slice(self.embedding(id, &sequence)?),
            }
        }
        Ok(row)
    }

    fn alignments(&self, sequence: &[u8], own: &[f64]) -> Vec<f32> {
        let sorted: Vec<&[u8]> = self.by_length.iter().map(|&i| self.references[i].sequence.as_slice()).collect();
        let itself = self::own(sequence);
        let mut row = vec![0.0; sorted.len()];
        for (&place, score) in self.by_length.iter().zip(alignment_scores(sequence, &sorted)) {
            let both = itself * own[place];
            row[place] = if both > 0.0 { (score / both) as f32 } else { 0.0 };
        }
        row
    }

    fn embedding(&self, id: &str, sequence: &[u8]) -> Result<&[f32], String> {
        let reference = || self.references.get(*self.known.get(sequence)?)?.embedding.as_deref();
        let found = self.table.as_ref().and_then(|table| table.get(id)).or_else(reference);
        found.ok_or_else(|| match &self.table {
            Some(table) => format!("{} has no embedding of `{id}`", table.path().display()),
            None => {
                format!("no embedding of `{id}`: make a table with `ferrome protein embed` and give it as --embeddings")
            }
        })
    }
}

/// The root of a sequence's score with itself: without a residue that lowers it, the sum of what each adds.
fn own(sequence: &[u8]) -> f64 {
    let mut each = [0; 256];
    for letter in 0..=u8::MAX {
        each[usize::from(letter)] = smith_waterman(&[letter], &[letter]);
    }
    let scores = || sequence.iter().map(|&letter| each[usize::from(letter)]);
    let whole = if scores().all(|score| score > 0) { scores().sum() } else { smith_waterman(sequence, sequence) };
    f64::from(whole).sqrt()
}

/// The first letter of a sequence that is no amino acid, and its place counted from 1; case aside, `B`, `O`, `U`, `X` and
/// `Z` are amino acids.
///
/// ```
/// use ferrome_drug::inputs::illegal_residue;
/// assert_eq!(illegal_residue(b"MKxtU"), None);
/// assert_eq!(illegal_residue(b"MK-T"), Some(('-', 3)));
/// ```
#[must_use]
pub fn illegal_residue(sequence: &[u8]) -> Option<(char, usize)> {
    let illegal = |letter: &u8| !matches!(letter.to_ascii_uppercase(), b'A'..=b'I' | b'K'..=b'Z');
    let place = sequence.iter().position(illegal)?;
    sequence.get(place).map(|&letter| (char::from(letter), place + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{kmer_similarities, similarity_matrix};

    fn references() -> Vec<Reference> {
        let protein = |(i, sequence): (usize, &&[u8])| Reference {
            id: i.to_string(),
            sequence: sequence.to_vec(),
            embedding: Some(vec![i as f32, 1.0]),
        };
        SEQUENCES.iter().enumerate().map(protein).collect()
    }

    const SEQUENCES: [&[u8]; 3] = [b"MKTAYXXIAKQRMKTA", b"MSEQNN", b"AKQRMKTWY"];

    #[test]
    fn rows_are_the_similarities_of_the_baselines() {
        let kinds = [RowKind::SmithWaterman, RowKind::Kmer { k: 2 }, RowKind::Table { width: 2 }];
        let rows = Rows::new(&kinds, references());
        assert_eq!((rows.width(), rows.table_width()), (8, Some(2)));
        let (aligned, counted) = (similarity_matrix(&SEQUENCES), kmer_similarities(&SEQUENCES, &SEQUENCES, 2));
        for (i, sequence) in SEQUENCES.iter().enumerate() {
            let row = rows.row("unknown", &sequence.to_ascii_lowercase()).unwrap();
            for j in 0..3 {
                assert!((f64::from(row[j]) - aligned.at(i, j)).abs() < 1e-6, "{i} {j}");
                assert!((row[3 + j] - counted[3 * i + j]).abs() < 1e-6, "{i} {j}");
            }
            assert_eq!(row[6..], [i as f32, 1.0]);
        }
    }

    #[test]
    fn protein_without_an_embedding_is_told() {
        let rows = Rows::new(&[RowKind::Table { width: 2 }], references());
        assert_eq!(
            rows.row("p", b"MMM").unwrap_err(),
            "no embedding of `p`: make a table with `ferrome protein embed` and give it as --embeddings"
        );
    }
}
