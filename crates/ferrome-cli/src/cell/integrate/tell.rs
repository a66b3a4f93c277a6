//! What an integration says on stderr.

use std::path::Path;

use ferrome_cell::task::integrate::{Corpus, Method, Outcome, Progress};
use indicatif::ProgressBar;

use crate::tell;

pub(super) fn corpus(corpus: &Corpus, quiet: bool) {
    if !quiet {
        let (cells, genes, batches) = (corpus.len(), corpus.genes.len(), corpus.batches.len());
        let types = if corpus.types.is_empty() { String::new() } else { format!(", {} types", corpus.types.len()) };
        eprintln!("{cells} cells of {batches} batches{types}; {genes} genes");
    }
    for (reason, count, first) in corpus.left_out() {
        tell::note(&format!("{count} cells were left out, `{first}` first: {reason}"), quiet);
    }
}

pub(super) fn progress(bar: &ProgressBar, quiet: bool, progress: &Progress) {
    bar.set_length(progress.epochs * 1000);
    bar.set_position((progress.epoch * 1000.0) as u64);
    let message = format!("loss {:.3}", progress.loss);
    tell::progress(bar.position(), bar.length(), &message);
    bar.set_message(message);
    let Some(measured) = progress.measured.filter(|_| !quiet) else { return };
    let parts: Vec<String> = measured.parts.iter().map(|(name, value)| format!("{name} {value:.3}")).collect();
    let (epoch, epochs, validation) = (measured.epoch, progress.epochs, measured.validation);
    let line = format!("epoch {epoch}/{epochs}: {}; validation {validation:.3}", parts.join(", "));
    if bar.is_hidden() { eprintln!("{line}") } else { bar.println(line) }
}

pub(super) fn outcome(outcome: &Outcome, methods: &[Method], folder: &Path) {
    if let Some(best) = &outcome.best {
        eprintln!("best after epoch {}: validation {:.3}", best.epoch, best.validation);
    }
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    eprintln!("{:<18} {:>8} {:>8} {:>9} {:>10}", "method", "overall", "avg_bio", "avg_batch", "batch_entropy");
    for method in methods {
        let scores = &method.scores;
        let [overall, bio, batch, entropy] =
            [scores.overall, scores.avg_bio, scores.avg_batch, scores.batch_entropy].map(shown);
        eprintln!("{:<18} {overall:>8} {bio:>8} {batch:>9} {entropy:>13}", method.name);
    }
    eprintln!("{}", folder.display());
}
