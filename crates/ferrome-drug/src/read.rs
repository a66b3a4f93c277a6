//! Libraries of molecules: `.smi`, CSV, TSV, Parquet and SDF, plain or gzip.
//!
//! - `.smi` (`.smiles`, `.ism`, `.can`): SMILES, then a blank or tab, then the id (up to the next blank, or the next tab
//!   where a tab came first). Blank lines and lines that start with `#` are nothing; a first line whose first word is
//!   `smiles` is a header.
//! - CSV, TSV: a header names the columns; `id` and `smiles` are looked for in any case, others are named by
//!   [`Columns`]. The delimiter is the one of `,`, tab and `;` that the header has most of.
//! - Parquet: the same columns; ids may be numbers.
//! - SDF (`.sd`, `.mol`): V2000 and V3000; the id is the title line, or a data field.
//!
//! Rows keep their order and their text. Where an id is missing, it is the number of the row, counted from 1. A row that
//! cannot be used is a row still: [`Entry::molecule`] says why. A file in trouble is an error, and its last item.
//!
//! ```
//! use ferrome_drug::molecule::MolSource;
//! use ferrome_drug::read::{Columns, open};
//!
//! let file = std::env::temp_dir().join("ferrome-library.csv");
//! std::fs::write(&file, "smiles,id\nCCO,ethanol\nC(C,broken\n")?;
//! let rows: Vec<_> = open(&file, &Columns::default())?.collect::<Result<_, _>>()?;
//! assert_eq!(rows[0].id, "ethanol");
//! assert_eq!(rows[0].molecule()?.len(), 3);
//! assert_eq!(rows[1].molecule().err().map(|e| e.to_string()).as_deref(), Some("position 2: `(` is never closed"));
//! # std::fs::remove_file(&file)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
mod delimited;
mod entry;
mod frame;
mod input;
mod library;
mod memory;
mod molblock;
mod pairs;
mod parquet;
mod sdf;
mod smi;
mod table;

pub use columns::Columns;
pub use entry::{Entry, Source};
pub use frame::Frame;
pub(crate) use molblock::{Drawing, Drawn, DrawnAtom};

pub use library::{Library, open};
pub use memory::Memory;
pub use pairs::{PairRows, Pairs, TargetRow, targets};
pub use table::is_table;
