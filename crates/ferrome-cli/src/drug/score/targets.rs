//! Targets from FASTA or a table: where the rooms of proteins and drugs meet.

use std::{num::NonZeroUsize, path::Path};

use anyhow::{Result, anyhow, bail};
use ferrome_drug::{
    read::{self, Memory, TargetRow},
    task::score::Target,
};

/// The targets of a file, at least one.
pub(super) fn read(path: &Path) -> Result<Vec<Target>> {
    let targets = if read::is_table(path) { from_table(path)? } else { from_fasta(path)? };
    if targets.is_empty() {
        bail!("{}: no targets: expected at least one", path.display());
    }
    Ok(targets)
}

/// The targets of a table that is given, at least one.
pub(super) fn given(table: &Memory) -> Result<Vec<Target>> {
    let targets = of_rows(table.targets()?, table.name())?;
    if targets.is_empty() {
        bail!("{}: no targets: expected at least one", table.name().display());
    }
    Ok(targets)
}

fn from_table(path: &Path) -> Result<Vec<Target>> {
    of_rows(read::targets(path)?, path)
}

fn of_rows(rows: Vec<TargetRow>, path: &Path) -> Result<Vec<Target>> {
    let rows = rows.into_iter().zip(1..);
    let target = |(row, number): (TargetRow, usize)| {
        let TargetRow { id, sequence } = row;
        Target::new(id.clone(), sequence)
            .map_err(|reason| anyhow!("{}: row {number}, `{id}`: {reason}", path.display()))
    };
    rows.map(target).collect()
}

fn from_fasta(path: &Path) -> Result<Vec<Target>> {
    let proteins = ferrome_protein::read::open(path, NonZeroUsize::MIN)?;
    let target = |protein: ferrome_protein::Result<ferrome_protein::read::Protein>| {
        let protein = protein?;
        let (source, line, id) = (protein.source, protein.line, protein.id);
        Target::new(id.clone(), protein.sequence).map_err(|reason| anyhow!("{source}: line {line}, `{id}`: {reason}"))
    };
    proteins.map(target).collect()
}
