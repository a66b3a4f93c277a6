//! Finished batches on disk, until their part is whole.
//!
//! A spill is an Arrow IPC stream, then 16 bytes that say what the batch was made from, then the XXH3-128 of all before:
//! a spill that was cut short or belongs to another run is never taken for a good one.

use std::io::{Cursor, ErrorKind, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use fs_err::File;
use xxhash_rust::xxh3::xxh3_128;

use crate::table::failed;
use crate::{Error, Result};

/// Writes the computed columns of a batch to `path`, whole or not at all.
pub(super) fn write(path: &Path, batch: &RecordBatch, digest: u128) -> Result<()> {
    let bytes = encode(batch, digest).map_err(|error| failed(path, error))?;
    let unfinished = path.with_extension("spill.tmp");
    let put = || File::create(&unfinished)?.write_all(&bytes);
    put().map_err(|error| failed(&unfinished, error))?;
    fs_err::rename(&unfinished, path)?;
    Ok(())
}

/// Reads a spill that was made from `digest`; `None` when there is none, or it is damaged or made from something else.
pub(super) fn read(path: &Path, digest: u128) -> Result<Option<RecordBatch>> {
    let bytes = match fs_err::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    let Some(stream) = verify(&bytes, digest) else { return Ok(None) };
    let mut reader = StreamReader::try_new(Cursor::new(stream), None).map_err(|error| failed(path, error))?;
    reader.next().transpose().map_err(|error| failed(path, error))
}

/// As [`read`], for a spill that this run has seen.
pub(super) fn read_again(path: &Path, digest: u128) -> Result<RecordBatch> {
    let gone =
        || Error::Table { path: path.to_owned(), reason: "was removed or changed while it was in use".to_owned() };
    read(path, digest)?.ok_or_else(gone)
}

fn encode(batch: &RecordBatch, digest: u128) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    let mut bytes = writer.into_inner()?;
    bytes.extend(digest.to_le_bytes());
    bytes.extend(xxh3_128(&bytes).to_le_bytes());
    Ok(bytes)
}

fn verify(bytes: &[u8], digest: u128) -> Option<&[u8]> {
    let (before, hash) = bytes.split_last_chunk::<16>()?;
    let (stream, made_from) = before.split_last_chunk::<16>()?;
    let good = u128::from_le_bytes(*hash) == xxh3_128(before) && u128::from_le_bytes(*made_from) == digest;
    good.then_some(stream)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array};

    use super::*;

    fn batch() -> RecordBatch {
        RecordBatch::try_from_iter([("x", Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef)]).unwrap()
    }

    #[test]
    fn spill_reads_back_only_for_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part-00000.batch-0000.spill");
        assert_eq!(read(&path, 7).unwrap(), None);
        write(&path, &batch(), 7).unwrap();
        assert_eq!(read(&path, 7).unwrap(), Some(batch()));
        assert_eq!(read(&path, 8).unwrap(), None);
    }

    #[test]
    fn damaged_spill_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.spill");
        write(&path, &batch(), 7).unwrap();
        let bytes = fs_err::read(&path).unwrap();
        for length in 0..bytes.len() {
            fs_err::write(&path, &bytes[..length]).unwrap();
            assert_eq!(read(&path, 7).unwrap(), None, "cut to {length} bytes");
        }
        let mut zeroed = bytes.clone();
        zeroed[100..200].fill(0);
        fs_err::write(&path, zeroed).unwrap();
        assert_eq!(read(&path, 7).unwrap(), None);
    }

    #[test]
    fn spill_that_vanished_is_named() {
        assert_eq!(
            read_again(Path::new("/no/such.spill"), 1).unwrap_err().to_string(),
            "/no/such.spill: was removed or changed while it was in use"
        );
    }
}
