use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The layer whose representation is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layer {
    /// The output of the last block.
    Last,
    /// The output of the block before it: what Geneformer's `EmbExtractor` takes by default.
    SecondToLast,
    /// By number; what a number means, [`Compat`] says.
    Number(i64),
}

/// Whose numbering `--layer N` follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compat {
    /// `emb_layer` of Geneformer's `EmbExtractor`: 0 is the last layer, -1 the second to last.
    Geneformer,
    /// `emb_layer` of helical: -1 is the last layer, 0 the embedding.
    Helical,
}

impl Layer {
    /// The layer as transformers counts `hidden_states`: 0 is the embedding, `blocks` the last. Without `compat` a number is
    /// just that.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchLayer`].
    ///
    /// ```
    /// use ferrome_cell::task::embed::{Compat, Layer};
    ///
    /// assert_eq!(Layer::SecondToLast.resolve(None, 6)?, 5);
    /// assert_eq!(Layer::Number(-1).resolve(Some(Compat::Geneformer), 6)?, 5);
    /// assert_eq!(Layer::Number(-1).resolve(Some(Compat::Helical), 6)?, 6);
    /// # Ok::<(), ferrome_cell::Error>(())
    /// ```
    pub fn resolve(self, compat: Option<Compat>, blocks: usize) -> Result<usize> {
        let last = i64::try_from(blocks).unwrap_or(i64::MAX);
        let refused = |asked: i64, known: String| Err(Error::NoSuchLayer { layer: asked, known });
        let layer = match (self, compat) {
            (Self::Last, _) => last,
            (Self::SecondToLast, _) => last - 1,
            (Self::Number(n), Some(Compat::Geneformer)) if !(-1..=0).contains(&n) => {
                return refused(n, "Geneformer's own numbers are 0 (the last layer) and -1 (second to last)".into());
            }
            (Self::Number(n), Some(Compat::Geneformer)) => last + n,
            (Self::Number(n), Some(Compat::Helical)) if n < 0 => last + 1 + n,
            (Self::Number(n), _) => n,
        };
        match (usize::try_from(layer).ok().filter(|&layer| layer <= blocks), self) {
            (Some(layer), _) => Ok(layer),
            (None, Self::Number(n)) if n < 0 && compat.is_none() => refused(
                n,
                "-1 is the last layer in helical and the second to last in Geneformer: say last or second-to-last, or give \
                 --compat"
                    .into(),
            ),
            (None, _) => refused(layer, format!("the model has 0 (the embedding) to {blocks} (the last)")),
        }
    }
}

impl FromStr for Layer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "last" => Ok(Self::Last),
            "second-to-last" => Ok(Self::SecondToLast),
            _ => text.parse().map(Self::Number).map_err(|_| "expected last, second-to-last or a number".to_owned()),
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::SecondToLast => f.write_str("second-to-last"),
            Self::Number(n) => write!(f, "{n}"),
        }
    }
}

impl FromStr for Compat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "geneformer" => Ok(Self::Geneformer),
            "helical" => Ok(Self::Helical),
            _ => Err("expected geneformer or helical".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_other_tools_mean_what_they_mean_there() {
        let layer = |n, compat| Layer::Number(n).resolve(compat, 6).unwrap();
        assert_eq!([layer(0, Some(Compat::Geneformer)), layer(-1, Some(Compat::Geneformer))], [6, 5]);
        assert_eq!([layer(-1, Some(Compat::Helical)), layer(-2, Some(Compat::Helical))], [6, 5]);
        assert_eq!([layer(0, Some(Compat::Helical)), layer(0, None), layer(6, None)], [0, 0, 6]);
        assert_eq!(Layer::SecondToLast.resolve(Some(Compat::Helical), 6).unwrap(), 5);
    }

    #[test]
    fn layers_that_are_not_there_are_refused() {
        let refused = |n, compat| Layer::Number(n).resolve(compat, 6).unwrap_err().to_string();
        assert_eq!(refused(7, None), "no layer 7: the model has 0 (the embedding) to 6 (the last)");
        assert_eq!(
            refused(-1, None),
            "no layer -1: -1 is the last layer in helical and the second to last in Geneformer: say last or \
             second-to-last, or give --compat"
        );
        assert_eq!(
            refused(-2, Some(Compat::Geneformer)),
            "no layer -2: Geneformer's own numbers are 0 (the last layer) and -1 (second to last)"
        );
        assert_eq!(refused(-8, Some(Compat::Helical)), "no layer -1: the model has 0 (the embedding) to 6 (the last)");
    }
}
