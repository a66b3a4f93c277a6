//! What a training says on stderr.

use std::path::Path;

use ferrome_cell::task::train::{Corpus, Measured, Outcome, Progress};
use indicatif::ProgressBar;

use crate::tell;

pub(super) fn corpus(corpus: &Corpus, quiet: bool) {
    if !quiet {
        let tokens: usize = corpus.cells.iter().map(|cell| cell.tokens.len()).sum();
        eprintln!("{} cells, {tokens} tokens", corpus.cells.len());
    }
    for (reason, count, first) in &corpus.left_out {
        tell::note(&format!("{count} cells were left out, `{first}` first: {reason}"), quiet);
    }
}

pub(super) fn progress(bar: &ProgressBar, quiet: bool, progress: &Progress) {
    bar.set_length(progress.epochs * 1000);
    bar.set_position((progress.epoch * 1000.0) as u64);
    let message = format!("loss {:.3}, {:.0} tokens/s", progress.loss, progress.tokens_per_second);
    tell::progress(bar.position(), bar.length(), &message);
    bar.set_message(message);
    let Some(measured) = progress.measured.filter(|_| !quiet) else { return };
    let line = line(&measured, progress);
    if bar.is_hidden() { eprintln!("{line}") } else { bar.println(line) }
}

fn line(measured: &Measured, progress: &Progress) -> String {
    let classes = measured
        .quality
        .map_or_else(String::new, |q| format!(", accuracy {:.3}, macro-F1 {:.3}", q.accuracy, q.macro_f1));
    format!(
        "epoch {:.2}/{}: training loss {:.4}, validation loss {:.4}{classes}; {:.0} tokens/s",
        measured.epoch, progress.epochs, measured.train_loss, measured.validation_loss, progress.tokens_per_second
    )
}

pub(super) fn outcome(outcome: &Outcome, folder: &Path, quiet: bool) {
    if quiet {
        return;
    }
    let report = &outcome.report;
    if let Some(best) = outcome.best {
        eprintln!(
            "best after epoch {:.2}, step {}: validation loss {:.4}",
            best.epoch, best.step, best.validation_loss
        );
    }
    if let (Some(hidden), Some(known)) = (report.hidden_genes, report.frequencies) {
        eprintln!(
            "{hidden} hidden genes of the {} part: loss {:.4}; by frequency {:.4}, at the same rank {:.4}, of genes that the \
             cell does not show {:.4}",
            report.on, report.loss, known.frequency, known.frequency_at_rank, known.frequency_of_unseen
        );
    }
    if let Some(values) = report.hidden_values {
        eprintln!(
            "{} hidden values of the {} part: squared error {:.4}; of the gene's mean {:.4}, of the mean {:.4}",
            values.count, report.on, values.squared_error, values.mean_of_gene, values.mean
        );
    }
    if let Some(quality) = report.quality {
        let n = if report.on == "test" { report.items[2] } else { report.items[1] };
        let row = |name: &str, accuracy: f64, f1: f64| eprintln!("  {accuracy:.4}  {f1:.4}  {name}");
        eprintln!("{} ({n} of the {} part): accuracy, macro-F1", report.learnt, report.on);
        row("this model", quality.accuracy, quality.macro_f1);
        for baseline in &report.baselines {
            row(&baseline.name, baseline.quality.accuracy, baseline.quality.macro_f1);
        }
    }
    eprintln!("{}", folder.display());
}
