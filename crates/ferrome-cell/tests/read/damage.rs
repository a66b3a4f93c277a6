//! Files that were cut or changed: an error of one line, or cells; nothing else.

use std::fs;
use std::path::Path;

use super::{message, shared, whole};
use ferrome_cell::read::ReadOptions;

fn specimen(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/specimens/cells").join(name)).unwrap()
}

/// Reads bytes as a file; an error must name the file and be one line.
fn outcome(folder: &Path, bytes: &[u8]) -> Result<usize, String> {
    let path = folder.join("damaged.h5ad");
    fs::write(&path, bytes).unwrap();
    let path = path.as_path();
    match whole(path, &ReadOptions::default()) {
        Ok((_, cells)) => Ok(cells.len()),
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with(&path.display().to_string()) && !text.contains('\n'), "{text}");
            Err(text)
        }
    }
}

#[test]
fn files_that_were_cut() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["shuffle_gzip.h5ad", "nullable.h5ad", "dense.h5ad", "cells.loom"] {
        let bytes = specimen(name);
        for length in (0..bytes.len()).step_by(331) {
            assert!(outcome(folder.path(), &bytes[..length]).is_err(), "{name} cut at {length}");
        }
    }
}

#[test]
fn files_with_a_changed_byte() {
    let folder = tempfile::tempdir().unwrap();
    let step = std::env::var("FERROME_FLIP_STEP").map_or(101, |step| step.parse().unwrap());
    for name in ["shuffle_gzip.h5ad", "lzf.h5ad", "csc.h5ad", "nullable.h5ad", "dense_tiles.h5ad", "cells.loom"] {
        let bytes = specimen(name);
        let mut errors = 0;
        for place in (0..bytes.len()).step_by(step) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[place] ^= flip;
                errors += usize::from(outcome(folder.path(), &bytes).is_err());
            }
        }
        assert!(errors > 0, "{name}");
    }
}

#[test]
fn a_cut_file_says_so() {
    let Some(folder) = shared("derived_celltypist_ensembl") else { return };
    let bytes = fs::read(folder.join("human559_ensembl_csr.h5ad")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.h5ad");
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(message(&path, &ReadOptions::default()), "the file was cut: 1717823 of its 3435647 bytes are there");
}

#[test]
fn files_that_are_no_matrix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let expected = "expected an HDF5 file (h5ad, 10x, loom), Parquet or a 10x matrix, found ";
    for (bytes, found) in [
        (&b"version https://git-lfs.github.com/spec/v1\n"[..], "a Git LFS pointer (run `git lfs pull`)"),
        (b"PK\x03\x04", "a zip archive (unpack it first)"),
        (b"<!DOCTYPE html>", "a web page or XML"),
        (b"cell,gene\n", "something else"),
    ] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(message(&path, &ReadOptions::default()), format!("{expected}{found}"));
    }
    fs::write(&path, b"").unwrap();
    assert_eq!(message(&path, &ReadOptions::default()), "the file is empty");
    assert_eq!(
        message(folder.path(), &ReadOptions::default()),
        "the folder holds no matrix.mtx, no Parquet and no dataset"
    );
    let missing = folder.path().join("missing.h5ad");
    assert!(whole(&missing, &ReadOptions::default()).unwrap_err().to_string().contains("missing.h5ad"));
}
