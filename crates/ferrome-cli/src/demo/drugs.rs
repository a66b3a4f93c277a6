//! Drugs: well-known ones against the kinases that they were made for, and others.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Float32Type,
};
use clap::Parser;
use fs_err::File;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{
    drug::{Given, score},
    tell,
};

const DRUGS: &str = "data/demo/drugs.smi";
const KINASES: &str = "data/demo/kinases.fasta";
const MODEL: &str = "ferrome-dta-davis";
/// Drugs that are shown of each target.
const SHOWN: usize = 4;

/// Scores the demo's drugs against its kinases and shows the best of each.
pub(super) fn show(output: &Path) -> Result<()> {
    let (drugs, kinases) = (super::file(DRUGS)?, super::file(KINASES)?);
    let scores = output.join("drugs.parquet");
    let words = ["score".as_ref(), drugs.as_os_str(), "--targets".as_ref(), kinases.as_os_str()];
    let words = words.into_iter().chain(["-m".as_ref(), MODEL.as_ref(), "-o".as_ref(), scores.as_os_str()]);
    score::run(
        &score::Args::try_parse_from(words.chain(["--sort".as_ref(), "--overwrite".as_ref()]))?,
        &Given::default(),
    )?;
    let rows = Row::read_all(&scores)?;
    tell::answer(ranked(&rows))?;
    tell::answer(format_args!("\n{}", strangers(&rows)))?;
    Ok(())
}

/// A drug with a target.
#[derive(Clone, Debug)]
struct Row {
    drug: String,
    target: String,
    score: f32,
    std: f32,
    in_domain: bool,
}

impl Row {
    fn read_all(path: &Path) -> Result<Vec<Self>> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?.into_file())?.build()?;
        let mut rows = Vec::new();
        for batch in reader {
            Self::read(&batch?, &mut rows).with_context(|| format!("{}: not a table of scores", path.display()))?;
        }
        Ok(rows)
    }

    fn read(batch: &RecordBatch, rows: &mut Vec<Self>) -> Option<()> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Float32Type>();
        let ids = text("drug_id")?.iter().zip(text("target_id")?);
        let numbers = number("score")?.iter().zip(number("std")?);
        let inside = batch.column_by_name("in_domain")?.as_boolean_opt()?;
        for (((drug, target), (score, std)), in_domain) in ids.zip(numbers).zip(inside) {
            let (drug, target) = (drug?.to_owned(), target?.to_owned());
            rows.push(Self { drug, target, score: score?, std: std?, in_domain: in_domain? });
        }
        Some(())
    }
}

/// The best drugs of each target, those alone that are like ones that the model was trained on.
fn ranked(rows: &[Row]) -> String {
    let mut lines =
        vec![format!("{:<8}the best of the drugs in the model's domain, pKd with standard deviation", "target")];
    for of in rows.chunk_by(|a, b| a.target == b.target) {
        let best = of.iter().filter(|row| row.in_domain).take(SHOWN);
        let best = best.map(|row| format!("{:<23}", format!("{} {:.1} ± {:.1}", row.drug, row.score, row.std)));
        let target = of.first().map_or("", |row| row.target.as_str());
        lines.push(format!("{target:<8}{}", best.collect::<String>()).trim_end().to_owned());
    }
    lines.join("\n")
}

/// The others, with their highest scores.
fn strangers(rows: &[Row]) -> String {
    let mut best: BTreeMap<&str, f32> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.in_domain) {
        best.entry(&row.drug).and_modify(|score| *score = score.max(row.score)).or_insert(row.score);
    }
    let mut best: Vec<(&str, f32)> = best.into_iter().collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1));
    let names: Vec<String> = best.iter().map(|(drug, score)| format!("{drug} {score:.1}")).collect();
    format!("outside of it, scores that mean little: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(drug: &str, target: &str, score: f32, in_domain: bool) -> Row {
        Row { drug: drug.to_owned(), target: target.to_owned(), score, std: 0.46, in_domain }
    }

    #[test]
    fn strangers_stand_apart() {
        let rows = [
            row("imatinib", "ABL1", 7.31, true),
            row("caffeine", "ABL1", 6.04, false),
            row("aspirin", "ABL1", 5.0, false),
            row("sorafenib", "ABL1", 4.96, true),
            row("aspirin", "KIT", 6.5, false),
        ];
        let expected = "\
target  the best of the drugs in the model's domain, pKd with standard deviation
ABL1    imatinib 7.3 ± 0.5     sorafenib 5.0 ± 0.5
KIT";
        assert_eq!(ranked(&rows), expected);
        assert_eq!(strangers(&rows), "outside of it, scores that mean little: aspirin 6.5, caffeine 6.0");
    }
}
