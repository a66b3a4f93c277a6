mod read;

use std::{io, path::PathBuf};

pub use read::ReadError;

/// Everything that can go wrong in `ferrome-protein`; one line each, naming the file, the record and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input or output operation failed; the message names the path.
    #[error("{0}")]
    Io(#[from] io::Error),

    /// The shared machinery failed; its own words.
    #[error(transparent)]
    Core(#[from] ferrome_core::Error),

    /// An input cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),

    /// A model's configuration is not one that Ferrome runs.
    #[error("{source_name}: {reason}")]
    Config {
        /// The file.
        source_name: String,
        /// What was expected and found.
        reason: String,
    },

    /// Weights that are not fair-esm's have no configuration beside them.
    #[error(
        "{}: no config.json beside the weights; expected a Hugging Face folder (config.json and weights) or a fair-esm .pt file",
        path.display()
    )]
    NoConfig {
        /// The folder or weight file as the user gave it.
        path: PathBuf,
    },

    /// The rotary frequencies of two layers differ, which no ESM-2 does.
    #[error("the rotary frequencies (`inv_freq`) differ between layers: not an ESM-2 checkpoint")]
    RotaryDiffers,

    /// A layer was asked for that the model does not have.
    #[error("no layer {layer}: the model has layers 0 to {blocks} (or -{} to -1)", blocks + 1)]
    NoSuchLayer {
        /// As asked for.
        layer: i64,
        /// Number of blocks.
        blocks: usize,
    },

    /// A window that the model cannot take.
    #[error("--window {window} does not fit: expected 1 {} residues", limit.map_or("or more".to_owned(), |limit| format!("to {limit}")))]
    BadWindow {
        /// As asked for.
        window: usize,
        /// Most residues that the model takes.
        limit: Option<usize>,
    },

    /// An overlap that leaves no step from window to window.
    #[error("--overlap {overlap} must be smaller than --window {window}")]
    BadOverlap {
        /// As asked for.
        window: usize,
        /// As asked for.
        overlap: usize,
    },

    /// The split leaves one side without sequences.
    #[error(
        "too few sequences to train: {train} to train on and {held_out} held out; give more, or another held_out_share"
    )]
    TooFewSequences {
        /// To train on.
        train: usize,
        /// Held out.
        held_out: usize,
    },

    /// Training has neither a shape nor a checkpoint.
    #[error(
        "nothing to train: give hidden_size, num_hidden_layers and num_attention_heads in --config, or a model with --from"
    )]
    NoModelToTrain,

    /// Training was asked to go on from, or to make, a model that it cannot train.
    #[error("pretrain trains ESM-2 (rotary positions), found {found}")]
    NotTrainable {
        /// The kind of model.
        found: &'static str,
    },

    /// The folder for a new model holds one already.
    #[error("{}: holds a model already; pass --overwrite to replace it, or choose another -o", path.display())]
    ModelExists {
        /// The folder.
        path: PathBuf,
    },

    /// Someone stopped a training.
    #[error("interrupted: {step} of {steps} steps done; run the same command again{} to go on", if *overwrite { " without --overwrite" } else { "" })]
    Interrupted {
        /// Steps done, all of them kept.
        step: u64,
        /// Of so many.
        steps: u64,
        /// The command began anew, which its repetition must not.
        overwrite: bool,
    },

    /// A file that training writes cannot be made.
    #[error("cannot write what was trained: {0}")]
    Save(String),

    /// Logits were asked for from a checkpoint without a language-model head.
    #[error(
        "the checkpoint has no language-model head (`lm_head`), which logits need: use one saved from EsmForMaskedLM"
    )]
    NoLanguageModelHead,
}

/// A `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(feature = "torch")]
impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Core(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_others_are_shown_as_they_are() {
        assert_eq!(Error::Io(io::Error::other("a.fa: disk on fire")).to_string(), "a.fa: disk on fire");
        let missing = ReadError::Missing { file: "a.fa".into() };
        assert_eq!(Error::from(missing).to_string(), "a.fa: no such file");
    }
}
