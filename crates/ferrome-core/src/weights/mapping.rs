//! The memory map of weights: one of the three files of Ferrome with `unsafe` code (docs/architecture.md).

use std::io;
use std::ops::Range;
use std::path::Path;

use fs_err::File;
use memmap2::Mmap;

use super::Problem;
use crate::{Error, Result};

/// The bytes of a weight file, mapped or in memory.
#[derive(Debug)]
pub(super) enum Mapping {
    /// A file on disk, mapped read-only.
    Mapped(Mmap),
    /// Bytes handed over by the caller.
    Owned(Vec<u8>),
}

impl Mapping {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// There is no such file, it is a folder, it is empty, or the system refuses to read it.
    #[expect(unsafe_code, reason = "a memory map keeps peak memory near the size of the weights")]
    pub(super) fn open(path: &Path) -> Result<Mapping> {
        if !path.exists() {
            return Err(Error::weights(path, Problem::Missing));
        }
        if path.is_dir() {
            return Err(Error::weights(path, Problem::IsFolder));
        }
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Err(Error::weights(path, Problem::Empty));
        }
        // SAFETY: the map is read-only and private to this type, and `&[u8]` is handed out only while it lives. As for
        // every memory map, another process that truncates the file meanwhile ends this one with SIGBUS; no data that
        // were read before become invalid as Rust values, since any byte is a valid `u8`.
        let map = unsafe { Mmap::map(file.file()) };
        let map = map.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Ok(Mapping::Mapped(map))
    }

    /// All bytes of the file.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Mapping::Mapped(map) => map,
            Mapping::Owned(bytes) => bytes,
        }
    }

    /// Gives the pages of `range` back to the system; they are read from disk again when they are needed again.
    #[cfg_attr(unix, expect(unsafe_code, reason = "mapped pages that were copied would count twice in memory"))]
    pub(super) fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Mapping::Mapped(map) = self
            && !range.is_empty()
            && range.end <= map.len()
        {
            // SAFETY: `DontNeed` drops pages of a read-only, file-backed, shared map, and the kernel fills them from
            // the same file on the next access, so that slices that other threads hold keep their contents.
            let advised =
                unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len()) };
            drop(advised); // advice only: a system that declines it merely uses more memory
        }
        #[cfg(not(unix))]
        drop(range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kilobytes of the mapping of `path` that are in memory, by `/proc/self/smaps`.
    #[cfg(target_os = "linux")]
    fn resident_kb(path: &Path) -> usize {
        let smaps = fs_err::read_to_string("/proc/self/smaps").unwrap();
        let from = smaps.find(&path.display().to_string()).unwrap();
        let line = smaps[from..].lines().find(|line| line.starts_with("Rss:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn release_gives_pages_back_and_keeps_their_contents() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), vec![7; 8 << 20]).unwrap();
        let mapping = Mapping::open(file.path()).unwrap();
        assert!(mapping.bytes().iter().all(|&byte| byte == 7));
        assert!(resident_kb(file.path()) >= 8 << 10);
        mapping.release(0..8 << 20);
        assert!(resident_kb(file.path()) < 1 << 10);
        assert!(mapping.bytes().iter().all(|&byte| byte == 7));
    }

    #[test]
    fn release_of_a_range_past_the_end_does_nothing() {
        Mapping::Owned(vec![1]).release(0..9);
    }
}
