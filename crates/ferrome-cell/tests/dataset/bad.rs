//! Outputs that are not ours, and datasets that are not whole.

use std::path::Path;

use ferrome_cell::read::dataset::DatasetReader;
use tempfile::tempdir;

use crate::memory::{files, options, write};

fn refusal(path: &Path) -> String {
    DatasetReader::open(path).err().unwrap().to_string()
}

#[test]
fn output_that_is_not_ours_is_left_alone() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mine");
    fs_err::create_dir(&path).unwrap();
    fs_err::write(path.join("thesis.tex"), "mine").unwrap();
    let message = write(10, &path, &options(500)).unwrap_err().to_string();
    let shown = path.display();
    assert_eq!(
        message,
        format!("{shown}: holds `thesis.tex`, which ferrome did not write; choose an empty or new folder for -o")
    );
    assert_eq!(files(&path), [("thesis.tex".to_owned(), b"mine".to_vec())]);
    let file = path.join("thesis.tex");
    assert_eq!(
        write(10, &file, &options(500)).unwrap_err().to_string(),
        format!("{}: exists already; pass --overwrite to replace it, or choose another name", file.display())
    );
}

#[test]
fn other_options_into_the_same_dataset_are_refused_and_overwritten_on_demand() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    write(100, &path, &options(500)).unwrap();
    let before = files(&path);
    let message = write(100, &path, &options(400)).unwrap_err().to_string();
    let shown = path.join("cells/");
    assert_eq!(
        message,
        format!(
            "{}: an earlier run into this output differs: block was `500`, now `400`; pass --overwrite to start anew, or \
             choose another -o",
            shown.display()
        )
    );
    assert_eq!(files(&path), before);
    let mut again = options(400);
    again.engine.overwrite = true;
    assert_eq!(write(100, &path, &again).unwrap().summary.rows, 100);
    assert_ne!(files(&path), before);
}

#[test]
fn missing_part_is_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    write(100, &path, &options(200)).unwrap();
    let last = files(&path).into_iter().rfind(|(name, _)| name.starts_with("cells/")).unwrap().0;
    fs_err::rename(path.join(&last), folder.path().join("last")).unwrap();
    assert_eq!(refusal(&path), format!("{}: its last part is missing", path.display()));
    fs_err::rename(folder.path().join("last"), path.join(&last)).unwrap();
    fs_err::remove_file(path.join("cells/part-00001.parquet")).unwrap();
    let next = path.join("cells/part-00002.parquet");
    assert_eq!(refusal(&path), format!("{}: part 1 is missing: the next file is {}", path.display(), next.display()));
}

#[test]
fn part_of_another_dataset_is_refused() {
    let folder = tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    write(100, &one, &options(1 << 20)).unwrap();
    write(99, &two, &options(1 << 20)).unwrap();
    fs_err::copy(two.join("cells/part-00000.parquet"), one.join("cells/part-00000.parquet")).unwrap();
    let (part, genes) = (one.join("cells/part-00000.parquet"), one.join("genes.parquet"));
    assert_eq!(refusal(&one), format!("{}: belongs to other genes than {}", part.display(), genes.display()));
}

#[test]
fn unfinished_dataset_says_how_to_finish_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    write(100, &path, &options(500)).unwrap();
    fs_err::create_dir(path.join("cells/_run")).unwrap();
    let expected = "is not finished: the run that writes it was stopped; run the same command again";
    assert_eq!(refusal(&path), format!("{}: {expected}", path.display()));
}

#[test]
fn part_that_is_cut_short_is_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    write(100, &path, &options(1 << 20)).unwrap();
    let part = path.join("cells/part-00000.parquet");
    let bytes = fs_err::read(&part).unwrap();
    fs_err::write(&part, &bytes[..bytes.len() / 2]).unwrap();
    let message = refusal(&path);
    assert!(message.starts_with(&format!("{}: is no readable Parquet file (", part.display())), "{message}");
    assert!(!message.contains('\n'));
}

#[test]
fn genes_without_metadata_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("set");
    write(10, &path, &options(500)).unwrap();
    fs_err::copy(path.join("cells/part-00000.parquet"), path.join("genes.parquet")).unwrap();
    assert_eq!(
        refusal(&path),
        format!(
            "{}: is not the genes of a dataset: its footer has no `ferrome.dataset`",
            path.join("genes.parquet").display()
        )
    );
}
