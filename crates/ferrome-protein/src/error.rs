use std::{io, path::PathBuf, sync::Arc};

use crate::read::Place;

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

    /// A model's configuration is not one that Ferrome runs.
    #[error("{source_name}: {reason}")]
    Config {
        /// The file.
        source_name: String,
        /// What was expected and found.
        reason: String,
    },

    /// A path was given for a model, and nothing is there.
    #[error("{}: no such model folder or file", path.display())]
    ModelPath {
        /// The path as the user gave it.
        path: PathBuf,
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

    /// A name was given for a model, and no cache on this machine has it.
    #[error(
        "model `{model}` was not found; looked for {}; {advice}",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    ModelNotFound {
        /// The name as the user gave it.
        model: String,
        /// Every place that would have been taken.
        looked: Vec<PathBuf>,
        /// How to get it.
        advice: String,
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

    /// The input file does not exist.
    #[error("{file}: no such file")]
    Missing {
        /// The path as the user gave it.
        file: Arc<str>,
    },

    /// The input path is a folder.
    #[error("{file}: expected a FASTA file, found a folder")]
    Folder {
        /// The path as the user gave it.
        file: Arc<str>,
    },

    /// The input has no record at all.
    #[error("{file}: expected FASTA records, found {found}")]
    NoRecords {
        /// The input's name.
        file: Arc<str>,
        /// What there is instead: nothing, or blank and comment lines.
        found: &'static str,
    },

    /// The first line that is neither blank nor a comment is not a FASTA header.
    #[error("{file}: line {line}: expected a FASTA header starting with `>`, found {found}")]
    NotFasta {
        /// The input's name.
        file: Arc<str>,
        /// The 1-based line.
        line: u64,
        /// The start of that line, and what kind of file it looks like.
        found: String,
    },

    /// A compressed input ends before its end.
    #[error("{file}: {place}: expected {expected}, found the end of the file (is it cut short?)")]
    Truncated {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
        /// What should have followed.
        expected: &'static str,
    },

    /// A compressed input cannot be decompressed.
    #[error("{file}: {place}: expected intact {format} data, found a damaged block ({reason})")]
    Damaged {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
        /// The compression: gzip or BGZF.
        format: &'static str,
        /// What the decompressor says.
        reason: String,
    },

    /// A record holds a NUL byte, so the input is not text.
    #[error("{file}: {place}: expected text, found a NUL byte (is it a binary or damaged file?)")]
    NulByte {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
    },

    /// A line, header or sequence is longer than anything in biology.
    #[error("{file}: {place}: expected {what} of at most {limit} bytes, found more (is it a binary file?)")]
    TooLong {
        /// The input's name.
        file: Arc<str>,
        /// How far reading came.
        place: Place,
        /// A line, a header or a sequence.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },

    /// NCBI has no genetic code of that number.
    #[error("genetic code: expected an NCBI table number (1 to 6, 9 to 16 or 21 to 33), found {found}")]
    GeneticCode {
        /// The number given.
        found: u8,
    },
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

    fn place() -> Place {
        Place::in_record(3, "sp|P1", 42)
    }

    #[test]
    fn messages_of_whole_files() {
        let file: Arc<str> = "a.fa".into();
        let cases = [
            (Error::Io(io::Error::other("a.fa: disk on fire")), "a.fa: disk on fire"),
            (Error::Missing { file: file.clone() }, "a.fa: no such file"),
            (Error::Folder { file: file.clone() }, "a.fa: expected a FASTA file, found a folder"),
            (
                Error::NoRecords { file: file.clone(), found: "an empty file" },
                "a.fa: expected FASTA records, found an empty file",
            ),
            (
                Error::NotFasta { file, line: 2, found: "`@r1` (FASTQ?)".into() },
                "a.fa: line 2: expected a FASTA header starting with `>`, found `@r1` (FASTQ?)",
            ),
            (
                Error::GeneticCode { found: 7 },
                "genetic code: expected an NCBI table number (1 to 6, 9 to 16 or 21 to 33), found 7",
            ),
        ];
        for (error, message) in cases {
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn messages_of_places() {
        let file: Arc<str> = "a.fa".into();
        let cases = [
            (
                Error::Truncated { file: file.clone(), place: place(), expected: "more gzip data" },
                "a.fa: record `sp|P1` (line 42), after 3 whole records: expected more gzip data, found the end of the \
                 file (is it cut short?)",
            ),
            (
                Error::Damaged {
                    file: file.clone(),
                    place: Place::start(),
                    format: "BGZF",
                    reason: "checksum mismatch".into(),
                },
                "a.fa: before the first record: expected intact BGZF data, found a damaged block (checksum mismatch)",
            ),
            (
                Error::NulByte { file: file.clone(), place: place() },
                "a.fa: record `sp|P1` (line 42), after 3 whole records: expected text, found a NUL byte (is it a \
                 binary or damaged file?)",
            ),
            (
                Error::TooLong { file, place: place(), what: "a line", limit: 100 },
                "a.fa: record `sp|P1` (line 42), after 3 whole records: expected a line of at most 100 bytes, found \
                 more (is it a binary file?)",
            ),
        ];
        for (error, message) in cases {
            assert_eq!(error.to_string(), message);
        }
    }
}
