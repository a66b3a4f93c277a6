use std::path::{Path, PathBuf};

use ferrome_core::{
    nn::Loader,
    weights::{Checkpoint, beside, with_prefix},
};
use tch::{Device, Kind};

use super::{Config, Geneformer};
use crate::tokenize::Style;
use crate::vocabulary::Vocabulary;
use crate::{Error, Result};

/// How the names begin that `BertModel` saves without the prefix that models with a head give them.
const BARE: [&str; 3] = ["embeddings.", "encoder.", "pooler."];

/// The vocabulary that ferrome keeps beside the weights of the models that it trains.
const VOCABULARY: &str = "vocabulary.json";

/// Rows of the token tables of the published models.
const PUBLISHED: [(i64, Style); 2] = [(25_426, Style::GeneformerV1), (20_275, Style::GeneformerV2)];

/// A Geneformer that was opened and understood, but not yet loaded: its tensors have the names of `BertForMaskedLM`.
#[derive(Debug)]
pub struct OpenGeneformer {
    /// The folder or file.
    pub path: PathBuf,
    /// The configuration.
    pub config: Config,
    /// The vocabulary beside the weights, where there is one: ferrome keeps it with the models that it trains.
    pub vocabulary: Option<Vocabulary>,
    checkpoint: Checkpoint,
}

/// The tokens of a model that are no genes and stand in every cell: none in Geneformer V1, the first and the last in V2, the
/// first in scGPT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Specials {
    /// `<cls>`, before the genes.
    pub cls: i32,
    /// `<eos>`, after them.
    pub eos: Option<i32>,
}

impl Specials {
    /// Those of the published Geneformer V2 models.
    pub const PUBLISHED: Self = Self { cls: 2, eos: Some(3) };

    /// Those of a style.
    #[must_use]
    pub fn of(style: Style) -> Option<Self> {
        (style == Style::GeneformerV2).then_some(Self::PUBLISHED)
    }
}

impl OpenGeneformer {
    /// Opens a Hugging Face folder, or one weight file of such a folder; see [`crate::model::locate`] for names.
    ///
    /// # Errors
    ///
    /// One line that names the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self> {
        let mut checkpoint = Checkpoint::open_model(path)?;
        let file = beside(path, "config.json").ok_or_else(|| {
            Error::file(
                path,
                "no config.json beside the weights; expected a Hugging Face folder (config.json and weights)",
            )
        })?;
        let config = Config::parse(&fs_err::read_to_string(&file)?, &file.display().to_string())?;
        checkpoint.rename(|name| Some(with_prefix(name, "bert", &BARE)))?;
        let vocabulary = beside(path, VOCABULARY).map(|file| Vocabulary::open(&file)).transpose()?;
        Ok(Self { path: path.to_owned(), config, vocabulary, checkpoint })
    }

    /// Loads the weights in `kind` on `device`.
    ///
    /// # Errors
    ///
    /// Lists what is missing, of another shape or left over; fails when the device has no room.
    pub fn load(&self, kind: Kind, device: Device) -> Result<Geneformer> {
        Geneformer::load(Loader::new(&self.checkpoint, kind, device), self.config.clone(), device)
    }

    /// xxh3-128 of names, shapes and bytes of all tensors, in hexadecimal.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        Ok(self.checkpoint.fingerprint()?)
    }

    /// Whose tokens it takes, as the vocabulary beside it or the size of a published one says.
    #[must_use]
    pub fn style(&self) -> Option<Style> {
        let published = || PUBLISHED.iter().find(|(rows, _)| *rows == self.config.vocab_size).map(|&(_, style)| style);
        self.vocabulary.as_ref().map(Vocabulary::style).or_else(published)
    }

    /// The tensors, under the names of `BertForMaskedLM`; those of a classifier among them.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
