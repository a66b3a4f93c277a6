use std::path::{Path, PathBuf};

use ferrome_core::{journal::write_whole, nn::Loader, weights::Checkpoint};
use serde_json::{Map, Value};
use tch::{Device, Kind, Tensor};

use super::{Config, Generator, Integrator, Objectives, ScGpt, names, random};
use crate::tokenize::{Style, scgpt::Recipe};
use crate::vocabulary::{Files, Vocabulary, import};
use crate::{Error, Result};

/// Names of the weights in an scGPT folder, in the order in which they are tried.
const WEIGHTS: [&str; 4] = ["best_model.pt", "model.safetensors", "model.pt", "pytorch_model.bin"];

/// The arguments and the vocabulary beside them.
const ARGUMENTS: &str = "args.json";
const VOCABULARY: &str = "vocab.json";

/// Parts of the names of tensors that training does not change.
const BUFFERS: [&str; 5] =
    ["running_mean", "running_var", "num_batches_tracked", "flag_encoder.", "grad_reverse_discriminator."];

/// A checkpoint that was opened and understood, but not yet loaded.
#[derive(Debug)]
pub struct OpenModel {
    /// The folder or file.
    pub path: PathBuf,
    /// The configuration.
    pub config: Config,
    pub(super) folder: PathBuf,
    pub(in crate::model) checkpoint: Checkpoint,
}

/// Whether a folder, or what lies beside a weight file, is laid out as scGPT's: `args.json`, `vocab.json` or `best_model.pt`, without the
/// `config.json` of Hugging Face.
#[must_use]
pub fn holds(path: &Path) -> bool {
    let folder = folder_of(path);
    let scgpt = [ARGUMENTS, VOCABULARY, WEIGHTS[0]].iter().any(|name| folder.join(name).exists());
    scgpt && !folder.join("config.json").exists()
}

/// Opens a folder with `args.json`, `best_model.pt` and `vocab.json`, or the weight file in it.
///
/// # Errors
///
/// One line that names the file and what is wrong with it.
pub fn open(path: &Path) -> Result<OpenModel> {
    let folder = folder_of(path);
    let weights = if path.is_dir() { weights_in(path)? } else { path.to_owned() };
    let arguments = folder.join(ARGUMENTS);
    if !arguments.exists() {
        let reason = "no args.json beside the weights; expected an scGPT folder (args.json, best_model.pt, vocab.json)";
        return Err(Error::file(path, reason));
    }
    let mut config = Config::parse(&fs_err::read_to_string(&arguments)?, &arguments.display().to_string())?;
    let mut checkpoint = Checkpoint::open(&weights)?;
    checkpoint.rename(|name| Some(names::rename(name)))?;
    config.complete(&checkpoint);
    Ok(OpenModel { path: path.to_owned(), config, folder, checkpoint })
}

impl OpenModel {
    /// Loads the weights in `kind` on `device`.
    ///
    /// # Errors
    ///
    /// Lists what is missing, of another shape or left over; fails when the device has no room.
    pub fn load(&self, kind: Kind, device: Device) -> Result<ScGpt> {
        ScGpt::load(Loader::new(&self.checkpoint, kind, device), self.config.clone(), device)
    }

