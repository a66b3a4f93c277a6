//! The files of a run: where they lie, what they are called, which of them are done.

use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files::{JOURNAL, LOCK, is_ours, names, part_number, publish, write_whole};
use super::{Lock, PartRecord, RunDescription, Statistics};
use crate::table::{Format, Output, failed, part};
use crate::{Error, Result};

/// `run.json`.
#[derive(Deserialize, Serialize)]
pub(super) struct Journal {
    pub(super) description: RunDescription,
    /// What was done, once the output file is about to get its name.
    pub(super) merged: Option<Statistics>,
}

/// The files of one run, held by its lock.
pub(crate) struct Workplace {
    pub(crate) output: Output,
    pub(crate) description: RunDescription,
    /// `OUT.run/`, or `OUT/_run/` where the output is a folder.
    pub(super) work: PathBuf,
    /// Where finished parts lie.
    pub(super) parts: PathBuf,
    pub(super) lock: Option<Lock>,
}

impl Workplace {
    pub(super) fn new(output: Output, description: RunDescription) -> Self {
        let path = output.path();
        let (work, parts) = match output.format() {
            Format::Dataset => (path.join("_run"), path.to_owned()),
            Format::HuggingFace => (path.join("_run"), path.join("_run")),
            _ => {
                let mut name = path.as_os_str().to_owned();
                name.push(".run");
                (PathBuf::from(&name), PathBuf::from(name))
            }
        };
        Self { output, description, work, parts, lock: None }
    }

    /// A finished part.
    pub(crate) fn part(&self, part: usize) -> PathBuf {
        self.parts.join(format!("part-{part:05}.{}", self.output.format().part_suffix()))
    }

    /// A part that is being written.
    pub(crate) fn unfinished_part(&self, part: usize) -> PathBuf {
        self.work.join(format!("part-{part:05}.{}.tmp", self.output.format().part_suffix()))
    }

    /// Gives a part that is written and synced its name.
    pub(crate) fn publish_part(&self, part: usize) -> Result<()> {
        publish(&self.unfinished_part(part), &self.part(part))
    }

    /// A finished batch of a part in hand.
    pub(crate) fn spill(&self, part: usize, batch: usize) -> PathBuf {
        self.work.join(format!("part-{part:05}.batch-{batch:04}.spill"))
    }

    /// An output file that is being written.
    pub(crate) fn unfinished(&self, name: &str) -> PathBuf {
        self.work.join(format!("{name}.tmp"))
    }

    /// What a part says of itself, where it is finished.
    pub(crate) fn finished(&self, part: usize) -> Result<Option<PartRecord>> {
        let path = self.part(part);
        if !path.try_exists()? {
            return Ok(None);
        }
        let footer = part::footer(&path)?;
        self.compare(&footer.description)?;
        Ok(Some(footer.record))
    }

    /// The records of all parts, when none is missing.
    pub(crate) fn complete(&self) -> Result<Option<Vec<PartRecord>>> {
        let Some(last) = self.finished_parts()?.last().copied() else { return Ok(None) };
        if !self.finished(last)?.is_some_and(|record| record.last) {
            return Ok(None);
        }
        (0..=last).map(|part| self.finished(part)).collect()
    }

    /// The numbers of the finished parts, ascending.
    pub(crate) fn finished_parts(&self) -> Result<Vec<usize>> {
        let mut parts: Vec<usize> = names(&self.parts)?.iter().filter_map(|name| part_number(name)).collect();
        parts.sort_unstable();
        Ok(parts)
    }

    /// What was done, when a run was stopped after its output file got its name and before it tidied up.
    pub(crate) fn merged(&self) -> Result<Option<Statistics>> {
        let files = self.output.files();
        if files.is_empty() || !files.iter().all(|file| file.exists()) {
            return Ok(None);
        }
        Ok(self.journal()?.and_then(|journal| journal.merged))
    }

    /// Removes everything of the run but its output; the journal last.
    pub(crate) fn close(self) -> Result<()> {
        let names = names(&self.work)?.into_iter().filter(|name| is_ours(name) && name != JOURNAL);
        for name in names.chain([JOURNAL.to_owned()]) {
            match fs_err::remove_file(self.work.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        drop(self.lock);
        // A file that is not ours stays, and the folder with it.
        match fs_err::remove_dir(&self.work) {
            Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Refuses an earlier run's description that differs from this one's.
    pub(super) fn compare(&self, earlier: &RunDescription) -> Result<()> {
        self.description.refuse_other(earlier, self.output.path())
    }

    /// What `run.json` says, where it is there.
    pub(super) fn journal(&self) -> Result<Option<Journal>> {
        let path = self.work.join(JOURNAL);
        if !path.try_exists()? {
            return Ok(None);
        }
        let unreadable = |error| Error::JournalUnreadable {
            path: path.clone(),
            reason: format!("is not a journal of ferrome ({error})"),
        };
        serde_json::from_slice(&fs_err::read(&path)?).map(Some).map_err(unreadable)
    }

    /// Writes `run.json`; `merged` says that the output file is about to get its name.
    pub(crate) fn write_journal(&self, merged: Option<Statistics>) -> Result<()> {
        let path = self.work.join(JOURNAL);
        let journal = Journal { description: self.description.clone(), merged };
        let json = serde_json::to_vec_pretty(&journal).map_err(|error| failed(&path, error))?;
        write_whole(&path, &json)
    }

    pub(super) fn take_lock(&mut self) -> Result<()> {
        self.lock = Some(Lock::take(self.work.join(LOCK), self.output.path())?);
        Ok(())
    }
}
