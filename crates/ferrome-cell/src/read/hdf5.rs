//! HDF5 files: what they hold is found by the HDF5 library; large arrays are read past it.
//!
//! The library has one lock for the whole process, so it would decompress on one thread only. It therefore says where
//! each chunk lies and how it was filtered ([`stored`]), the bytes are read and decompressed here by all threads
//! ([`filter`]), and only what is filtered otherwise (blosc, szip, a virtual dataset) goes through it.

mod attribute;
mod filter;
mod grid;
mod heap;
mod library;
mod lzf;
mod number;
mod stored;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5_metno::{Dataset, Group, LocationType};

pub(super) use attribute::Attributes;
pub(super) use number::{Little, Number, Numbers, with_number};
pub(super) use stored::{Kind, Stored, Tile};
pub(super) use text::{Texts, text};

use crate::{Error, Result};

/// An HDF5 file that is open for reading.
#[derive(Clone, Debug)]
pub(super) struct Source {
    path: Arc<PathBuf>,
    root: hdf5_metno::File,
    /// The same file, for reading past the library.
    bytes: Arc<std::fs::File>,
    length: u64,
    is_wide: bool,
}

/// What a name in a file stands for.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Group(Group),
    Dataset(Dataset),
}

impl Source {
    /// Opens a file that begins like HDF5.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let bytes = fs_err::File::open(path)?.into_file();
        let length = bytes.metadata()?.len();
        let is_wide = has_wide_addresses(&bytes);
        if let Some(address) = is_wide.then(|| heap::endless(&bytes, length)).flatten() {
            return Err(Error::file(path, format!("the strings at byte {address} of the file are damaged")));
        }
        let root = hdf5_metno::File::open(path);
        let root = root.map_err(|error| Error::file(path, unopened(&reason(&error))))?;
        Ok(Self { path: Arc::new(path.to_owned()), root, bytes: Arc::new(bytes), length, is_wide })
    }

    /// Where the file lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The group at the top.
    pub(super) fn root(&self) -> &Group {
        &self.root
    }

    /// Strings of variable length.
    fn heap(&self) -> heap::Heap {
        heap::Heap::new(self.bytes.clone(), self.length)
    }

    /// Whether addresses are those of the file (nothing lies before HDF5) and have the usual 8 bytes.
    fn is_plain(&self) -> bool {
        self.is_wide && self.root.userblock() == 0
    }

    /// What `name` (such as `raw/X`) stands for, if there is such a thing.
    pub(super) fn node(&self, name: &str) -> Option<Node> {
        match self.root.loc_type_by_name(name).ok()? {
            LocationType::Group => self.root.group(name).ok().map(Node::Group),
            LocationType::Dataset => self.root.dataset(name).ok().map(Node::Dataset),
            _ => None,
        }
    }

    /// The dataset `name`.
    pub(super) fn dataset(&self, name: &str) -> Result<Dataset> {
        match self.node(name) {
            Some(Node::Dataset(dataset)) => Ok(dataset),
            Some(Node::Group(_)) => Err(self.wrong(name, "expected an array, found a group")),
            None => Err(self.wrong(name, "there is no such array, or its place in the file is damaged")),
        }
    }

    /// The group `name`.
    pub(super) fn group(&self, name: &str) -> Result<Group> {
        match self.node(name) {
            Some(Node::Group(group)) => Ok(group),
            Some(Node::Dataset(_)) => Err(self.wrong(name, "expected a group, found an array")),
            None => Err(self.wrong(name, "there is no such group, or its place in the file is damaged")),
        }
    }

    /// The names in the group `name`, sorted; empty where there is no such group.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        let group = if name.is_empty() { Some(self.root.as_group().ok()) } else { Some(self.root.group(name).ok()) };
        let mut names = group.flatten().and_then(|group| group.member_names().ok()).unwrap_or_default();
        names.sort();
        names
    }

    /// An error about `name` in this file.
    pub(super) fn wrong(&self, name: &str, what: impl std::fmt::Display) -> Error {
        let name = name.trim_start_matches('/');
        Error::file(&*self.path, if name.is_empty() { what.to_string() } else { format!("{name}: {what}") })
    }

    /// An error of the library about `name` in this file.
    pub(super) fn failed(&self, name: &str, error: &hdf5_metno::Error) -> Error {
        self.wrong(name, format!("cannot be read, the file is damaged or unsupported: {}", reason(error)))
    }
}

/// Whether addresses and lengths have 8 bytes each, as they have in all but very special files.
fn has_wide_addresses(file: &std::fs::File) -> bool {
    let mut head = [0; 16];
    let read = filter::pread(file, 0, &mut head).is_ok();
    // Versions 2 and 3 of the first block have these sizes further in front than versions 0 and 1.
    let sizes = if head[8] < 2 { (head[13], head[14]) } else { (head[9], head[10]) };
    read && sizes == (8, 8)
}

/// Why a file cannot be opened, in words for users.
fn unopened(reason: &str) -> String {
    let number = |mark: &str| -> Option<u64> {
        let (_, rest) = reason.split_once(mark)?;
        rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    };
    match (number("truncated file: eof = "), number("stored_eof = ")) {
        (Some(found), Some(expected)) => format!("the file was cut: {found} of its {expected} bytes are there"),
        _ => format!("not a whole HDF5 file: {reason}"),
    }
}

/// The innermost cause that the library gives, on one line.
fn reason(error: &hdf5_metno::Error) -> String {
    let inner = error.stack().and_then(|stack| stack.last().map(|frame| frame.desc().to_owned()));
    let text = inner.unwrap_or_else(|| error.to_string());
    text.lines().next().unwrap_or_default().to_owned()
}
