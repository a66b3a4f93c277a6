//! The model card.

use std::fmt::Write;

use super::lesson::{Goal, Lesson};
use super::state::State;
use super::{Report, Start};
use crate::classification::Quality;

/// The file `README.md`.
pub(super) fn card(start: &Start, lesson: &Lesson, state: &State, report: &Report) -> String {
    let mut text = String::new();
    let mut line = |content: &str| {
        // Writing into a String does not fail.
        let _ = writeln!(text, "{content}");
    };
    let config = start.config;
    line(&format!("# {}: {}\n", lesson.family, report.learnt));
    let from = start.from.map_or_else(|| "random weights".to_owned(), |model| format!("`{}`", model.path().display()));
    line(&format!("Trained from {from} by `ferrome cell train` {}.\n", env!("CARGO_PKG_VERSION")));
    line("## Data\n");
    for path in &lesson.corpus.paths {
        line(&format!("- `{}`", path.display()));
    }
    line(&format!("\n{}.", lesson.corpus.fingerprint()));
    for (reason, count, first) in &lesson.corpus.left_out {
        line(&format!("{count} cells were left out, `{first}` first: {reason}."));
    }
    if let Goal::Genes(genes) = &lesson.goal {
        line(&format!("{} genes of the table are in no cell or not in the vocabulary.", genes.absent));
    }
    let held_out = match &config.split.group {
        Some(column) => format!("whole groups of `{column}` held out"),
        None => "at random, in every class alike".into(),
    };
    let [train, validation, test] = report.items;
    line(&format!("Split {held_out}: {train} to train on, {validation} chose the epoch, {test} to test on.\n"));
    line(&format!("## How good it is on the {} part\n", report.on));
    table(report, &mut line);
    if let Some(best) = state.best {
        line(&format!(
            "\nThe weights are those of step {}, epoch {:.2}, with the lowest validation loss, {:.4}.",
            best.step, best.epoch, best.validation_loss
        ));
    }
    line(
        "`train.json` holds all settings, `split.json` which item was where, `metrics.csv` the course of the training.",
    );
    text
}

fn table(report: &Report, line: &mut impl FnMut(&str)) {
    if let (Some(hidden), Some(frequencies)) = (report.hidden_genes, report.frequencies) {
        line(&format!("Mean cross-entropy of {hidden} hidden genes, in nats:\n"));
        line("| what knows | loss | perplexity |\n|---|---|---|");
        let rows = [
            ("the model", report.loss),
            ("frequency of the genes", frequencies.frequency),
            ("frequency at about the same rank", frequencies.frequency_at_rank),
            ("the same, without the genes that the cell shows", frequencies.frequency_of_unseen),
        ];
        for (name, loss) in rows {
            line(&format!("| {name} | {loss:.4} | {:.1} |", loss.exp()));
        }
        return;
    }
    if let Some(values) = report.hidden_values {
        line(&format!("Mean squared error of {} hidden values:\n", values.count));
        line("| what knows | error |\n|---|---|");
        let rows =
            [("the model", values.squared_error), ("the gene's mean", values.mean_of_gene), ("the mean", values.mean)];
        for (name, error) in rows {
            line(&format!("| {name} | {error:.4} |"));
        }
        return;
    }
    let Some(quality) = report.quality else { return };
    line("| classifier | accuracy | macro-F1 | balanced accuracy |\n|---|---|---|---|");
    let mut row = |name: &str, q: &Quality| {
        line(&format!("| {name} | {:.4} | {:.4} | {:.4} |", q.accuracy, q.macro_f1, q.balanced_accuracy));
    };
    row("this model", &quality);
    report.baselines.iter().for_each(|baseline| row(&baseline.name, &baseline.quality));
    line("\n| class | items | precision | recall | F1 |\n|---|---|---|---|---|");
    for class in &report.classes {
        let (p, r, f1) = (class.precision, class.recall, class.f1);
        line(&format!("| {} | {} | {p:.3} | {r:.3} | {f1:.3} |", class.class, class.support));
    }
}
