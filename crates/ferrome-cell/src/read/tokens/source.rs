//! The batches of a table of tokens, from whatever files it lies in.

use std::collections::{HashMap, VecDeque};
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::{FileReader, StreamReader};
use serde_json::Value;

use super::{Piece, trouble};
use crate::read::parquet::files::{self, Files};
use crate::{Error, Result};

/// Rows of Parquet that are decoded at a time.
const BATCH_ROWS: usize = 256;

const STATE: &str = "state.json";
const SPLITS: &str = "dataset_dict.json";

/// The batches of all files, one file after the other.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) schema: SchemaRef,
    pub(super) metadata: HashMap<String, String>,
    pub(super) rows: Option<u64>,
    pub(super) format: &'static str,
    batches: Batches,
}

enum Batches {
    Parquet(Files),
    Arrow(Arrows),
    Made(Made),
}

/// Batches that are made while they are read.
pub(crate) type Made = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// Whether the path holds tokens, as its names or its columns say.
///
/// # Errors
///
/// The path cannot be read.
pub fn is_tokens(path: &Path) -> Result<bool> {
    if path.is_dir() {
        if [STATE, SPLITS].iter().any(|name| path.join(name).exists()) {
            return Ok(true);
        }
        let parquet = || files::list(path).ok()?.into_iter().next();
        return match parquet().filter(|_| !path.join("genes.parquet").exists()) {
            Some(file) => has_tokens(&file),
            None => Ok(false),
        };
    }
    match kind(path)? {
        Some(Kind::Parquet) => has_tokens(path),
        other => Ok(other.is_some()),
    }
}

fn has_tokens(parquet: &Path) -> Result<bool> {
    Ok(files::open(parquet)?.schema().field_with_name("input_ids").is_ok())
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return if path.join(SPLITS).exists() {
                Err(Error::file(path, splits(path)))
            } else if path.join(STATE).exists() {
                Self::arrow(path, shards(path)?, "tokens in a Hugging Face folder")
            } else {
                Self::parquet(path, &files::list(path)?)
            };
        }
        match kind(path)? {
            Some(Kind::Parquet) => Self::parquet(path, &[path.to_owned()]),
            Some(Kind::Arrow) => Self::arrow(path, vec![path.to_owned()], "tokens in Arrow"),
            None => Err(Error::file(path, "holds no tokens: expected Parquet, Arrow, or a folder of `datasets`")),
        }
    }

    pub(super) fn made(path: &Path, rows: Option<u64>, schema: SchemaRef, batches: Made) -> Self {
        let (path, metadata) = (path.to_owned(), schema.metadata().clone());
        Self { path, schema, metadata, rows, format: "tokens made from its cells", batches: Batches::Made(batches) }
    }

    fn parquet(path: &Path, paths: &[PathBuf]) -> Result<Self> {
        let Some(first) = paths.first() else { return Err(Error::file(path, "holds no .parquet file")) };
        let builder = files::open(first)?;
        let schema = builder.schema().clone();
        let pairs = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let metadata = pairs.into_iter().filter_map(|pair| Some((pair.key, pair.value?)));
        Ok(Self {
            path: path.to_owned(),
            metadata: metadata.collect(),
            rows: Some(files::rows(paths)?),
            format: "tokens in Parquet",
            batches: Batches::Parquet(Files::new(paths, None, BATCH_ROWS)),
            schema,
        })
    }

    fn arrow(path: &Path, paths: Vec<PathBuf>, format: &'static str) -> Result<Self> {
        let mut arrows = Arrows { waiting: paths.into(), current: None };
        let Some(schema) = arrows.open_next()? else { return Err(Error::file(path, "state.json names no files")) };
        let metadata = schema.metadata().clone();
        Ok(Self { path: path.to_owned(), schema, metadata, rows: None, format, batches: Batches::Arrow(arrows) })
    }

    /// Some rows, and their file; `None` after the last ones.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        match &mut self.batches {
            Batches::Parquet(files) => Ok(files.next()?.map(|batch| (batch.path, batch.rows))),
            Batches::Arrow(arrows) => arrows.next(),
            Batches::Made(batches) => Ok(batches.next().transpose()?.map(|rows| (self.path.clone(), rows))),
        }
    }
}

