use std::{fmt, str::FromStr};

use tch::{Kind, Tensor};

use super::EmbedItem;
use crate::Result;

/// How the vectors of the residues become one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pool {
    /// The mean over the residues, without `<cls>` and `<eos>`: `mean` of fair-esm's `extract.py`.
    Mean,
    /// The largest value of each dimension over the residues.
    Max,
    /// The vector of `<cls>`.
    Cls,
    /// All of them, one per residue.
    Residue,
}

impl FromStr for Pool {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "mean" => Ok(Self::Mean),
            "max" => Ok(Self::Max),
            "cls" => Ok(Self::Cls),
            "residue" => Ok(Self::Residue),
            _ => Err(format!("unknown pooling `{text}`: expected mean, max, cls or residue")),
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Cls => "cls",
            Self::Residue => "residue",
        })
    }
}

impl Pool {
    /// The pooled vectors of one protein, f32: `[1, d]`, or `[residues, d]` for [`Pool::Residue`].
    ///
    /// `x` is the packed batch `[t, d]` in which the item's windows begin at token `first`.
    pub(super) fn apply(self, x: &Tensor, item: &EmbedItem, first: i64) -> Result<Tensor> {
        match self {
            Self::Cls => {
                let rows =
                    places(item, first).map(|(start, _)| x.f_narrow(0, start, 1)).collect::<Result<Vec<_>, _>>()?;
                Ok(Tensor::f_cat(&rows, 0)?.f_mean_dim([0_i64].as_slice(), true, Kind::Float)?)
            }
            Self::Mean => Ok(residues(x, item, first)?.f_mean_dim([0_i64].as_slice(), true, Kind::Float)?),
            Self::Max => Ok(residues(x, item, first)?.f_amax([0_i64].as_slice(), true)?.f_to_kind(Kind::Float)?),
            Self::Residue => Ok(residues(x, item, first)?.f_to_kind(Kind::Float)?),
        }
    }
}

/// One vector per residue, without `<cls>` and `<eos>`; what lies in several windows is averaged: `[residues, d]`.
pub(super) fn residues(x: &Tensor, item: &EmbedItem, first: i64) -> Result<Tensor> {
    let (_, d) = x.size2()?;
    let inner = |(start, length): (i64, i64)| x.f_narrow(0, start + 1, length - 2);
    if let [_] = item.windows.as_slice() {
        return Ok(inner(places(item, first).next().unwrap_or((0, 2)))?);
    }
    let total = i64::try_from(item.residues).unwrap_or(i64::MAX);
    let options = (Kind::Float, x.device());
    let (sums, counts) = (Tensor::f_zeros([total, d], options)?, Tensor::f_zeros([total, 1], options)?);
    for (window, place) in item.windows.iter().zip(places(item, first)) {
        let start = i64::try_from(window.start).unwrap_or(i64::MAX);
        let _ = sums.f_narrow(0, start, place.1 - 2)?.f_add_(&inner(place)?.f_to_kind(Kind::Float)?)?;
        let _ = counts.f_narrow(0, start, place.1 - 2)?.f_add_scalar_(1.0)?;
    }
    Ok(sums.f_div(&counts)?)
}

// First token and number of tokens of each window.
fn places(item: &EmbedItem, first: i64) -> impl Iterator<Item = (i64, i64)> + '_ {
    item.windows.iter().scan(first, |next, window| {
        let length = i64::try_from(window.tokens.len()).unwrap_or(i64::MAX);
        let start = *next;
        *next += length;
        Some((start, length))
    })
}
