//! Joining the parts of a plan into the table that one process would have written.

use std::fmt;
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, Schema, SchemaRef};

use super::manifest::{Manifest, QUARANTINE};
use super::{Shard, files, plan};
use crate::engine::Summary;
use crate::fingerprint::{self, hex};
use crate::interrupt::Interrupt;
use crate::journal::{PartRecord, RunDescription, Statistics, Workplace};
use crate::table::{Columns, Format, Output, merge_parts, part};
use crate::{Error, Result};

/// The parts of a plan, found whole.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The parts, in order.
    pub parts: Vec<PathBuf>,
    /// What the run of one process would say of itself.
    pub description: RunDescription,
    /// Rows of the input and what became of them.
    pub summary: Summary,
    statistics: Statistics,
    /// What each part says of itself.
    records: Vec<PartRecord>,
    schema: SchemaRef,
}

/// Checks that every shard of the plan in `folder` is there, whole, and of this plan.
///
/// # Errors
///
/// [`Error::NoPlan`], [`Error::ShardsMissing`], [`Error::PlanDiffers`], or a part is not what its shard wrote.
pub fn gather(folder: &Path) -> Result<Gathered> {
    let plan = plan::read(folder)?;
    let shards = shards(folder, &plan)?;
    let found = shards.iter().map(|&shard| Ok((shard, Manifest::read(&files::manifest(folder, shard))?)));
    let found: Vec<(Shard, Option<Manifest>)> = found.collect::<Result<_>>()?;
    let there = |shard: &Shard| shard.output(folder).is_ok_and(|output| output.path().is_file());
    let missing = found.iter().filter(|(shard, manifest)| manifest.is_none() || !there(shard));
    let missing: Vec<u32> = missing.map(|(shard, _)| shard.index).collect();
    if !missing.is_empty() {
        return Err(Error::ShardsMissing { path: folder.to_owned(), missing: ranges(&missing), of: shards.len() });
    }
    let (mut parts, mut records, mut statistics) = (Vec::new(), Vec::new(), Statistics::default());
    let mut quarantine = Vec::new();
    for (shard, manifest) in found {
        let Some(manifest) = manifest else { continue };
        let own = plan::whole(&manifest.common(), manifest.of, manifest.rows_of_input);
        let differences = plan.differences(&own);
        let part = shard.output(folder)?.path().to_owned();
        if !differences.is_empty() {
            return Err(Error::PlanDiffers { path: part, differences });
        }
        let content = fingerprint::file(&part)?;
        if hex(content.hash) != manifest.xxh3 {
            return Err(Error::PartDamaged { path: part, shard: shard.to_string() });
        }
        quarantine.extend(manifest.description.get(QUARANTINE).map(str::to_owned));
        statistics.add(&manifest.statistics);
        let last = shard.index == shard.of;
        records.push(PartRecord { digest: manifest.xxh3, last, statistics: manifest.statistics });
        parts.push(part);
    }
    let schema = schema(&parts)?;
    let mut description = plan.without(&[plan::ROWS, plan::SHARDS]);
    if !quarantine.is_empty() {
        description.set(QUARANTINE, quarantine.join(","));
    }
    let summary = Summary::of_parts(&statistics);
    Ok(Gathered { parts, description, summary, statistics, records, schema })
}

impl Gathered {
    /// Whether the rows are tokens of cells, of which one process makes a folder for `datasets`.
    #[must_use]
    pub fn is_tokens(&self) -> bool {
        self.schema.column_with_name("input_ids").is_some()
    }

    /// Writes all rows, in the order of the input, to `output`, which appears whole or not at all.
    ///
    /// # Errors
    ///
    /// The output exists or cannot hold the table, a part is damaged, or the run was stopped.
    pub fn write(&self, output: &Output, overwrite: bool, interrupt: &Interrupt) -> Result<()> {
        let columns = columns(&self.schema);
        columns.check(output)?;
        let place = Workplace::start(output.clone(), self.description.clone(), overwrite)?;
        let stopped = if place.merged()?.is_some() {
            false
        } else if output.format() == Format::HuggingFace {
            !self.streams(&place, interrupt)? || !merge_parts(&place, &columns, &self.statistics, &[], || false)?
        } else {
            !merge_parts(&place, &columns, &self.statistics, &self.parts, || interrupt.is_raised())?
        };
        if stopped {
            return Err(Error::Interrupted {
                done: 0,
                total: Some(self.summary.rows),
                go_on: "run it again".to_owned(),
            });
        }
        place.close()
    }

