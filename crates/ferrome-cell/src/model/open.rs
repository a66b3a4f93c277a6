use std::fmt;
use std::path::Path;

use ferrome_core::weights::Checkpoint;

use super::{OpenGeneformer, Shape, scgpt};
use crate::tokenize::Style;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// The kinds of transcriptome models.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Genes by rank.
    Geneformer,
    /// Genes with binned expression.
    ScGpt,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Geneformer => "Geneformer",
            Self::ScGpt => "scGPT",
        })
    }
}

/// A checkpoint that was opened and understood, but not yet loaded.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "a run opens one")]
pub enum OpenModel {
    /// Genes by rank.
    Geneformer(OpenGeneformer),
    /// Genes with their expression.
    ScGpt(scgpt::OpenModel),
}

/// Opens a checkpoint of any family; see [`super::locate`] for names.
///
/// # Errors
///
/// One line that names the file and what is wrong with it.
pub fn open(path: &Path) -> Result<OpenModel> {
    if scgpt::holds(path) {
        return Ok(OpenModel::ScGpt(scgpt::open(path)?));
    }
    Ok(OpenModel::Geneformer(OpenGeneformer::open(path)?))
}

impl OpenModel {
    /// Whose model it is.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Geneformer(_) => Family::Geneformer,
            Self::ScGpt(_) => Family::ScGpt,
        }
    }

    /// The folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Geneformer(model) => &model.path,
            Self::ScGpt(model) => &model.path,
        }
    }

    /// Its sizes.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self {
            Self::Geneformer(model) => Shape::Geneformer(model.config.clone()),
            Self::ScGpt(model) => Shape::ScGpt(model.config.clone()),
        }
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.shape().blocks()
    }

    /// Width of a vector, `d`.
    #[must_use]
    pub fn width(&self) -> i64 {
        self.shape().width()
    }

    /// Rows of the table of tokens.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        self.shape().tokens()
    }

    /// Most tokens of a cell; `None` where there is no limit.
    #[must_use]
    pub fn positions(&self) -> Option<usize> {
        self.shape().positions()
    }

    /// Whose tokens it takes, where that is known.
    #[must_use]
    pub fn style(&self) -> Option<Style> {
        match self {
            Self::Geneformer(model) => model.style(),
            Self::ScGpt(_) => Some(Style::ScGpt),
        }
    }

    /// The vocabulary beside the weights, where there is one.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn vocabulary(&self) -> Result<Option<Vocabulary>> {
        match self {
            Self::Geneformer(model) => Ok(model.vocabulary.clone()),
            Self::ScGpt(model) => model.vocabulary().map(Some),
        }
    }

    /// The tensors, under the names that they have in the model.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        match self {
            Self::Geneformer(model) => model.checkpoint(),
            Self::ScGpt(model) => &model.checkpoint,
        }
    }

    /// xxh3-128 of names, shapes and bytes of all tensors, in hexadecimal.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        match self {
            Self::Geneformer(model) => model.fingerprint(),
            Self::ScGpt(model) => model.fingerprint(),
        }
    }

    /// The model, where it must be a Geneformer.
    ///
    /// # Errors
    ///
    /// [`Error::File`], which says whose model it is.
    pub fn geneformer(self) -> Result<OpenGeneformer> {
        match self {
            Self::Geneformer(model) => Ok(model),
            other => Err(other.unexpected(Family::Geneformer)),
        }
    }

    /// The model, where it must be an scGPT.
    ///
    /// # Errors
    ///
    /// [`Error::File`], which says whose model it is.
    pub fn scgpt(self) -> Result<scgpt::OpenModel> {
        match self {
            Self::ScGpt(model) => Ok(model),
            other => Err(other.unexpected(Family::ScGpt)),
        }
    }

    fn unexpected(&self, expected: Family) -> Error {
        Error::file(self.path(), format!("is a checkpoint of {}, expected {expected}", self.family()))
    }
}
