use crate::{Error, Result};

/// Layers as the user counts them (`-1` is the last, 0 the scaled embedding, 12 the output of block 12) to layers as
/// the model counts them, in the order asked for and each once.
///
/// # Errors
///
/// [`Error::NoSuchLayer`].
///
/// ```
/// use ferrome_protein::task::embed::resolve_layers;
/// assert_eq!(resolve_layers(&[-1, 12, 33], 33)?, [33, 12]);
/// assert_eq!(resolve_layers(&[34], 33).unwrap_err().to_string(), "no layer 34: the model has layers 0 to 33 (or -34 to -1)");
/// # Ok::<(), ferrome_protein::Error>(())
/// ```
pub fn resolve(asked: &[i64], blocks: usize) -> Result<Vec<usize>> {
    let count = i64::try_from(blocks).unwrap_or(i64::MAX) + 1;
    let mut layers = Vec::new();
    for &layer in asked {
        let index = if layer < 0 { layer + count } else { layer };
        let index = usize::try_from(index).ok().filter(|&index| index <= blocks);
        let index = index.ok_or(Error::NoSuchLayer { layer, blocks })?;
        if !layers.contains(&index) {
            layers.push(index);
        }
    }
    Ok(layers)
}
