//! `molecules.parquet` and `proteins.parquet`.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray, UInt16Array, new_null_array};
use arrow::array::{FixedSizeListArray, Float32Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt16Type};
use ferrome_core::journal::write_whole;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::inputs::Reference;
use crate::{Error, Result};

/// A molecule that the model was trained on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrainingMolecule {
    /// As the training data has it.
    pub smiles: String,
    /// See [`crate::molecule::MolSource::canonical_smiles`].
    pub canonical_smiles: String,
    /// See [`crate::molecule::MolSource::ecfp4`].
    pub ecfp4: Vec<u16>,
}

pub(super) fn write_molecules(path: &Path, molecules: &[TrainingMolecule]) -> Result<()> {
    let text = |of: fn(&TrainingMolecule) -> &String| -> ArrayRef {
        Arc::new(molecules.iter().map(|molecule| Some(of(molecule))).collect::<StringArray>())
    };
    let bits: UInt16Array = molecules.iter().flat_map(|molecule| molecule.ecfp4.iter().copied()).collect();
    let starts = OffsetBuffer::from_lengths(molecules.iter().map(|molecule| molecule.ecfp4.len()));
    let item = Arc::new(Field::new("item", DataType::UInt16, false));
    let columns: [(&str, ArrayRef); 3] = [
        ("smiles", text(|molecule| &molecule.smiles)),
        ("canonical_smiles", text(|molecule| &molecule.canonical_smiles)),
        ("ecfp4", Arc::new(ListArray::try_new(item, starts, Arc::new(bits), None)?)),
    ];
    write(path, columns)
}

pub(super) fn read_molecules(path: &Path) -> Result<Vec<TrainingMolecule>> {
    let mut molecules = Vec::new();
    for batch in read(path)? {
        let batch = batch?;
        let (smiles, canonical) = (strings(&batch, "smiles", path)?, strings(&batch, "canonical_smiles", path)?);
        let lists = column(&batch, "ecfp4", path)?.as_list_opt::<i32>().ok_or_else(|| not(path, "ecfp4", "a list"))?;
        for row in 0..batch.num_rows() {
            let bits = lists.value(row);
            let bits = bits.as_primitive_opt::<UInt16Type>().ok_or_else(|| not(path, "ecfp4", "a list of u16"))?;
            molecules.push(TrainingMolecule {
                smiles: smiles.value(row).to_owned(),
                canonical_smiles: canonical.value(row).to_owned(),
                ecfp4: bits.values().to_vec(),
            });
        }
    }
    Ok(molecules)
}

pub(super) fn write_proteins(path: &Path, proteins: &[Reference]) -> Result<()> {
    let ids: StringArray = proteins.iter().map(|protein| Some(&protein.id)).collect();
    let sequences: StringArray =
        proteins.iter().map(|protein| Some(String::from_utf8_lossy(&protein.sequence))).collect();
    let width = proteins.iter().find_map(|protein| protein.embedding.as_ref()).map_or(0, Vec::len);
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let kind = DataType::FixedSizeList(item.clone(), width as i32);
    let embeddings: ArrayRef = if width == 0 || proteins.iter().any(|protein| protein.embedding.is_none()) {
        new_null_array(&kind, proteins.len())
    } else {
        let numbers: Float32Array =
            proteins.iter().filter_map(|protein| protein.embedding.as_ref()).flatten().copied().collect();
        Arc::new(FixedSizeListArray::try_new(item, width as i32, Arc::new(numbers), None)?)
    };
    let mut columns: Vec<(&str, ArrayRef)> = vec![("id", Arc::new(ids)), ("sequence", Arc::new(sequences))];
    if width > 0 {
        columns.push(("embedding", embeddings));
    }
    write(path, columns)
}

pub(super) fn read_proteins(path: &Path) -> Result<Vec<Reference>> {
    let mut proteins = Vec::new();
    for batch in read(path)? {
        let batch = batch?;
        let (ids, sequences) = (strings(&batch, "id", path)?, strings(&batch, "sequence", path)?);
        let embeddings = batch.column_by_name("embedding").map(|found| vectors(found, path)).transpose()?;
        for row in 0..batch.num_rows() {
            let embedding = embeddings.as_ref().filter(|found| found.is_valid(row)).map(|found| {
                found.value(row).as_primitive_opt::<Float32Type>().map(|numbers| numbers.values().to_vec())
            });
            proteins.push(Reference {
                id: ids.value(row).to_owned(),
                sequence: sequences.value(row).as_bytes().to_vec(),
                embedding: embedding.flatten(),
            });
        }
    }
    Ok(proteins)
}

fn vectors(found: &ArrayRef, path: &Path) -> Result<FixedSizeListArray> {
    found.as_fixed_size_list_opt().cloned().ok_or_else(|| not(path, "embedding", "a list of fixed size"))
}

fn write<'a>(path: &Path, columns: impl IntoIterator<Item = (&'a str, ArrayRef)>) -> Result<()> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), array.null_count() > 0), array))
        .unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    let wrong = |error: &dyn std::error::Error| Error::file(path, format!("cannot be written: {error}"));
    let level = ZstdLevel::try_new(9).map_err(|error| wrong(&error))?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).map_err(|error| wrong(&error))?;
    writer.write(&batch).map_err(|error| wrong(&error))?;
    Ok(write_whole(path, &writer.into_inner().map_err(|error| wrong(&error))?)?)
}

fn read(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let wrong = move |error: &dyn std::error::Error| {
        let text = error.to_string();
        Error::file(path, format!("cannot be read: {}", text.lines().next().unwrap_or_default()))
    };
    let file = fs_err::File::open(path)?.into_parts().0;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
    let batches = builder.build().map_err(|error| wrong(&error))?;
    Ok(batches.map(move |batch| batch.map_err(|error| wrong(&error))))
}

fn column<'a>(batch: &'a RecordBatch, name: &str, path: &Path) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::file(path, format!("no column `{name}`")))
}

fn strings<'a>(batch: &'a RecordBatch, name: &str, path: &Path) -> Result<&'a StringArray> {
    column(batch, name, path)?.as_string_opt::<i32>().ok_or_else(|| not(path, name, "text"))
}

fn not(path: &Path, name: &str, expected: &str) -> Error {
    Error::file(path, format!("column `{name}`: expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let molecule = |smiles: &str, ecfp4: &[u16]| TrainingMolecule {
            smiles: smiles.into(),
            canonical_smiles: smiles.into(),
            ecfp4: ecfp4.into(),
        };
        let molecules = [molecule("C", &[3, 2047]), molecule("[Na+].[Cl-]", &[])];
        write_molecules(&path, &molecules).unwrap();
        assert_eq!(read_molecules(&path).unwrap(), molecules);
        for embedding in [None, Some(vec![0.5, -1.0])] {
            let protein = |id: &str| Reference { id: id.into(), sequence: b"MKV".into(), embedding: embedding.clone() };
            let proteins = [protein("a"), protein("b")];
            write_proteins(&path, &proteins).unwrap();
            assert_eq!(read_proteins(&path).unwrap(), proteins);
        }
        assert_eq!(read_molecules(&path).unwrap_err().to_string(), format!("{}: no column `smiles`", path.display()));
    }
}
