//! Starting a run: a new one, the rest of an earlier one, or none because the output is not to be touched.

use std::path::PathBuf;

use super::files::{LOCK, is_ours, is_shard, is_unfinished, names, part_number};
use super::{RunDescription, Workplace};
use crate::table::{Output, part};
use crate::{Error, Result};

/// Refuses an output that a run would not touch: one that exists (without `overwrite`), or a folder with files of someone
/// else. Every run looks for itself; this is for looking before a model is loaded.
///
/// # Errors
///
/// [`Error::OutputExists`], [`Error::OutputForeign`], or the journal of an earlier run cannot be read.
pub fn refuse_output(output: &Output, overwrite: bool) -> Result<()> {
    Workplace::new(output.clone(), RunDescription::new()).refuse(overwrite)
}

impl Workplace {
    /// Locks the output and makes its work folder, or goes on with that of an earlier run with the same description.
    ///
    /// # Errors
    ///
    /// The output exists, belongs to someone else or to another run, or an earlier run had another description.
    pub(crate) fn start(output: Output, description: RunDescription, overwrite: bool) -> Result<Self> {
        let mut place = Self::new(output, description);
        place.refuse(overwrite)?;
        if place.output.format().is_folder() {
            fs_err::create_dir_all(place.output.path())?;
        }
        let new = !place.work.is_dir();
        if new {
            fs_err::create_dir(&place.work)?;
        }
        match place.go_on(overwrite) {
            Ok(()) => Ok(place),
            Err(error) => {
                // A refused run leaves nothing behind.
                if new {
                    place.close()?;
                }
                Err(error)
            }
        }
    }

    fn go_on(&mut self, overwrite: bool) -> Result<()> {
        self.take_lock()?;
        if overwrite {
            self.clear()?;
        }
        match self.earlier()? {
            Some(earlier) => self.compare(&earlier),
            None => self.write_journal(None),
        }
    }

    /// The description of an earlier run: in its journal, or in its parts when it was finished.
    fn earlier(&self) -> Result<Option<RunDescription>> {
        if let Some(journal) = self.journal()? {
            return Ok(Some(journal.description));
        }
        let parts = self.finished_parts()?;
        parts.first().map(|&number| part::footer(&self.part(number)).map(|footer| footer.description)).transpose()
    }

    /// Refuses an output that is not to be touched.
    fn refuse(&self, overwrite: bool) -> Result<()> {
        if !overwrite {
            self.refuse_existing()?;
        }
        self.refuse_foreign()
    }

    /// Refuses a finished output file, unless a run was stopped while it gave its files their names or tidied up.
    fn refuse_existing(&self) -> Result<()> {
        match self.output.files().into_iter().find(|file| file.exists()) {
            Some(path) if self.journal()?.is_none_or(|journal| journal.merged.is_none()) => {
                Err(Error::OutputExists { path })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a folder that holds anything that no run wrote.
    fn refuse_foreign(&self) -> Result<()> {
        let foreign = |path: PathBuf, file: String| Err(Error::OutputForeign { path, file });
        if self.work.is_dir()
            && let Some(file) = names(&self.work)?.into_iter().find(|name| !is_ours(name))
        {
            return foreign(self.work.clone(), file);
        }
        let folder = self.output.path();
        if !self.output.format().is_folder() || !folder.is_dir() {
            return Ok(());
        }
        let files = self.output.files();
        for name in names(folder)? {
            let ours = match part_number(&name) {
                Some(number) if self.parts == folder => part::footer(&self.part(number)).is_ok(),
                _ => is_shard(&name) || is_unfinished(&name) || files.contains(&folder.join(&name)),
            };
            if !ours && name != "_run" && !name.starts_with('.') {
                return foreign(folder.to_owned(), name);
            }
        }
        Ok(())
    }

    /// Removes what earlier runs wrote; the lock stays.
    fn clear(&self) -> Result<()> {
        let own = names(&self.work)?.into_iter().filter(|name| name != LOCK).map(|name| self.work.join(name));
        let mut files: Vec<PathBuf> = own.collect();
        if self.output.format().is_folder() {
            let parts = names(self.output.path())?.into_iter();
            let parts = parts.filter(|name| part_number(name).is_some() || is_shard(name) || is_unfinished(name));
            files.extend(parts.map(|name| self.output.path().join(name)));
        }
        files.extend(self.output.files());
        files.sort_unstable();
        files.dedup();
        for file in files.into_iter().filter(|file| file.exists()) {
            fs_err::remove_file(file)?;
        }
        Ok(())
    }
}
