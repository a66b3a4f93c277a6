//! What the checkpoints of transformers have in common, whatever the model.

use std::path::{Path, PathBuf};

use super::Checkpoint;
use crate::Result;

impl Checkpoint {
    /// Opens what a user calls a model: a folder ([`Checkpoint::open_folder`]) or one of its files ([`Checkpoint::open`]).
    ///
    /// # Errors
    /// As those.
    pub fn open_model(path: &Path) -> Result<Checkpoint> {
        if path.is_dir() { Checkpoint::open_folder(path) } else { Checkpoint::open(path) }
    }
}

/// The file `name` in the folder of a model, or beside its weights; `None` when there is none.
#[must_use]
pub fn beside(model: &Path, name: &str) -> Option<PathBuf> {
    let folder = if model.is_dir() { model } else { model.parent().unwrap_or(model) };
    Some(folder.join(name)).filter(|file| file.exists())
}

/// The name that a tensor has in the checkpoint of the whole model. A bare encoder saves its tensors without the prefix
/// (`esm`, `bert`) that models with a head give them: those whose names begin with one of `bare` get it. LayerNorms under
/// TensorFlow's names, which transformers still writes here and there, get PyTorch's.
///
/// ```
/// use ferrome_core::weights::with_prefix;
///
/// assert_eq!(with_prefix("embeddings.LayerNorm.gamma", "bert", &["embeddings.", "encoder."]), "bert.embeddings.LayerNorm.weight");
/// assert_eq!(with_prefix("cls.predictions.bias", "bert", &["embeddings.", "encoder."]), "cls.predictions.bias");
/// ```
#[must_use]
pub fn with_prefix(name: &str, prefix: &str, bare: &[&str]) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or(("", name));
    let name = match ending {
        "gamma" => format!("{stem}.weight"),
        "beta" => format!("{stem}.bias"),
        _ => name.to_owned(),
    };
    if bare.iter().any(|begin| name.starts_with(begin)) { format!("{prefix}.{name}") } else { name }
}
