use std::fmt;
use std::path::Path;

use super::OpenGeneformer;
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
pub enum OpenModel {
    /// Genes by rank.
    Geneformer(OpenGeneformer),
}

/// Opens a checkpoint of any family; see [`super::locate`] for names.
///
/// # Errors
///
/// One line that names the file and what is wrong with it.
pub fn open(path: &Path) -> Result<OpenModel> {
    Ok(OpenModel::Geneformer(OpenGeneformer::open(path)?))
}

impl OpenModel {
    /// Whose model it is.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Geneformer(_) => Family::Geneformer,
        }
    }

    /// The folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Geneformer(model) => &model.path,
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
            #[expect(unreachable_patterns, reason = "other families come beside it")]
            other => {
                Err(Error::file(other.path(), format!("is a checkpoint of {}, expected Geneformer", other.family())))
            }
        }
    }
}
