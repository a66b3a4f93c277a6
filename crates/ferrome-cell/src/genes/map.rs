use std::path::Path;

use ferrome_core::fingerprint::Fingerprint;

use crate::vocabulary::dictionary::{self, Scalar};
use crate::{Error, Result};

/// Pairs of names for the same gene, such as symbol and Ensembl id, in either order.
#[derive(Clone, Debug, Default)]
pub struct GeneMap {
    pairs: Vec<(String, String)>,
}

impl GeneMap {
    /// Reads `.tsv`, `.csv`, `.json` or a pickle, plain or gzip, told apart by their content.
    ///
    /// A table may have a header; its columns are then found by their names (`gene_id`, `feature_name` and the like), and
    /// are the first two otherwise. JSON and pickles hold one object of texts.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<Self> {
        let mut pairs = Vec::new();
        for (name, value) in dictionary::open(path)?.entries {
            match value {
                Scalar::Text(other) => pairs.push((name, other)),
                // Some databases number their genes.
                Scalar::Int(number) => pairs.push((name, number.to_string())),
                Scalar::Float(number) => {
                    let reason = format!("`{name}` leads to {number}, expected another name of the gene");
                    return Err(Error::file(path, reason));
                }
            }
        }
        Ok(Self { pairs })
    }

    /// The pairs, in the order of the file.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// A hash of all pairs.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let pairs = self.pairs.iter();
        let all = pairs.fold(Fingerprint::new(), |all, (a, b)| all.field(a.as_bytes()).field(b.as_bytes()));
        all.finish()
    }
}

impl FromIterator<(String, String)> for GeneMap {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self { pairs: pairs.into_iter().collect() }
    }
}
