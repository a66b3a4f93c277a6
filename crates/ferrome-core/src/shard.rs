//! One job cut into shards that separate processes compute: a SLURM array, actors of Ray, or one after the other.
//!
//! A [`Shard`] is a contiguous range of the rows of the input, which depends on nothing but their number and the number of
//! shards. Its run is an ordinary one (it has a journal, goes on where it was, and its output appears whole) into
//! `OUT/part-00003-of-00016.parquet`. `OUT/_plan/plan.json` holds what all shards have in common, and each finished one adds its
//! `OUT/_plan/part-00003-of-00016.json`. No file is written by two shards, so nothing needs to be locked between machines.
//! [`gather`] checks that all are there and joins them.

mod files;
mod gather;
mod manifest;
mod plan;
mod rows;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::engine::Rejection;
use crate::journal::{RunDescription, Statistics};
use crate::table::Output;
use crate::{Error, Result};

pub use gather::{Gathered, gather};
pub use rows::RowList;

use manifest::Manifest;

/// Shard `index` of `of`, counted from 1.
///
/// ```
/// use ferrome_core::shard::Shard;
///
/// let shards: Vec<Shard> = ["1/3", "2/3", "3/3"].iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
/// let rows: Vec<_> = shards.iter().map(|shard| shard.rows(10)).collect();
/// assert_eq!(rows, [0..3, 3..6, 6..10]);
/// assert_eq!(shards[2].name(), "part-00003-of-00003");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// Its rows, counted from 0, of an input of `total` rows.
    #[must_use]
    pub fn rows(self, total: u64) -> Range<u64> {
        let edge = |index: u32| {
            let edge = u128::from(total) * u128::from(index) / u128::from(self.of.max(1));
            u64::try_from(edge).unwrap_or(total)
        };
        edge(self.index.saturating_sub(1))..edge(self.index)
    }

    /// The name of its part, without suffix.
    #[must_use]
    pub fn name(self) -> String {
        format!("part-{:05}-of-{:05}", self.index, self.of)
    }

    /// Where its rows go in the folder of its plan.
    ///
    /// # Errors
    ///
    /// None: the name of a part has a suffix that is known.
    pub fn output(self, folder: &Path) -> Result<Output> {
        Output::parse(folder.join(format!("{}.parquet", self.name())))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        let Some((index, of)) = numbers else {
            return Err("expected I/N, shard I of N, such as 3/16".to_owned());
        };
        match (index, of) {
            (_, 0) => Err("expected at least one shard".to_owned()),
            (0, of) => Err(format!(
                "shards are counted from 1: expected 1/{of} to {of}/{of} (in an array that begins with 0, pass \
                 $((SLURM_ARRAY_TASK_ID + 1))/{of})"
            )),
            (index, of) if index > of => Err(format!("there are only {of} shards: expected 1/{of} to {of}/{of}")),
            (index, of) => Ok(Self { index, of }),
        }
    }
}

/// A shard with the rows that are its own, as a run needs them.
#[derive(Clone, Debug)]
pub struct Portion {
    shard: Shard,
    folder: PathBuf,
    total: u64,
    quarantine: RowList,
}

/// What [`Portion::begin`] found.
pub(crate) struct Begun {
    /// The description of the shard's run.
    pub(crate) description: RunDescription,
    /// What an earlier run did, when it did everything.
    pub(crate) done: Option<Statistics>,
}

impl Portion {
    /// The part of `shard` of an input of `total` rows, for the plan in `folder`; rows in `quarantine` are not computed.
    ///
    /// # Errors
    ///
    /// [`Error::Quarantine`]: a row of `quarantine` is not in the input.
    pub fn new(shard: Shard, folder: &Path, total: u64, quarantine: RowList) -> Result<Self> {
        if quarantine.last().is_some_and(|row| row > total) {
            return Err(Error::Quarantine { rows: quarantine.to_string(), total });
        }
        let quarantine = quarantine.within(&shard.rows(total));
        Ok(Self { shard, folder: folder.to_owned(), total, quarantine })
    }

    /// Its rows, counted from 0.
    #[must_use]
    pub fn rows(&self) -> Range<u64> {
        self.shard.rows(self.total)
    }

    /// The number of its rows.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows().end - self.rows().start
    }

    /// Whether it has none, because there are more shards than rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why row `row` (counted from 0) is not to be computed; `None` for others.
    #[must_use]
    pub fn quarantined(&self, row: u64) -> Option<Rejection> {
        self.quarantine.find(row).map(|rows| Rejection::quarantined(&rows))
    }

    /// Its rows out of those of the whole input; an error among rows that are passed over is not.
    pub fn select<T, E, R>(&self, mut rows: R) -> impl Iterator<Item = Result<T, E>> + use<T, E, R>
    where
        R: Iterator<Item = Result<T, E>>,
    {
        let own = self.rows();
        let mut left = usize::try_from(own.end - own.start).unwrap_or(usize::MAX);
        let mut passed = 0;
        std::iter::from_fn(move || {
            while passed < own.start {
                passed += 1;
                match rows.next()? {
                    Ok(_) => {}
                    Err(error) => {
                        left = 0;
                        passed = own.start;
                        return Some(Err(error));
                    }
                }
            }
            left = left.checked_sub(1)?;
            rows.next()
        })
    }

    /// Joins the plan with what all of its shards have in common, or begins it.
    pub(crate) fn begin(&self, common: &RunDescription, overwrite: bool) -> Result<Begun> {
        files::refuse_foreign(&self.folder)?;
        plan::join(&self.folder, self.shard, &plan::whole(common, self.shard.of, self.total))?;
        let mut description = common.clone();
        description.set(manifest::SHARD, self.describe());
        if !self.quarantine.is_empty() {
            description.set(manifest::QUARANTINE, &self.quarantine);
        }
        let path = files::manifest(&self.folder, self.shard);
        let part = self.shard.output(&self.folder)?.path().to_owned();
        if overwrite || !part.exists() {
            files::remove(&path)?;
        }
        let Some(manifest) = Manifest::read(&path)? else { return Ok(Begun { description, done: None }) };
        description.refuse_other(&manifest.description, &part)?;
        Ok(Begun { description, done: Some(manifest.statistics) })
    }

    /// Says that the shard's part is there.
    pub(crate) fn finish(&self, description: &RunDescription, done: &Statistics) -> Result<()> {
        let part = self.shard.output(&self.folder)?;
        let content = crate::fingerprint::file(part.path())?;
        let manifest = Manifest {
            shard: self.shard.index,
            of: self.shard.of,
            first_row: self.rows().start + 1,
            rows: self.len(),
            rows_of_input: self.total,
            bytes: content.bytes,
            xxh3: crate::fingerprint::hex(content.hash),
            description: description.clone(),
            statistics: done.clone(),
        };
        manifest.write(&files::manifest(&self.folder, self.shard))
    }

    fn describe(&self) -> String {
        let Range { start, end } = self.rows();
        if self.is_empty() {
            return format!("{}, none of {} rows", self.shard, self.total);
        }
        format!("{}, rows {} to {end} of {}", self.shard, start + 1, self.total)
    }
}

#[cfg(test)]
mod tests;
