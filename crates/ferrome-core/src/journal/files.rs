//! Names of a run's files, and writing them whole.

use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err::File;

use crate::Result;
use crate::table::failed;

pub(super) const JOURNAL: &str = "run.json";
pub(super) const LOCK: &str = "lock";
/// How the name of a small file ends that is being written.
const UNFINISHED: &str = ".ferrome-tmp";

/// The names in a folder, sorted; none where there is no such folder.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.try_exists()? {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

/// The number in `part-00012.parquet` or `part-00012.arrow`.
pub(super) fn part_number(name: &str) -> Option<usize> {
    let name = name.strip_prefix("part-")?;
    let digits = name.strip_suffix(".parquet").or_else(|| name.strip_suffix(".arrow"))?;
    if digits.len() < 5 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Whether a run writes shards of this name: `data-00000-of-00003.arrow`.
pub(super) fn is_shard(name: &str) -> bool {
    let numbers = name.strip_prefix("data-").and_then(|rest| rest.strip_suffix(".arrow"));
    let numbers = numbers.and_then(|numbers| numbers.split_once("-of-"));
    numbers
        .is_some_and(|(number, of)| [number, of].iter().all(|n| n.len() >= 5 && n.bytes().all(|b| b.is_ascii_digit())))
}

/// Whether a run writes files of this name into its work folder.
pub(super) fn is_ours(name: &str) -> bool {
    let beside = |rest: &str| rest.ends_with(".spill") || rest.ends_with(".json");
    let ours = name.strip_prefix("part-").is_some_and(beside) || part_number(name).is_some();
    ours || name.ends_with(".tmp") || is_unfinished(name) || name == JOURNAL || name == LOCK
}

/// Whether [`write_whole`] was stopped before it gave the file its name.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.ends_with(UNFINISHED)
}

/// Writes a file as `NAME.ferrome-tmp` beside its place, syncs it and renames it, so that it is there whole or not at all.
///
/// # Errors
///
/// The file cannot be written; a full disk is told apart.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    write_synced(&unfinished, content)?;
    publish(&unfinished, path)
}

/// Writes and syncs a file in its place.
pub(crate) fn write_synced(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(content.as_ref())?;
        file.sync_all()
    };
    write().map_err(|error| failed(path, error))
}

/// Renames a synced file into place, and syncs the folder.
pub(crate) fn publish(unfinished: &Path, path: &Path) -> Result<()> {
    fs_err::rename(unfinished, path)?;
    // Not every file system lets a folder be synced; the rename itself is atomic on all.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && let Ok(folder) = std::fs::File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_have_five_digits_or_more() {
        assert_eq!(part_number("part-00012.parquet"), Some(12));
        assert_eq!(part_number("part-123456.parquet"), Some(123_456));
        for name in
            ["part-12.parquet", "part-0001a.parquet", "part-00001.parquet.tmp", "part-+0001.parquet", "x.parquet"]
        {
            assert_eq!(part_number(name), None, "{name}");
        }
    }

    #[test]
    fn file_on_a_full_disk_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("run.json.ferrome-tmp")).unwrap();
        let path = folder.path().join("run.json");
        assert_eq!(
            write_whole(&path, b"{}").unwrap_err().to_string(),
            format!(
                "{}.ferrome-tmp: no space left on device; what is done is kept: make room and run the same command again",
                path.display()
            )
        );
        assert!(!path.exists());
    }

    #[test]
    fn neighbour_with_a_suffix_for_temporary_files_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("report.tmp"), "a user's").unwrap();
        write_whole(&folder.path().join("report.html"), "<html>").unwrap();
        assert_eq!(fs_err::read(folder.path().join("report.tmp")).unwrap(), b"a user's");
        assert_eq!(names(folder.path()).unwrap(), ["report.html", "report.tmp"]);
    }
}
