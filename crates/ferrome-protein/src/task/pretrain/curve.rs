use std::path::Path;

use ferrome_core::train::{Line, draw_curve};

use super::Measured;
use crate::Result;

/// Draws perplexity over steps, on the training batches and on the held-out sequences, as an SVG.
///
/// # Errors
///
/// The file cannot be written.
pub(super) fn draw(lines: &[Measured], path: &Path) -> Result<()> {
    let line = |name: &str, loss: fn(&Measured) -> f64| Line {
        name: name.to_owned(),
        points: lines.iter().map(|m| (m.step, loss(m).exp())).collect(),
    };
    let both = [line("training batches", |m| m.train_loss), line("held-out sequences", |m| m.held_out_loss)];
    Ok(draw_curve(&both, ("step", "perplexity of hidden residues"), path)?)
}
