use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The files of a matrix.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Files {
    pub(super) matrix: PathBuf,
    pub(super) features: PathBuf,
    pub(super) barcodes: PathBuf,
}

const FEATURES: [&str; 6] = ["features.tsv", "genes.tsv", "features.txt", "genes.txt", "features.csv", "genes.csv"];
const BARCODES: [&str; 3] = ["barcodes.tsv", "barcodes.txt", "barcodes.csv"];

impl Files {
    /// The files in a folder, or those beside a `.mtx` file.
    pub(super) fn find(path: &Path) -> Result<Self> {
        let matrix = if path.is_dir() { matrix(path)? } else { path.to_owned() };
        let folder = matrix.parent().unwrap_or(Path::new("")).to_owned();
        let name = matrix.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".gz").trim_end_matches(".mtx");
        let before = stem.strip_suffix("matrix").map(str::to_owned);
        let prefixes: Vec<String> =
            before.into_iter().chain([format!("{stem}."), format!("{stem}_"), String::new()]).collect();
        let beside = |names: &[&str]| {
            let find = |prefix: &String| {
                let plain = names.iter().map(|name| folder.join(format!("{prefix}{name}")));
                let gzip = names.iter().map(|name| folder.join(format!("{prefix}{name}.gz")));
                plain.chain(gzip).find(|path| path.is_file())
            };
            let first = names.first().copied().unwrap_or_default();
            let missing = || Error::file(&matrix, format!("there is no {first} (or {first}.gz, …) beside it"));
            prefixes.iter().find_map(find).ok_or_else(missing)
        };
        Ok(Self { features: beside(&FEATURES)?, barcodes: beside(&BARCODES)?, matrix: matrix.clone() })
    }
}

/// The matrix in a folder: `matrix.mtx`, `matrix.mtx.gz`, or the only other one.
fn matrix(folder: &Path) -> Result<PathBuf> {
    for name in ["matrix.mtx", "matrix.mtx.gz"] {
        let path = folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".mtx") || name.ends_with(".mtx.gz") {
            found.push(name);
        }
    }
    found.sort();
    match &found[..] {
        [name] => Ok(folder.join(name)),
        [] => Err(Error::file(folder, "the folder holds no matrix.mtx")),
        _ => Err(Error::file(folder, format!("the folder holds several matrices: {}", found.join(", ")))),
    }
}
