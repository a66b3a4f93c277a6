//! A library to a table of canonical SMILES, scaffolds, fingerprints, descriptors and atoms: one row per row.

mod columns;
mod what;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ferrome_core::engine::{self, BoxError, Conversion, Converted, RejectedRow, Rejection, Stream, Summary};
use ferrome_core::fingerprint::Fingerprint;
use ferrome_core::journal::RunDescription;
use ferrome_core::table::Output;
use hashbrown::HashMap;

use crate::Result;
use crate::molecule::{Atom, Descriptors, MolSource, Refusal, Standardize};
use crate::read::{Entry, Library, Source};

pub use what::What;

/// Rows of a block, which becomes one part of the output.
pub const BLOCK: usize = 8192;

/// Writes the rows of `library` to `output`, going on where an earlier run with the same `description` stopped.
///
/// Columns: `id`, `smiles`, those of `what`, and `error`.
///
/// # Errors
///
/// The library is damaged, the output belongs to something else, or the run was stopped; what is done is kept.
pub fn featurize(
    library: Library,
    what: What,
    standardize: Standardize,
    options: engine::Options,
    output: Output,
    description: RunDescription,
) -> Result<Summary> {
    let description = description
        .with("what", what)
        .with("standardize.largest_fragment", standardize.largest_fragment)
        .with("standardize.neutralize", standardize.neutralize)
        .with("block", BLOCK);
    let conversion = Featurize { what, standardize };
    let blocks = library.blocks(BLOCK).map(|block| block.map_err(BoxError::from));
    let job = Stream { conversion: &conversion, options, description, output, totals: None };
    Ok(engine::stream(job, blocks)?)
}

struct Featurize {
    what: What,
    standardize: Standardize,
}

/// What is known of one molecule.
#[derive(Default)]
struct Features {
    /// Its SMILES, where the library has another form.
    written: Option<String>,
    canonical: Option<String>,
    scaffold: Option<String>,
    ecfp4: Vec<u16>,
    fcfp4: Vec<u16>,
    descriptors: Option<Descriptors>,
    atoms: Vec<Atom>,
    count: u64,
}

impl Featurize {
    fn features(&self, entry: &Entry) -> Result<Features, Refusal> {
        let mut molecule = entry.molecule()?;
        if !self.standardize.is_nothing() {
            molecule = molecule.standardized(self.standardize)?;
        }
        let (what, drawn) = (self.what, matches!(entry.source, Source::MolBlock(_)));
        let canonical = (what.canonical || drawn).then(|| molecule.canonical_smiles());
        Ok(Features {
            written: canonical.clone().filter(|_| drawn),
            canonical: canonical.filter(|_| what.canonical),
            scaffold: what.scaffold.then(|| molecule.scaffold()),
            ecfp4: if what.ecfp4 { molecule.ecfp4()? } else { Vec::new() },
            fcfp4: if what.fcfp4 { molecule.fcfp4() } else { Vec::new() },
            descriptors: what.descriptors.then(|| molecule.descriptors()),
            atoms: if what.atoms { molecule.atoms() } else { Vec::new() },
            count: molecule.len() as u64,
        })
    }

    /// `[rows]`: the features of each row; equal texts are looked at once.
    fn all(&self, block: &[Entry]) -> Vec<Arc<Result<Features, Refusal>>> {
        let mut known: HashMap<&str, Arc<Result<Features, Refusal>>> = HashMap::with_capacity(block.len());
        let features = block.iter().map(|entry| match entry.source {
            Source::Missing(_) => Arc::new(self.features(entry)),
            _ => known.entry(entry.text()).or_insert_with(|| Arc::new(self.features(entry))).clone(),
        });
        features.collect()
    }

    fn table(&self, block: &[Entry], rows: &[Option<&Features>]) -> Result<RecordBatch, BoxError> {
        let what = self.what;
        let text = |of: fn(&Features) -> Option<&str>| -> ArrayRef {
            Arc::new(rows.iter().map(|row| row.and_then(of)).collect::<StringArray>())
        };
        let given = block.iter().zip(rows).map(|(entry, row)| match &entry.source {
            Source::Smiles(smiles) => Some(smiles.as_str()),
            Source::MolBlock(_) => row.and_then(|row| row.written.as_deref()),
            Source::Missing(_) => None,
        });
        let ids: StringArray = block.iter().map(|entry| Some(entry.id.as_str())).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(given.collect::<StringArray>())];
        if what.canonical {
            columns.push(text(|row| row.canonical.as_deref()));
        }
        if what.scaffold {
            columns.push(text(|row| row.scaffold.as_deref()));
        }
        if what.ecfp4 {
            columns.push(columns::bits(rows, |row| &row.ecfp4));
        }
        if what.fcfp4 {
            columns.push(columns::bits(rows, |row| &row.fcfp4));
        }
        if what.descriptors {
            columns.extend(columns::descriptors(rows));
        }
        if what.atoms {
            columns.push(columns::atoms(rows)?);
        }
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }
}

impl Conversion for Featurize {
    type Block = Vec<Entry>;

    fn schema(&self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let mut fields = vec![Field::new("id", DataType::Utf8, false), text("smiles")];
        let what = self.what;
        fields.extend(what.canonical.then(|| text("canonical_smiles")));
        fields.extend(what.scaffold.then(|| text("scaffold")));
        fields.extend(what.ecfp4.then(|| columns::bits_field("ecfp4")));
        fields.extend(what.fcfp4.then(|| columns::bits_field("fcfp4")));
        if what.descriptors {
            fields.extend(columns::descriptor_fields());
        }
        fields.extend(what.atoms.then(columns::atoms_field));
        Arc::new(Schema::new(fields))
    }

    fn rows(&self, block: &Self::Block) -> usize {
        block.len()
    }

    fn digest(&self, block: &Self::Block) -> u128 {
        let mut digest = Fingerprint::new();
        block.iter().for_each(|entry| entry.add_to(&mut digest));
        digest.finish()
    }

    fn convert(&self, block: Self::Block) -> Result<Converted, BoxError> {
        let features = self.all(&block);
        let rows: Vec<Option<&Features>> = features.iter().map(|row| row.as_ref().as_ref().ok()).collect();
        let rejected = features.iter().zip(&block).enumerate().filter_map(|(row, (features, entry))| {
            let refusal = features.as_ref().as_ref().err()?;
            let rejection = Rejection { kind: refusal.kind.to_string(), reason: refusal.reason.clone() };
            Some(RejectedRow { row, name: entry.id.clone(), rejection })
        });
        let tokens = rows.iter().flatten().map(|row| row.count).sum();
        Ok(Converted { table: self.table(&block, &rows)?, tokens, rejected: rejected.collect() })
    }
}
