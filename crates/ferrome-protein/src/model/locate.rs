use std::{env, path::PathBuf};

use ferrome_core::weights::{self, Published, Room};

use crate::Result;

/// Finds the folder or file of `model`: a path, a name in `weights/`, a name of the registry or of the Hugging Face cache, or the name
/// of a file that fair-esm's own loader keeps.
///
/// # Errors
///
/// Says where it looked and how to get a published model.
pub fn locate(model: &str) -> Result<PathBuf> {
    let elsewhere = torch_hub(model).into_iter().collect();
    let published = Published { room: Room::Protein, organisation: "facebook", shelf: None, elsewhere };
    Ok(weights::locate(model, &published)?)
}

// $TORCH_HOME/hub/checkpoints, where fair-esm's own loader puts its files.
fn torch_hub(model: &str) -> Option<PathBuf> {
    let torch = env::var_os("TORCH_HOME").map(PathBuf::from);
    let torch = torch.or_else(|| weights::cache().map(|cache| cache.join("torch")))?;
    let name = model.rsplit('/').next().unwrap_or(model);
    Some(torch.join("hub/checkpoints").join(format!("{name}.pt")))
}