/// Arrow files or streams, one after the other.
struct Arrows {
    waiting: VecDeque<PathBuf>,
    current: Option<(PathBuf, Box<dyn RecordBatchReader + Send>)>,
}

impl Arrows {
    fn open_next(&mut self) -> Result<Option<SchemaRef>> {
        let Some(path) = self.waiting.pop_front() else { return Ok(None) };
        let file = fs_err::File::open(&path)?.into_file();
        let mut mark = [0; 6];
        let is_file = file.read_exact_at(&mut mark, 0).is_ok() && mark == *b"ARROW1";
        let file = BufReader::with_capacity(1 << 20, file);
        let reader: Box<dyn RecordBatchReader + Send> = if is_file {
            Box::new(FileReader::try_new(file, None).map_err(|error| trouble(&path, error))?)
        } else {
            Box::new(StreamReader::try_new(file, None).map_err(|error| trouble(&path, error))?)
        };
        let schema = reader.schema();
        self.current = Some((path, reader));
        Ok(Some(schema))
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some((path, reader)) = &mut self.current {
                if let Some(batch) = reader.next() {
                    let batch: RecordBatch = batch.map_err(|error| trouble(path, error))?;
                    return Ok(Some((path.clone(), batch)));
                }
                self.current = None;
            }
            if self.open_next()?.is_none() {
                return Ok(None);
            }
        }
    }
}

enum Kind {
    Parquet,
    Arrow,
}

/// What a file is, by its first bytes.
fn kind(path: &Path) -> Result<Option<Kind>> {
    let mut mark = [0; 6];
    let length = fs_err::File::open(path)?.into_file().read_at(&mut mark, 0)?;
    let mark = &mark[..length];
    Ok(if mark.starts_with(b"PAR1") {
        Some(Kind::Parquet)
    } else if mark == b"ARROW1" || mark.starts_with(&[0xff; 4]) {
        Some(Kind::Arrow)
    } else {
        None
    })
}

/// The Arrow streams that `state.json` names.
fn shards(folder: &Path) -> Result<Vec<PathBuf>> {
    let file = folder.join(STATE);
    let wrong = |reason: &str| Error::file(&file, reason);
    let state: Value = serde_json::from_slice(&fs_err::read(&file)?).map_err(|error| trouble(&file, error))?;
    if state.get("_indices_data_files").and_then(Value::as_array).is_some_and(|files| !files.is_empty()) {
        return Err(wrong(
            "the rows were selected but not written in order: call `flatten_indices` before `save_to_disk`",
        ));
    }
    let files = state.get("_data_files").and_then(Value::as_array).ok_or_else(|| wrong("lists no `_data_files`"))?;
    let name = |file: &Value| {
        let name = file.get("filename").and_then(Value::as_str);
        let name = name.filter(|name| Path::new(name).file_name().is_some_and(|plain| plain == *name));
        name.map(|name| folder.join(name))
            .ok_or_else(|| wrong("`_data_files` holds something else than names of files"))
    };
    files.iter().map(name).collect()
}

/// What to give instead of a dictionary of datasets.
fn splits(folder: &Path) -> String {
    let json = fs_err::read(folder.join(SPLITS)).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let splits = json.as_ref().and_then(|json| json.get("splits")).and_then(Value::as_array);
    let splits = splits.into_iter().flatten().filter_map(Value::as_str);
    let splits: Vec<String> = splits.map(|split| folder.join(split).display().to_string()).collect();
    format!("holds several datasets; give one of {}", splits.join(", "))
}
