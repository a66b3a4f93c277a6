//! What a finished run writes.

use std::fmt::Write;

use ferrome_core::journal::write_whole;
use serde::Serialize;

use super::frequency::Frequencies;
use super::lesson::{Goal, Lesson, Part, Predictions};
use super::mask::Tokens;
use super::network::Network;
use super::state::State;
use super::{Baseline, Baselines, HiddenValues, Start, baselines, card, measured, save, values};
use crate::classification::{ClassQuality, Confusion, Quality, draw_confusion};
use crate::{Error, Result};

/// How good a model is on the items that it was not trained on and that chose nothing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was learnt: hidden genes or values, classes of cells or of genes.
    pub learnt: String,
    /// Items that were trained on, chose the epoch, are tested on.
    pub items: [usize; 3],
    /// Which part the numbers are of: test, or validation where nothing was left to test on.
    pub on: String,
    /// Mean cross-entropy, in nats; of hidden values the loss that was learnt from.
    pub loss: f64,
    /// Hidden genes of the test part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_genes: Option<usize>,
    /// What simple statistics reach on the same hidden genes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequencies: Option<Baselines>,
    /// Hidden values of the part, and what simple statistics reach on them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_values: Option<HiddenValues>,
    /// How good the classes are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// What simple classifiers reach.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Baseline>,
    /// Each class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassQuality>,
    /// Truth against prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
}

/// Evaluates the best weights, which `network` holds, and writes everything.
pub(super) fn finish(start: &Start, lesson: &Lesson, network: &Network, state: &State) -> Result<Report> {
    let _guard = tch::no_grad_guard();
    let folder = start.folder;
    let part = if lesson.split.test.is_empty() { Part::Validation } else { Part::Test };
    let found = lesson.evaluate(network, part)?;
    let split = &lesson.split;
    let learnt = match &lesson.goal {
        Goal::Hidden(_) => "hidden genes",
        Goal::Values(_) => "hidden values",
        Goal::Cells { .. } => "classes of cells",
        Goal::Genes(_) => "classes of genes",
    };
    let mut report = Report {
        learnt: learnt.into(),
        items: [split.train.len(), split.validation.len(), split.test.len()],
        on: if part == Part::Test { "test".into() } else { "validation".into() },
        loss: found.loss,
        ..Report::default()
    };
    if let Goal::Hidden(known) = &lesson.goal {
        let (hidden, frequencies) = frequencies(lesson, known, part);
        (report.hidden_genes, report.frequencies) = (Some(hidden), Some(frequencies));
    } else if let Goal::Values(known) = &lesson.goal {
        let train = lesson.items(Part::Train).iter().map(|&cell| lesson.cell(cell));
        let error = found.squared_error.unwrap_or(f64::NAN);
        report.hidden_values = Some(values::evaluate(train, known, &lesson.masked_values(part), error));
    } else if let Some(classes) = lesson.classes() {
        let confusion = found.predictions.confusion(&classes.names);
        write_whole(&folder.join("confusion.svg"), draw_confusion(&confusion)?)?;
        write_whole(&folder.join("predictions.csv"), predictions(lesson, &found.predictions, &classes.names)?)?;
        report.baselines = if part == Part::Test { baselines::all(start, lesson)? } else { Vec::new() };
        (report.quality, report.classes) = (Some(confusion.quality()), confusion.of_classes());
        report.confusion = Some(confusion);
    }
    save::model(start, lesson, network)?;
    measured::write(&state.measured, folder)?;
    let failed = |e: serde_json::Error| Error::Train(e.to_string());
    write_whole(&folder.join("train.json"), serde_json::to_string_pretty(start.config).map_err(failed)? + "\n")?;
    write_whole(&folder.join("split.json"), split_json(lesson)?)?;
    write_whole(&folder.join("report.json"), serde_json::to_string_pretty(&report).map_err(failed)? + "\n")?;
    write_whole(&folder.join("README.md"), card::card(start, lesson, state, &report))?;
    Ok(report)
}

fn frequencies(lesson: &Lesson, known: &Tokens, part: Part) -> (usize, Baselines) {
    let train = lesson.items(Part::Train).iter().map(|&cell| lesson.tokens(cell));
    let masked = lesson.masked(part);
    let hidden = masked.iter().map(|masked| masked.places.len()).sum();
    (hidden, Frequencies::new(train, known).evaluate(&masked))
}

/// Names of the items of each part.
fn split_json(lesson: &Lesson) -> Result<String> {
    let names = |part| lesson.items(part).iter().map(|&item| lesson.name(item)).collect::<Vec<_>>();
    let value = serde_json::json!({
        "train": names(Part::Train), "validation": names(Part::Validation), "test": names(Part::Test),
    });
    Ok(serde_json::to_string(&value).map_err(|e| Error::Train(e.to_string()))? + "\n")
}

fn predictions(lesson: &Lesson, found: &Predictions, classes: &[String]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Error::Train(e.to_string());
    let class = |class: usize| classes.get(class).map_or("", String::as_str);
    let key = if matches!(lesson.goal, Goal::Genes(_)) { "gene" } else { "cell_id" };
    writer.write_record([key, "truth", "label", "probability"]).map_err(failed)?;
    let rows = found.items.iter().zip(&found.truth).zip(&found.predicted).zip(&found.probability);
    for (((&item, &truth), &predicted), probability) in rows {
        let mut number = String::new();
        let _ = write!(number, "{probability:.6}"); // writing into a String does not fail
        writer.write_record([lesson.name(item), class(truth), class(predicted), &number]).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|e| Error::Train(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| Error::Train(e.to_string()))
}