    /// The tensors that training does not change: running statistics, and what the model does not use.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn buffers(&self) -> Result<Vec<(String, Tensor)>> {
        let loader = Loader::new(&self.checkpoint, Kind::Float, Device::Cpu);
        let buffers = self.checkpoint.names().filter(|name| BUFFERS.iter().any(|part| name.contains(part)));
        let read = |name: &str| {
            let shape = loader.shape(name).unwrap_or_default();
            Ok((name.to_owned(), loader.tensor(name, &shape)?))
        };
        let read = buffers.map(read).collect::<Result<_>>()?;
        loader.allow_left_over("*");
        loader.finish()?;
        Ok(read)
    }

    /// How the cells that it was trained on became tokens, where ferrome trained it.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn recipe(&self) -> Result<Option<Recipe>> {
        Recipe::open(&self.folder)
    }

    /// What `args.json` says beside the keys of [`Config`].
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn other_arguments(&self) -> Result<Value> {
        let path = self.folder.join(ARGUMENTS);
        let mut all: Value = serde_json::from_str(&fs_err::read_to_string(&path)?)
            .map_err(|e| Error::file(&path, format!("not JSON: {e}")))?;
        if let Some(all) = all.as_object_mut() {
            all.retain(|key, _| !Config::ALIASES.contains(&key.as_str()));
        }
        Ok(all)
    }

    /// Whether it is a perturbation generator.
    #[must_use]
    pub fn is_generator(&self) -> bool {
        self.checkpoint.info("pert_encoder.weight").is_some()
    }

    /// Loads a perturbation generator in `kind` on `device`.
    ///
    /// # Errors
    ///
    /// As [`OpenModel::load`].
    pub fn load_generator(&self, kind: Kind, device: Device) -> Result<Generator> {
        Generator::load(Loader::new(&self.checkpoint, kind, device), self.config.clone(), device)
    }

    /// A generator to be trained, in f32: genes, values and blocks from this model, the rest random from `seed`, as upstream does.
    ///
    /// # Errors
    ///
    /// A tensor of another shape; the device has no room.
    pub fn new_generator(&self, seed: u64, device: Device) -> Result<Generator> {
        random::generator(&self.config, Some(&self.checkpoint), seed, device)
    }

    /// A model that learns to integrate so many batches, in f32: genes, values and blocks from this model, decoders as far as they
    /// fit, the rest random from `seed`.
    ///
    /// # Errors
    ///
    /// A tensor of another shape; the device has no room.
    pub fn new_integrator(
        &self,
        objectives: Objectives,
        batches: usize,
        seed: u64,
        device: Device,
    ) -> Result<Integrator> {
        Integrator::new((&self.config, &self.checkpoint), (objectives, batches), seed, device)
    }

    /// The genes that the model knows, from the `vocab.json` beside it.
    ///
    /// # Errors
    ///
    /// There is no such file, it is something else, or it has more tokens than the model.
    pub fn vocabulary(&self) -> Result<Vocabulary> {
        let path = self.folder.join(VOCABULARY);
        if !path.exists() {
            return Err(Error::file(&self.path, "no vocab.json beside the weights, which names the model's genes"));
        }
        let vocabulary = import(&Files { tokens: path.clone(), ..Files::default() }, Some(Style::ScGpt))?;
        let specials = vocabulary.specials().iter().map(|&(_, token)| token);
        let most = vocabulary
            .genes()
            .iter()
            .map(|gene| gene.token)
            .chain(specials)
            .max()
            .map_or(0, |token| i64::from(token) + 1);
        if most > self.config.ntoken {
            let rows = self.config.ntoken;
            return Err(Error::file(&path, format!("has {most} tokens, expected {rows} or fewer as the model has")));
        }
        Ok(vocabulary)
    }

    /// xxh3-128 of names, shapes and bytes of all tensors, in hexadecimal.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        Ok(self.checkpoint.fingerprint()?)
    }
}

/// Writes `vocab.json` into `folder`: genes and special tokens with their numbers.
///
/// # Errors
///
/// The file cannot be written.
pub fn save_vocabulary(vocabulary: &Vocabulary, folder: &Path) -> Result<()> {
    let genes = vocabulary.genes().iter().map(|gene| (gene.id.clone(), gene.token));
    let specials = vocabulary.specials().iter().cloned();
    let tokens: Map<_, _> = genes.chain(specials).map(|(name, token)| (name, token.into())).collect();
    Ok(write_whole(&folder.join(VOCABULARY), format!("{}\n", Value::Object(tokens)))?)
}

fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.to_owned() } else { path.parent().unwrap_or(path).to_owned() }
}

fn weights_in(folder: &Path) -> Result<PathBuf> {
    let found = WEIGHTS.iter().map(|name| folder.join(name)).find(|path| path.exists());
    found
        .ok_or_else(|| Error::file(folder, "no weights in this folder, looked for best_model.pt and model.safetensors"))
}
