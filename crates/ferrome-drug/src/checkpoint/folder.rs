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

const MOLECULES: &str = "molecules.parquet";
const PROTEINS: &str = "proteins.parquet";

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
        tables::read_molecules(&self.table(MOLECULES))
    }

    /// What makes the rows of proteins; `None` where the model looks at sequences alone.
    ///
    /// # Errors
    ///
    /// The file is missing or no such table; there are more or fewer references than the model's rows have numbers.
    pub fn rows(&self) -> Result<Option<Rows>> {
        let Some(expected) = self.config.row_width() else { return Ok(None) };
        let path = self.table(PROTEINS);
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

    /// A table of this folder, or of the model that this is the faster one of.
    fn table(&self, name: &str) -> PathBuf {
        let own = self.path.join(name);
        let around = self.path.parent().filter(|_| self.path.ends_with(FAST) && !own.exists());
        around.map_or(own, |around| around.join(name))
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

/// Writes a model's folder but for its card: numbers as `kind` (loading makes f32 of any), each file whole. `config.members`
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
    tables::write_molecules(&folder.join(MOLECULES), molecules)?;
    tables::write_proteins(&folder.join(PROTEINS), proteins)?;
    let mut tensors = Vec::new();
    for (i, member) in members.iter().enumerate() {
        for (name, tensor) in member.stored()? {
            tensors.push((format!("members.{i}.{name}"), Stored::new(&tensor, kind)?));
        }
    }
    let wrong = |error: &dyn std::error::Error| Error::file(folder, format!("cannot be written: {error}"));
    let bytes = serialize(tensors, None).map_err(|error| wrong(&error))?;
    write_whole(&folder.join("model.safetensors"), &bytes)?;
    let json = serde_json::to_string_pretty(config).map_err(|error| wrong(&error))?;
    Ok(write_whole(&folder.join("config.json"), format!("{json}\n").as_bytes())?)
}

/// Removes tables from the folder of the faster model that are those of the model around it, where they are looked for then.
///
/// # Errors
///
/// A table cannot be read or removed.
pub fn share_tables(folder: &Path) -> Result<()> {
    for name in [MOLECULES, PROTEINS] {
        let (around, fast) = (folder.join(name), folder.join(FAST).join(name));
        if fast.exists() && fs_err::read(&around)? == fs_err::read(&fast)? {
            fs_err::remove_file(&fast)?;
        }
    }
    Ok(())
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
        let kind = if tensor.kind() == Kind::Int { Kind::Int } else { kind };
        let flat = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(kind)?.f_contiguous()?.f_view([-1])?;
        let (dtype, view) = match kind {
            Kind::BFloat16 => (Dtype::BF16, Some(Kind::Int16)),
            Kind::Half => (Dtype::F16, Some(Kind::Int16)),
            Kind::Int => (Dtype::I32, None),
            _ => (Dtype::F32, None),
        };
        let bytes = match view {
            None if kind == Kind::Int => {
                Vec::<i32>::try_from(flat)?.iter().flat_map(|number| number.to_le_bytes()).collect()
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::config::tests::small;
    use crate::inputs::{Drug, Inputs};
    use crate::model::{PairModel, Weights};
    use crate::molecule::{MolSource, Molecule};

    fn references() -> Vec<Reference> {
        ["MKTAYIAK", "MSEQNN", "WWAKQR"]
            .map(|sequence| Reference { id: sequence.to_lowercase(), sequence: sequence.into(), embedding: None })
            .into()
    }

    fn saved(folder: &Path, kind: Kind) -> CheckpointConfig {
        saved_models(&models(), folder, kind)
    }

    // Their weights are drawn from libtorch's generator, which other tests draw from at the same time.
    fn models() -> Vec<PairModel> {
        let config = small(3);
        (0..2).map(|seed| PairModel::load(Weights::random(seed, Device::Cpu), &config.model).unwrap()).collect()
    }

    fn saved_models(members: &[PairModel], folder: &Path, kind: Kind) -> CheckpointConfig {
        let config = small(3);
        let parts: Vec<&Parts> = members.iter().map(PairModel::parts).collect();
        let molecule = TrainingMolecule { smiles: "C".into(), canonical_smiles: "C".into(), ecfp4: vec![7] };
        save(folder, &config, &parts, (&[molecule], &references()), kind).unwrap();
        config
    }

    fn score(folder: &Path) -> (f64, f64) {
        let folder = Folder::open(folder).unwrap();
        let (ensemble, rows) = (folder.load(Device::Cpu).unwrap(), folder.rows().unwrap().unwrap());
        let inputs = Inputs::new(&folder.config).unwrap();
        let drug = Drug::new(&Molecule::parse("CC(=O)O").unwrap(), &inputs).unwrap();
        let row = rows.row("x", b"MKTAYSEQ").unwrap();
        let (drugs, proteins) =
            (ensemble.drugs(&[&drug]).unwrap(), ensemble.proteins(&[&row], &[b"MKTAYSEQ"]).unwrap());
        let crossed = ensemble.cross(&drugs, &proteins).unwrap();
        let paired = ensemble.pairs(&drugs, &proteins, &[(0, 0)]).unwrap();
        assert!((crossed.score[0] - paired.score[0]).abs() < 1e-6);
        (crossed.score[0], crossed.std[0])
    }

    #[test]
    fn model_that_was_saved_scores_as_before_in_any_precision() {
        let (folder, models) = (tempfile::tempdir().unwrap(), models());
        let paths = [Kind::Float, Kind::BFloat16, Kind::Half].map(|kind| {
            let path = folder.path().join(format!("{kind:?}"));
            saved_models(&models, &path, kind);
            path
        });
        let exact = score(&paths[0]);
        for path in &paths[1..] {
            let near = score(path);
            assert!((exact.0 - near.0).abs() < 0.02 && (exact.1 - near.1).abs() < 0.02, "{exact:?} {near:?}");
            assert_ne!(exact, near);
        }
    }

    /// Names, kinds and shapes in a model's file.
    fn stored(folder: &Path) -> Vec<(String, Dtype, Vec<usize>)> {
        let bytes = fs_err::read(folder.join("model.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        file.tensors().into_iter().map(|(name, view)| (name, view.dtype(), view.shape().to_vec())).collect()
    }

    #[test]
    fn rows_of_zeros_are_left_out_of_the_file_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let config = CheckpointConfig { members: 1, ..small(3) };
        let model = PairModel::load(Weights::random(1, Device::Cpu), &config.model).unwrap();
        let table = |model: &PairModel| {
            let all = model.parts().all();
            all.into_iter().find(|(name, _)| name == "fingerprints.table.weight").unwrap().1.shallow_clone()
        };
        let unseen: Vec<i64> = (0..2048).filter(|bit| bit % 5 != 0).collect();
        let _ = tch::no_grad(|| table(&model).f_index_fill_(0, &Tensor::from_slice(&unseen), 0.0)).unwrap();
        save(folder.path(), &config, &[model.parts()], (&[], &references()), Kind::Half).unwrap();
        let found = stored(folder.path());
        let shape = |name: &str| found.iter().find(|(found, ..)| found == name).map(|(_, kind, shape)| (*kind, shape));
        assert_eq!(shape("members.0.fingerprints.table.weight"), Some((Dtype::F16, &vec![410, 16])));
        assert_eq!(shape("members.0.fingerprints.table.rows"), Some((Dtype::I32, &vec![410])));
        let checkpoint = Checkpoint::open_folder(folder.path()).unwrap();
        let read = || {
            let loader = ferrome_core::nn::Loader::new(&checkpoint, Kind::Float, Device::Cpu).pp("members.0");
            PairModel::load(Weights::read(loader), &config.model)
        };
        let back = read().unwrap();
        let rounded = table(&model).to_kind(Kind::Half).to_kind(Kind::Float);
        assert_eq!(table(&back), rounded);
        // A model that is read and written again is the same file.
        let again = folder.path().join("again");
        save(&again, &config, &[back.parts()], (&[], &references()), Kind::Half).unwrap();
        assert!(
            fs_err::read(folder.path().join("model.safetensors")).unwrap()
                == fs_err::read(again.join("model.safetensors")).unwrap()
        );
    }

    #[test]
    fn rows_that_are_in_no_table_are_told() {
        let folder = tempfile::tempdir().unwrap();
        for (rows, message) in [
            ([3, 2], "model: `fingerprints.table.rows`: expected ascending rows of a table of 2048"),
            ([0, 2048], "model: `fingerprints.table.rows`: expected ascending rows of a table of 2048"),
        ] {
            let config = CheckpointConfig { members: 1, ..small(3) };
            let model = PairModel::load(Weights::random(1, Device::Cpu), &config.model).unwrap();
            let mut tensors: Vec<(String, Stored)> = Vec::new();
            for (name, tensor) in model.parts().stored().unwrap() {
                let tensor = if name.ends_with("table.weight") { tensor.narrow(0, 0, 2) } else { tensor };
                tensors.push((format!("members.0.{name}"), Stored::new(&tensor, Kind::Float).unwrap()));
            }
            let rows = Stored::new(&Tensor::from_slice(&rows), Kind::Float).unwrap();
            tensors.push(("members.0.fingerprints.table.rows".into(), rows));
            fs_err::write(folder.path().join("model.safetensors"), serialize(tensors, None).unwrap()).unwrap();
            fs_err::write(folder.path().join("config.json"), serde_json::to_string(&config).unwrap()).unwrap();
            let told = Folder::open(folder.path()).unwrap().load(Device::Cpu).unwrap_err().to_string();
            assert_eq!(told, message);
        }
    }

    #[test]
    fn members_of_different_architectures_score_as_their_mean() {
        let folder = tempfile::tempdir().unwrap();
        let first = small(3);
        let mut second = first.model.clone();
        second.fingerprints = Some(crate::model::FingerprintConfig { bits: 2048, hidden: vec![24], dropout: 0.0 });
        second.head = crate::model::HeadConfig::Mlp { hidden: vec![12], dropout: 0.0 };
        let models = [first.model.clone(), second.clone()];
        let made: Vec<PairModel> =
            (0..2).map(|i| PairModel::load(Weights::random(i as i64, Device::Cpu), &models[i]).unwrap()).collect();
        let write = |name: &str, config: &CheckpointConfig, members: &[&Parts]| {
            let path = folder.path().join(name);
            save(&path, config, members, (&[], &references()), Kind::Float).unwrap();
            score(&path).0
        };
        let both = CheckpointConfig { others: vec![second.clone()], ..first.clone() };
        let together = write("both", &both, &[made[0].parts(), made[1].parts()]);
        let alone = [0, 1].map(|i| {
            let config = CheckpointConfig { model: models[i].clone(), members: 1, ..first.clone() };
            write(&i.to_string(), &config, &[made[i].parts()])
        });
        assert!((alone[0] - alone[1]).abs() > 1e-3, "{alone:?}");
        assert!((together - f64::midpoint(alone[0], alone[1])).abs() < 1e-6, "{together} {alone:?}");
    }

    #[test]
    fn folders_in_trouble_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let (path, shown) = (folder.path(), folder.path().display());
        let config = saved(path, Kind::Float);
        tables::write_proteins(&path.join("proteins.parquet"), &references()[..2]).unwrap();
        assert_eq!(
            Folder::open(path).unwrap().rows().unwrap_err().to_string(),
            format!("{shown}/proteins.parquet: 2 proteins make rows of 2 numbers, the model expects 3")
        );
        let fewer = CheckpointConfig { members: 1, ..config };
        fs_err::write(path.join("config.json"), serde_json::to_string(&fewer).unwrap()).unwrap();
        let message = Folder::open(path).unwrap().load(Device::Cpu).unwrap_err().to_string();
        assert!(message.contains("left over: `members.1.fingerprints.bias`"), "{message}");
        assert_eq!(
            Folder::open_fast(path).unwrap_err().to_string(),
            format!("{shown}: the model has no second, faster one: there is no folder `fast` in it")
        );
        assert_eq!(
            Folder::open(&path.join("none")).unwrap_err().to_string(),
            format!("{shown}/none: expected the folder of a drug-target model, found no config.json")
        );
    }
}
