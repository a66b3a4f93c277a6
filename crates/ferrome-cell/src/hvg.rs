//! Highly variable genes, as scanpy 1.11 selects them from counts, without ever holding the matrix.
//!
//! - [`Flavor::SeuratV3`] (Stuart et al. 2019): the variance that a gene of its mean should have is found by local quadratic
//!   regression over all genes; genes are ranked by the variance of their counts standardised by it and clipped at the
//!   square root of the number of cells. Over batches, the median of the ranks counts.
//! - [`Flavor::CellRanger`] (Zheng et al. 2017): the dispersion (variance over mean) of normalised, logarithmic values, less
//!   the median of the genes of a similar mean, over their median absolute deviation. Over batches, the number of batches
//!   in which a gene is among the first counts, then the mean.
//!
//! Two passes over the cells: sums first, then what needs them. Where scanpy leaves the order of equal genes to an
//! unstable sort, the earlier gene comes first here.

mod cell_ranger;
mod loess;
mod moments;
mod ranks;
mod seurat_v3;

pub use cell_ranger::CellRanger;
pub use moments::Moments;
pub use seurat_v3::SeuratV3;

use std::fmt;
use std::str::FromStr;

/// How highly variable genes are found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flavor {
    /// On counts; scanpy's `seurat_v3`.
    SeuratV3,
    /// On normalised, logarithmic values; scanpy's `cell_ranger`.
    CellRanger,
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SeuratV3 => "seurat_v3",
            Self::CellRanger => "cell_ranger",
        })
    }
}

impl FromStr for Flavor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "seurat_v3" => Ok(Self::SeuratV3),
            "cell_ranger" => Ok(Self::CellRanger),
            _ => Err(format!("unknown flavor `{text}`: expected seurat_v3 or cell_ranger")),
        }
    }
}
