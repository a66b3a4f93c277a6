//! What the footers of a dataset's parts say together.

use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ferrome_core::journal::{METADATA_PREFIX, PartRecord};

use crate::cells::ValueKind;
use crate::dataset::{CELLS, GENES, GENES_DIGEST, LAYER, VALUES, kind_name};
use crate::read::parquet::files::{self, Builder};
use crate::{Error, Result};

/// The parts of a dataset.
pub(super) struct Parts {
    pub(super) paths: Vec<PathBuf>,
    pub(super) schema: SchemaRef,
    pub(super) cells: u64,
    pub(super) nonzeros: Option<u64>,
    pub(super) layer: String,
    pub(super) kind: ValueKind,
}

/// Reads the footers of all parts of the dataset at `path`, whose `genes.parquet` has the SHA-256 `digest`.
pub(super) fn survey(path: &Path, digest: &str) -> Result<Parts> {
    let folder = path.join(CELLS);
    if folder.join("_run").is_dir() {
        return Err(Error::file(
            path,
            "is not finished: the run that writes it was stopped; run the same command again",
        ));
    }
    let paths = files::list(&folder)?;
    let mut parts: Option<Parts> = None;
    let mut last = false;
    for (number, file) in paths.iter().enumerate() {
        if *file != folder.join(format!("part-{number:05}.parquet")) {
            return Err(Error::file(path, format!("part {number} is missing: the next file is {}", file.display())));
        }
        let builder = files::open(file)?;
        let footer = Footer::of(&builder, file)?;
        if footer.digest != digest {
            return Err(Error::file(file, format!("belongs to other genes than {}", path.join(GENES).display())));
        }
        last = footer.record.last;
        let parts = match &mut parts {
            Some(parts) => parts,
            None => parts.insert(Parts::new(&builder, &footer, file)?),
        };
        parts.cells += footer.record.statistics.rows;
        parts.nonzeros = parts.nonzeros.map(|nonzeros| nonzeros + footer.record.statistics.tokens);
    }
    match parts {
        Some(parts) if last => Ok(Parts { paths, ..parts }),
        _ => Err(Error::file(path, "its last part is missing")),
    }
}

impl Parts {
    fn new(builder: &Builder, footer: &Footer, file: &Path) -> Result<Self> {
        let schema = builder.schema().clone();
        let kind = [ValueKind::Counts, ValueKind::Floats].into_iter().find(|kind| kind_name(*kind) == footer.values);
        let kind = kind.ok_or_else(|| {
            Error::file(file, format!("has values of kind `{}`, expected counts or floats", footer.values))
        })?;
        check_types(&schema, kind, file)?;
        Ok(Self { paths: Vec::new(), schema, cells: 0, nonzeros: Some(0), layer: footer.layer.clone(), kind })
    }
}

fn check_types(schema: &Schema, kind: ValueKind, file: &Path) -> Result<()> {
    let value = match kind {
        ValueKind::Counts => DataType::Int32,
        ValueKind::Floats => DataType::Float32,
    };
    let is_list =
        |field: &Field, item: &DataType| matches!(field.data_type(), DataType::List(of) if of.data_type() == item);
    let is_text = |field: &Field| *field.data_type() == DataType::Utf8;
    let check = |name: &str, expected: &str, fits: &dyn Fn(&Field) -> bool| match schema.field_with_name(name) {
        Ok(field) if fits(field) => Ok(()),
        Ok(field) => {
            Err(Error::file(file, format!("column `{name}` has type {}, expected {expected}", field.data_type())))
        }
        Err(_) => Err(Error::file(file, format!("has no column `{name}`"))),
    };
    check("cell_id", "Utf8", &is_text)?;
    check("gene_idx", "a list of Int32", &|field| is_list(field, &DataType::Int32))?;
    check("value", &format!("a list of {value}"), &|field| is_list(field, &value))?;
    check("error", "Utf8", &is_text)
}

struct Footer {
    digest: String,
    layer: String,
    values: String,
    record: PartRecord,
}

impl Footer {
    fn of(builder: &Builder, path: &Path) -> Result<Self> {
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let entry = |key: &str| {
            let key = format!("{METADATA_PREFIX}{key}");
            let found = entries.into_iter().flatten().find(|entry| entry.key == key);
            let value = found.and_then(|entry| entry.value.clone());
            value.ok_or_else(|| Error::file(path, format!("is not a part of a dataset: its footer has no `{key}`")))
        };
        let record = serde_json::from_str(&entry("part")?);
        let record =
            record.map_err(|error| Error::file(path, format!("its `ferrome.part` cannot be understood: {error}")))?;
        Ok(Self { digest: entry(GENES_DIGEST)?, layer: entry(LAYER)?, values: entry(VALUES)?, record })
    }
}
