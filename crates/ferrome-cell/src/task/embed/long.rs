use std::fmt;
use std::str::FromStr;

use crate::model::Specials;

/// What happens to a cell with more tokens than the model has positions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Long {
    /// Its row gets nulls and the reason.
    Error,
    /// Only its first genes are computed, those of the highest rank; `<eos>` stays the last.
    Truncate,
}

impl Long {
    /// The tokens that are computed; the reason when there are too many.
    pub(super) fn cut(self, tokens: &[i32], limit: usize, specials: Option<Specials>) -> Result<Vec<i32>, String> {
        if tokens.len() <= limit {
            return Ok(tokens.to_vec());
        }
        if self == Self::Error {
            let length = tokens.len();
            return Err(format!("{length} tokens are more than the model's {limit} positions: see --long truncate"));
        }
        let mut cut = tokens.get(..limit).unwrap_or_default().to_vec();
        let eos = specials.and_then(|specials| specials.eos).filter(|eos| tokens.last() == Some(eos));
        if let (Some(eos), Some(last)) = (eos, cut.last_mut()) {
            *last = eos;
        }
        Ok(cut)
    }
}

impl FromStr for Long {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::Error),
            "truncate" => Ok(Self::Truncate),
            _ => Err("expected error or truncate".to_owned()),
        }
    }
}

impl fmt::Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Truncate => "truncate",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_cells_keep_their_eos() {
        let specials = Some(Specials::PUBLISHED);
        assert_eq!(Long::Truncate.cut(&[2, 10, 11, 12, 3], 4, specials).unwrap(), [2, 10, 11, 3]);
        assert_eq!(Long::Truncate.cut(&[10, 11, 12], 2, None).unwrap(), [10, 11]);
        assert_eq!(Long::Error.cut(&[10, 11], 2, None).unwrap(), [10, 11]);
    }

    #[test]
    fn too_long_says_by_how_much() {
        assert_eq!(
            Long::Error.cut(&[1, 1, 1], 2, None).unwrap_err(),
            "3 tokens are more than the model's 2 positions: see --long truncate"
        );
    }
}