    /// One Arrow stream for each part; `false` when stopped before the last one.
    fn streams(&self, place: &Workplace, interrupt: &Interrupt) -> Result<bool> {
        self.refuse_others(place)?;
        for (number, (part, record)) in self.parts.iter().zip(&self.records).enumerate() {
            if interrupt.is_raised() {
                return Ok(false);
            }
            if place.finished(number)?.is_some() {
                continue;
            }
            let path = place.unfinished_part(number);
            let mut writer = part::PartWriter::create(&path, self.schema.clone(), &place.description)?;
            for piece in part::pieces(part, &self.schema)? {
                writer.write(&piece?)?;
            }
            writer.finish(&path, record)?;
            place.publish_part(number)?;
        }
        Ok(true)
    }

    /// Refuses finished parts of `place` that are not of these shards: they would be joined with them.
    fn refuse_others(&self, place: &Workplace) -> Result<()> {
        for number in place.finished_parts()? {
            if place.finished(number)?.as_ref() != self.records.get(number) {
                let reason = "it is none of these shards".to_owned();
                return Err(Error::InputChanged { path: place.part(number), reason });
            }
        }
        Ok(())
    }
}

/// All shards of a plan, in order.
fn shards(folder: &Path, plan: &RunDescription) -> Result<Vec<Shard>> {
    let of: Option<u32> = plan.get(plan::SHARDS).and_then(|shards| shards.parse().ok());
    let of = of.ok_or_else(|| Error::PlanUnreadable {
        path: files::plan(folder),
        reason: "does not say how many shards there are".to_owned(),
    })?;
    Ok((1..=of).map(|index| Shard { index, of }).collect())
}

/// The columns of all parts, which must be alike.
fn schema(parts: &[PathBuf]) -> Result<SchemaRef> {
    let mut first: Option<SchemaRef> = None;
    for path in parts {
        let schema = part::schema(path)?;
        match &first {
            Some(first) if *first != schema => {
                let reason = "its columns are not those of the first part".to_owned();
                return Err(Error::Table { path: path.clone(), reason });
            }
            Some(_) => {}
            None => first = Some(schema),
        }
    }
    Ok(first.unwrap_or_else(|| SchemaRef::new(Schema::empty())))
}

/// The columns in their groups: those of the model are the vectors before `error`, or the one number.
fn columns(schema: &Schema) -> Columns {
    let fields = schema.fields();
    let before = fields.len().saturating_sub(1);
    let vectors = fields.iter().take(before).rev();
    let vectors = vectors.take_while(|field| matches!(field.data_type(), DataType::FixedSizeList(..))).count();
    let begin = before.saturating_sub(vectors.max(1));
    let group = |some: &[arrow::datatypes::FieldRef]| Schema::new(some.to_vec());
    let described = group(fields.get(..begin).unwrap_or_default());
    Columns::new(&described, SchemaRef::new(group(fields.get(begin..before).unwrap_or_default())))
}

/// `2, 5-7` of ascending numbers.
fn ranges(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|one, next| one + 1 == *next);
    let text = |run: &[u32]| match run {
        [first, .., last] => format!("{first}-{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    };
    runs.map(text).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shards, {} rows", self.parts.len(), self.summary.rows)?;
        for rejected in &self.summary.rejected {
            write!(f, ", {} rejected ({}, first `{}`)", rejected.count, rejected.kind, rejected.first)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_shards_are_told_in_ranges() {
        assert_eq!(ranges(&[2, 5, 6, 7, 9]), "2, 5-7, 9");
    }
}
