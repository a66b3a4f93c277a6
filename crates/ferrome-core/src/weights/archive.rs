//! PyTorch's zip format, since 1.6: `<name>/data.pkl` beside one stored entry `<name>/data/<key>` per storage.
//!
//! Source: `torch/serialization.py` (`_save`, `_load`) and `caffe2/serialize/inline_container.h`.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::ops::Range;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::format::Listing;
use super::problem::PytorchProblem;
use super::{pickle, storage};

/// One entry of the archive.
struct Entry {
    /// Its content in the file.
    range: Range<usize>,
    /// Whether the content lies there as it is.
    stored: bool,
}

/// Lists the tensors of an archive that `torch.save` wrote; compressed entries are refused, since it writes none.
pub(super) fn list(bytes: &[u8]) -> Result<Listing, PytorchProblem> {
    let entries = entries(bytes)?;
    let mut pickles = entries.keys().filter_map(|name| name.strip_suffix("data.pkl"));
    let root = pickles.next().ok_or(PytorchProblem::NoZipEntry { name: "data.pkl" })?;
    if entries.contains_key(&format!("{root}constants.pkl")) {
        return Err(PytorchProblem::TorchScript);
    }
    if let Some((name, _)) = entries.iter().find(|(_, entry)| !entry.stored) {
        return Err(PytorchProblem::CompressedEntry { name: name.clone() });
    }
    let content = |name: &str| entries.get(&format!("{root}{name}")).and_then(|entry| bytes.get(entry.range.clone()));
    if content("byteorder").is_some_and(|order| order != b"little") {
        return Err(PytorchProblem::BigEndian);
    }
    let unpickled = pickle::read(content("data.pkl").unwrap_or_default())?.export()?;
    let data = format!("{root}data/");
    let storages: HashMap<String, Range<usize>> = entries
        .iter()
        .filter_map(|(name, entry)| Some((name.strip_prefix(&data)?.to_owned(), entry.range.clone())))
        .collect();
    Ok(Listing { tensors: storage::place(unpickled.tensors, &storages)?, metadata: unpickled.metadata })
}

/// All entries by name.
fn entries(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, PytorchProblem> {
    let bad = |detail: String| PytorchProblem::BadZip { detail };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| bad(detail(error)))?;
    let mut entries = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| bad(detail(error)))?;
        let name = entry.name().to_owned();
        let stored = entry.compression() == CompressionMethod::Stored && !entry.encrypted();
        let start = entry.data_start();
        let end = start.checked_add(entry.compressed_size()).filter(|&end| end <= bytes.len() as u64);
        let end = end.ok_or_else(|| bad(format!("entry `{name}` reaches past the end of the file")))?;
        let range = start as usize..end as usize;
        if entries.insert(name.clone(), Entry { range, stored }).is_some() {
            return Err(bad(format!("entry `{name}` is given twice")));
        }
    }
    Ok(entries)
}

/// What the zip reader said, where it says it.
fn detail(error: ZipError) -> String {
    match error {
        ZipError::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(vec![]));
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, content) in entries {
            writer.start_file(*name, stored).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[track_caller]
    fn refused(bytes: &[u8], expected: &str) {
        assert_eq!(list(bytes).unwrap_err().to_string(), expected);
    }

    #[test]
    fn list_of_an_empty_dictionary() {
        assert!(list(&zipped(&[("m/data.pkl", b"\x80\x02}.")])).unwrap().tensors.is_empty());
    }

    #[test]
    fn archive_that_torch_did_not_write() {
        refused(&zipped(&[("a.npy", b"x")]), "zip archive without `data.pkl`, not written by torch.save");
    }

    #[test]
    fn torch_script() {
        let program = zipped(&[("m/data.pkl", b"}."), ("m/constants.pkl", b").")]);
        refused(&program, "is a TorchScript program, expected a state dictionary written by torch.save");
    }

    #[test]
    fn big_endian() {
        let archive = zipped(&[("m/data.pkl", b"}."), ("m/byteorder", b"big")]);
        refused(&archive, "the tensors are big-endian, only little-endian files are supported");
    }

    #[test]
    fn truncated_archive() {
        let archive = zipped(&[("m/data.pkl", b"}.")]);
        let message = "truncated or damaged zip archive (failed to fill whole buffer)";
        refused(&archive[..archive.len() - 9], message);
    }

    #[test]
    fn compressed_entry() {
        let mut archive = zipped(&[("m/data.pkl", b"}.")]);
        let central = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        archive[central + 10] = 8; // deflate
        refused(&archive, "zip entry `m/data.pkl` is compressed or encrypted, torch.save stores entries as they are");
    }

    #[test]
    fn entry_that_reaches_past_the_end() {
        let mut archive = zipped(&[("m/data.pkl", b"}.")]);
        let central = archive.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        archive[central + 22] = 1; // 65 kB
        refused(&archive, "truncated or damaged zip archive (entry `m/data.pkl` reaches past the end of the file)");
    }
}
