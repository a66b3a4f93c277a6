use std::path::{Path, PathBuf};

use ferrome_core::{
    nn::Loader,
    weights::{Checkpoint, beside, with_prefix},
};
use tch::{Device, Kind};

use super::{Config, Esm, foreign};
use crate::{Error, Result};

/// How the names begin that `EsmModel` saves without the prefix that `EsmForMaskedLM` gives them.
const BARE: [&str; 5] = ["embeddings.", "encoder.", "contact_head.", "pooler.", "rotary_embeddings."];

/// A checkpoint that was opened and understood, but not yet loaded: its tensors have the names of transformers.
#[derive(Debug)]
pub struct OpenModel {
    /// The folder or file.
    pub path: PathBuf,
    /// The configuration.
    pub config: Config,
    checkpoint: Checkpoint,
    fair_esm: bool,
}

/// Opens a Hugging Face folder, one weight file of such a folder, or a fair-esm `.pt`; see [`super::locate`] for names.
///
/// # Errors
///
/// One line that names the file and what is wrong with it.
pub fn open(path: &Path) -> Result<OpenModel> {
    let mut checkpoint = Checkpoint::open_model(path)?;
    let fair_esm = foreign::is_fair_esm(&checkpoint);
    let config = if fair_esm {
        if let Some(regression) = contact_regression(path) {
            checkpoint.merge(Checkpoint::open(&regression)?)?;
        }
        checkpoint.rename(|name| Some(foreign::rename(name)))?;
        foreign::config(&checkpoint)
            .map_err(|reason| Error::Config { source_name: path.display().to_string(), reason })?
    } else {
        let file = beside(path, "config.json").ok_or_else(|| Error::NoConfig { path: path.to_owned() })?;
        let config = Config::parse(&fs_err::read_to_string(&file)?, &file.display().to_string())?;
        checkpoint.rename(|name| Some(with_prefix(name, "esm", &BARE)))?;
        config
    };
    Ok(OpenModel { path: path.to_owned(), config, checkpoint, fair_esm })
}

impl OpenModel {
    /// Loads the weights in `kind` on `device`.
    ///
    /// # Errors
    ///
    /// Lists what is missing, of another shape or left over; fails when the device has no room.
    pub fn load(&self, kind: Kind, device: Device) -> Result<Esm> {
        let model = Esm::load(Loader::new(&self.checkpoint, kind, device), self.config.clone(), device)?;
        if self.fair_esm && self.config.most_residues().is_some() {
            model.clear_mask_row()?; // as fair-esm does when it loads ESM-1b and ESM-1v
        }
        Ok(model)
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

// fair-esm keeps the contact head in a second file, and demands it; here it is optional.
fn contact_regression(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_str()?;
    let regression = path.with_file_name(format!("{stem}-contact-regression.pt"));
    regression.exists().then_some(regression)
}
