use std::path::{Path, PathBuf};

use ferrome_core::journal::write_whole;
use ferrome_core::weights::Checkpoint;
use safetensors::tensor::{Dtype, View, serialize};
use std::borrow::Cow;
use tch::{Device, Kind, Tensor};

use super::{CheckpointConfig, Ensemble, TrainingMolecule, tables};
use crate::inputs::{Reference, Rows};
use crate::model::Parts;
use crate::{Error, Result};

/// The folder of the second, faster model inside a model's folder.
pub const FAST: &str = "fast";

/// A model's folder that was opened and understood, but whose weights are not yet loaded.
#[derive(Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Its `config.json`.
    pub config: CheckpointConfig,
    checkpoint: Checkpoint,
}

impl Folder {
    /// Opens a model's folder; see [`super::locate`] for names.
    ///
    /// # Errors
    ///
    /// One line that names the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self> {
        let file = path.join("config.json");
        if !file.exists() {
            return Err(Error::file(path, "expected the folder of a drug-target model, found no config.json"));
        }
        let config = CheckpointConfig::parse(&fs_err::read_to_string(&file)?, &file)?;
        Ok(Self { path: path.to_owned(), config, checkpoint: Checkpoint::open_folder(path)? })
    }

    /// Opens the faster model in it.
    ///
    /// # Errors
    ///
    /// There is none, or it is in trouble.
    pub fn open_fast(path: &Path) -> Result<Self> {
        let folder = path.join(FAST);
        if !folder.is_dir() {
            return Err(Error::file(
                path,
                format!("the model has no second, faster one: there is no folder `{FAST}` in it"),
            ));
        }
        Self::open(&folder)
    }

    /// Loads all members on `device`, in f32.
    ///
    /// # Errors
    ///
    /// Lists the tensors that are missing, of another shape or left over; the device has no room.
    pub fn load(&self, device: Device) -> Result<Ensemble> {
        Ensemble::load(&self.config, &self.checkpoint, device)
    }

    /// The molecules that the model was trained on.
    ///
    /// # Errors
    ///
    /// The file is missing or no such table.
    pub fn molecules(&self) -> Result<Vec<TrainingMolecule>> {
        tables::read_molecules(&self.path.join("molecules.parquet"))
    }

    /// What makes the rows of proteins; `None` where the model looks at sequences alone.
    ///
    /// # Errors
    ///
    /// The file is missing or no such table; there are more or fewer references than the model's rows have numbers.
    pub fn rows(&self) -> Result<Option<Rows>> {
        let Some(expected) = self.config.model.protein_rows.as_ref().map(|rows| rows.width) else { return Ok(None) };
        let path = self.path.join("proteins.parquet");
        let rows = Rows::new(&self.config.protein_rows, tables::read_proteins(&path)?);
        if rows.width() as i64 != expected {
            let (proteins, found) = (rows.references().len(), rows.width());
            return Err(Error::file(
                path,
                format!("{proteins} proteins make rows of {found} numbers, the model expects {expected}"),
            ));
        }
        Ok(Some(rows))
    }

    /// xxh3-128 of names, shapes and bytes of all tensors, in hexadecimal.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        Ok(self.checkpoint.fingerprint()?)
    }
}

/// Writes a model's folder but for its card: tensors as `kind` (loading makes f32 of any), each file whole. `config.members`
/// must be the number of `members`.
///
/// # Errors
///
/// The folder cannot be written.
pub fn save(
    folder: &Path,
    config: &CheckpointConfig,
    members: &[&Parts],
    (molecules, proteins): (&[TrainingMolecule], &[Reference]),
    kind: Kind,
) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    tables::write_molecules(&folder.join("molecules.parquet"), molecules)?;
    tables::write_proteins(&folder.join("proteins.parquet"), proteins)?;
    let mut tensors = Vec::new();
    for (i, member) in members.iter().enumerate() {
        for (name, tensor) in member.all() {
            tensors.push((format!("members.{i}.{name}"), Stored::new(tensor, kind)?));
        }
    }
    let wrong = |error: &dyn std::error::Error| Error::file(folder, format!("cannot be written: {error}"));
    let bytes = serialize(tensors, None).map_err(|error| wrong(&error))?;
    write_whole(&folder.join("model.safetensors"), &bytes)?;
    let json = serde_json::to_string_pretty(config).map_err(|error| wrong(&error))?;
    Ok(write_whole(&folder.join("config.json"), format!("{json}\n").as_bytes())?)
}

/// A tensor as it stands in a file.
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Stored {
    fn new(tensor: &Tensor, kind: Kind) -> Result<Self> {
        let shape: Vec<usize> = tensor.size().iter().map(|&n| n as usize).collect();
        let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(kind)?.f_contiguous()?.f_view([-1])?;
        let (dtype, view) = match kind {
            Kind::BFloat16 => (Dtype::BF16, Some(Kind::Int16)),
            Kind::Half => (Dtype::F16, Some(Kind::Int16)),
            _ => (Dtype::F32, None),
        };
        let bytes = match view {
            Some(view) => {
                let numbers = Vec::<i16>::try_from(flat.f_view_dtype(view)?)?;
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
            }
            None => {
                let numbers = Vec::<f32>::try_from(flat.f_to_kind(Kind::Float)?)?;
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
            }
        };
        Ok(Self { dtype, shape, bytes })
    }
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
