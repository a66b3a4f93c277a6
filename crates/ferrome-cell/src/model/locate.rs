use std::path::PathBuf;

use ferrome_core::weights::{self, Published};

use crate::Result;

/// Finds the folder or file of `model`: a path, a name in `weights/`, or a published name in the Hugging Face cache, such as
/// `ctheodoris/Geneformer` or, for the models that lie in its folders, `Geneformer-V2-104M`.
///
/// # Errors
///
/// Says where it looked and how to get a published model.
pub fn locate(model: &str) -> Result<PathBuf> {
    let published = Published { organisation: "ctheodoris", shelf: Some("Geneformer"), elsewhere: Vec::new() };
    Ok(weights::locate(model, &published)?)
}
