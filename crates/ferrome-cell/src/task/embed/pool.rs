use std::fmt;
use std::str::FromStr;

use tch::{Kind, Tensor};

use super::EmbedItem;
use crate::Result;

/// How the vectors of a cell's genes become one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pool {
    /// The vector of `<cls>`: `emb_mode="cls"` of Geneformer's `EmbExtractor`.
    Cls,
    /// The mean over the genes, without `<cls>` and `<eos>`: `emb_mode="cell"`.
    Mean,
    /// All of them, one per gene.
    Gene,
}

impl Pool {
    /// The pooled vectors of one cell, f32: `[1, d]`, or `[genes, d]` for [`Pool::Gene`].
    ///
    /// `x` is the packed batch `[t, d]` in which the cell's tokens begin at `first`; `unit` brings the vector of `<cls>` to length 1.
    pub(super) fn apply(self, x: &Tensor, item: &EmbedItem, first: i64, unit: bool) -> Result<Tensor> {
        let at = |place: usize| i64::try_from(place).unwrap_or(i64::MAX);
        let genes = || x.f_narrow(0, first + at(item.genes.start), at(item.genes.len()));
        match self {
            Self::Cls => {
                let cls = x.f_narrow(0, first, 1)?.f_to_kind(Kind::Float)?;
                if unit { Ok(cls.f_div(&cls.f_norm()?)?) } else { Ok(cls) }
            }
            Self::Mean => Ok(genes()?.f_mean_dim([0_i64].as_slice(), true, Kind::Float)?),
            Self::Gene => Ok(genes()?.f_to_kind(Kind::Float)?),
        }
    }
}

impl FromStr for Pool {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cls" => Ok(Self::Cls),
            "mean" => Ok(Self::Mean),
            "gene" => Ok(Self::Gene),
            _ => Err("expected cls, mean or gene".to_owned()),
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
            Self::Gene => "gene",
        })
    }
}
