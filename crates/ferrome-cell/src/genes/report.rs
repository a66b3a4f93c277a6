use std::fmt;

/// How the columns of a matrix matched a vocabulary.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Statistics {
    /// The column of `var` that was looked up; `ids` and `names` are those of the file.
    pub column: String,
    /// Columns of the matrix.
    pub columns: usize,
    /// Genes of the vocabulary.
    pub vocabulary: usize,
    /// Genes of the vocabulary that the matrix has.
    pub genes: usize,
    /// Columns whose name is a key of the vocabulary.
    pub direct: usize,
    /// Columns found by `--gene-map`.
    pub by_map: usize,
    /// Columns found by the vocabulary's table of former ids.
    pub by_former_id: usize,
    /// Columns found by the vocabulary's table of symbols.
    pub by_symbol: usize,
    /// Columns that share their gene with another one; they are summed.
    pub summed_columns: usize,
    /// Genes that several columns have.
    pub summed_genes: usize,
    /// Columns whose gene is known by name, but not in the vocabulary.
    pub outside: usize,
    /// Columns whose name says nothing.
    pub unknown: usize,
    /// The first names that say nothing.
    pub examples: Vec<String>,
    /// Names that `--gene-map` gives to two genes; the first counts.
    pub ambiguous: usize,
}

impl Statistics {
    /// Columns that are genes of the vocabulary.
    #[must_use]
    pub fn matched(&self) -> usize {
        self.direct + self.by_map + self.by_former_id + self.by_symbol
    }

    /// The share of the columns that are genes of the vocabulary, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        ratio(self.matched(), self.columns)
    }

    /// The share of the vocabulary's genes that the matrix has, from 0 to 1.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        ratio(self.genes, self.vocabulary)
    }

    /// The larger of both, which is the share of the smaller side.
    #[must_use]
    pub fn share_of_smaller(&self) -> f64 {
        self.share().max(self.coverage())
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `genes: 17824 of 19400 columns (91.9 %) are genes of the vocabulary, 70.1 % of it; …`
impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (matched, columns) = (self.matched(), self.columns);
        write!(f, "genes: {matched} of {columns} columns ({:.1} %)", self.share() * 100.0)?;
        write!(f, " are genes of the vocabulary, {:.1} % of it", self.coverage() * 100.0)?;
        let ways = [
            (self.direct, "as they are"),
            (self.by_symbol, "by symbol"),
            (self.by_former_id, "by a former id"),
            (self.by_map, "by --gene-map"),
        ];
        let ways: Vec<String> =
            ways.iter().filter(|(count, _)| *count > 0).map(|(count, way)| format!("{count} {way}")).collect();
        if !ways.is_empty() {
            write!(f, "; column `{}`: {}", self.column, ways.join(", "))?;
        }
        if self.summed_columns > 0 {
            write!(f, "; {} columns are summed into {} genes", self.summed_columns, self.summed_genes)?;
        }
        if self.outside > 0 {
            write!(f, "; {} known genes are not in the vocabulary", self.outside)?;
        }
        if self.unknown > 0 {
            let examples: Vec<String> = self.examples.iter().map(|name| format!("`{name}`")).collect();
            write!(f, "; {} unknown, such as {}", self.unknown, examples.join(", "))?;
        }
        if self.ambiguous > 0 {
            write!(f, "; {} names of --gene-map mean several genes, the first counts", self.ambiguous)?;
        }
        Ok(())
    }
}
