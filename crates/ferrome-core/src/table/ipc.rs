//! Arrow IPC: files, which are also Feather files of version 2, and streams.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use fs_err::File;

use super::failed;
use super::merge::Sink;
use crate::Result;
use crate::journal::RunDescription;

/// An Arrow IPC file that is being written; the run's description stands in the schema's metadata.
pub(super) struct IpcSink {
    path: PathBuf,
    schema: SchemaRef,
    writer: FileWriter<BufWriter<File>>,
}

impl IpcSink {
    pub(super) fn create(path: &Path, schema: &SchemaRef, description: &RunDescription) -> Result<Self> {
        let schema = SchemaRef::new(schema.as_ref().clone().with_metadata(description.metadata().collect()));
        let file = BufWriter::new(File::create(path)?);
        let writer = FileWriter::try_new(file, &schema).map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), schema, writer })
    }
}

impl Sink for IpcSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())?;
        self.writer.write(&batch).map_err(|error| failed(&self.path, error))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.writer.finish().map_err(|error| failed(&self.path, error))?;
        self.writer.get_ref().get_ref().sync_all().map_err(|error| failed(&self.path, error))
    }
}

/// An Arrow IPC stream that is being written; the run's description stands in the schema's metadata.
pub(crate) struct StreamSink {
    path: PathBuf,
    schema: SchemaRef,
    writer: StreamWriter<BufWriter<File>>,
}

impl StreamSink {
    pub(super) fn create(path: &Path, schema: &SchemaRef, description: &RunDescription) -> Result<Self> {
        let schema = SchemaRef::new(schema.as_ref().clone().with_metadata(description.metadata().collect()));
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let writer = StreamWriter::try_new(file, &schema).map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), schema, writer })
    }
}

impl Sink for StreamSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())?;
        self.writer.write(&batch).map_err(|error| failed(&self.path, error))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.writer.finish().map_err(|error| failed(&self.path, error))?;
        self.writer.get_ref().get_ref().sync_all().map_err(|error| failed(&self.path, error))
    }
}
