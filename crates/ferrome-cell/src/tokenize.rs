//! Cells to the tokens of transcriptome models.
//!
//! A [`Tokenizer`] turns blocks of cells into columns; it is pure, so that the result does not depend on the size of the
//! blocks, on their order or on the number of threads. The job around it, which reads, writes and resumes, is
//! [`crate::task::tokenize`].

pub mod binning;
pub mod geneformer;
mod lists;
pub mod scgpt;
pub mod slots;
pub mod totals;

use std::fmt;
use std::str::FromStr;

use arrow::array::ArrayRef;
use arrow::datatypes::Field;
use ferrome_core::journal::RunDescription;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::cells::Cells;

/// Whose tokens they are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Style {
    /// Geneformer V1: up to 2,048 genes ranked by expression, no special tokens.
    #[serde(rename = "geneformer-v1")]
    GeneformerV1,
    /// Geneformer V2: `<cls>`, up to 4,094 genes ranked by expression, `<eos>`.
    #[serde(rename = "geneformer-v2")]
    GeneformerV2,
    /// scGPT: genes with binned expression.
    #[serde(rename = "scgpt")]
    ScGpt,
}

impl Style {
    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GeneformerV1 => "geneformer-v1",
            Self::GeneformerV2 => "geneformer-v2",
            Self::ScGpt => "scgpt",
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Style {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let styles = [Self::GeneformerV1, Self::GeneformerV2, Self::ScGpt];
        let found = styles.into_iter().find(|style| style.name() == text);
        found.ok_or_else(|| format!("unknown style `{text}`: expected geneformer-v1, geneformer-v2 or scgpt"))
    }
}

/// One way to turn cells into tokens.
pub trait Tokenizer: Send + Sync {
    /// The columns it makes, in order: `input_ids: list<int16>` (or `int32`) and `length: int64` first. All are nullable.
    fn fields(&self) -> Vec<Field>;

    /// The tokens of a block; pure, and called from several threads at once.
    ///
    /// # Errors
    ///
    /// The run cannot go on. A cell that cannot be used is listed in [`Tokens::rejected`] instead.
    fn tokenize(&self, cells: &Cells) -> Result<Tokens>;

    /// Adds every option that changes the tokens, for the journal and the metadata of the output.
    fn describe(&self, description: &mut RunDescription);

    /// The columns of `obs` that it reads.
    fn reads_obs(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The tokens of a block of cells.
#[derive(Debug)]
pub struct Tokens {
    /// As [`Tokenizer::fields`] has them, one row per cell. Rows of rejected cells hold an empty list or zero; the job makes
    /// them null.
    pub columns: Vec<ArrayRef>,
    /// Tokens of all cells, for the summary.
    pub tokens: u64,
    /// Cells that cannot be used beyond those that the reader rejected, by row, ascending, with the reason.
    pub rejected: Vec<(usize, String)>,
}
