//! What a path holds, seen in its content.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use flate2::read::GzDecoder;

use crate::{Error, Result};

/// The kinds of content that are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Content {
    Hdf5,
    /// A matrix in the Matrix Market format, or the folder of one.
    Mtx,
    /// A Parquet file, or a folder of them.
    Parquet,
    /// A dataset folder: `cells/` and `genes.parquet`.
    Dataset,
}

const MARKET: &[u8] = b"%%MatrixMarket";

const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// What is not read, and what to do about it.
const FOREIGN: [(&[u8], &str); 11] = [
    (b"\x1f\x8b", "gzip data (decompress it first)"),
    (b"version https://git-lfs", "a Git LFS pointer (run `git lfs pull`)"),
    (b"PK\x03\x04", "a zip archive (unpack it first)"),
    (b"BZh", "bzip2 data (decompress it first)"),
    (b"\xFD7zXZ", "xz data (decompress it first)"),
    (b"\x28\xB5\x2F\xFD", "Zstandard data (decompress it first)"),
    (b"BAM\x01", "a BAM file (see `ferrome cell count`)"),
    (b"RDX", "an R data file (convert it to h5ad first)"),
    (b"<", "a web page or XML"),
    (b"\x80", "a pickle (convert it to h5ad first)"),
    (b"%PDF", "a PDF"),
];

/// Looks at the first bytes of a file, or at the names in a folder.
pub(super) fn content(path: &Path) -> Result<Content> {
    if fs_err::metadata(path)?.is_dir() {
        return folder(path);
    }
    let file = fs_err::File::open(path)?.into_file();
    let mut head = [0; 64];
    let length = file.read_at(&mut head, 0)?;
    let head = &head[..length];
    if head.is_empty() {
        return Err(Error::file(path, "the file is empty"));
    }
    if head.starts_with(b"PAR1") {
        return Ok(Content::Parquet);
    }
    if head.starts_with(HDF5) || has_user_block(&file) {
        return Ok(Content::Hdf5);
    }
    if head.starts_with(MARKET) || is_gzip_of_market(&file)? {
        return Ok(Content::Mtx);
    }
    let found = FOREIGN.iter().find(|(mark, _)| head.starts_with(mark)).map_or("something else", |(_, what)| what);
    Err(Error::file(path, format!("expected an HDF5 file (h5ad, 10x, loom), Parquet or a 10x matrix, found {found}")))
}

/// Whether gzip data hold a matrix.
fn is_gzip_of_market(mut file: &File) -> Result<bool> {
    let mut head = [0; MARKET.len()];
    file.seek(SeekFrom::Start(0))?;
    Ok(GzDecoder::new(file).read_exact(&mut head).is_ok() && head == *MARKET)
}

/// HDF5 may begin at 512 bytes, or at any double of it.
fn has_user_block(file: &File) -> bool {
    let mut mark = [0; 8];
    (9..20).any(|power| file.read_exact_at(&mut mark, 1 << power).is_ok() && mark == HDF5)
}

fn folder(path: &Path) -> Result<Content> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let has = |name: &str| names.iter().any(|other| other == name);
    if has("genes.parquet") && has("cells") {
        Ok(Content::Dataset)
    } else if names.iter().any(|name| name.ends_with(".mtx") || name.ends_with(".mtx.gz")) {
        Ok(Content::Mtx)
    } else if names.iter().any(|name| name.ends_with(".parquet")) {
        Ok(Content::Parquet)
    } else if has(".zgroup") || has("zarr.json") || has(".zattrs") {
        Err(Error::file(path, "a zarr store; write it as h5ad first (`anndata.read_zarr(…).write_h5ad(…)`)"))
    } else {
        Err(Error::file(path, "the folder holds no matrix.mtx, no Parquet and no dataset"))
    }
}
