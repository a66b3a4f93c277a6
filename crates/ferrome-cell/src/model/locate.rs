use std::path::PathBuf;

use ferrome_core::weights::{self, Published, Room};

use crate::Result;

/// Finds the folder or file of `model`: a path, a name in `weights/`, or a name of the registry or of the Hugging Face cache, such as
/// `ctheodoris/Geneformer` or, for the models that lie in its folders, `Geneformer-V2-104M`.
///
/// # Errors
///
/// Says where it looked and how to get a published model.
pub fn locate(model: &str) -> Result<PathBuf> {
    let shelf = Some("Geneformer");
    let published = Published { room: Room::Cell, organisation: "ctheodoris", shelf, elsewhere: Vec::new() };
    Ok(weights::locate(model, &published)?)
}
