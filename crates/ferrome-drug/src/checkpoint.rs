//! A trained drug-target model on disk.
//!
//! ```text
//! FOLDER/config.json        CheckpointConfig
//! FOLDER/model.safetensors  the tensors of each member below `members.0.`, `members.1.`, …
//! FOLDER/molecules.parquet  distinct training molecules: smiles, canonical_smiles, ecfp4
//! FOLDER/proteins.parquet   reference proteins of similarity rows: id, sequence, embedding
//! FOLDER/README.md          the model card
//! FOLDER/fast/              the same again, but for tables that are no others: a model without graphs, for libraries of
//!                           millions
//! ```

mod calibration;
mod config;
mod ensemble;
mod folder;
mod locate;
mod tables;

pub use calibration::Calibration;
pub use config::{CheckpointConfig, FingerprintKind, Label, ModelKind, Objective, RowKind};
pub use ensemble::{Encoded, Ensemble, Scores};
pub use folder::{FAST, Folder, save, share_tables};
pub use locate::locate;
pub use tables::TrainingMolecule;
