use hashbrown::HashMap;
use rayon::prelude::*;

use super::{Data, DataConfig, Pair, Row};
use crate::{
    Result,
    inputs::illegal_residue,
    molecule::{MolSource, Molecule},
    read::Frame,
};

/// A drug of the data.
#[derive(Clone, Debug)]
pub struct TrainedDrug {
    /// As pairs refer to it.
    pub id: String,
    /// As the data has it first.
    pub smiles: String,
    /// The same for equal molecules.
    pub canonical: String,
    /// The molecule.
    pub molecule: Molecule,
}

/// A protein of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protein {
    /// As pairs refer to it first.
    pub id: String,
    /// Its residues, in capitals.
    pub sequence: Vec<u8>,
}

/// Finds every row's drug and protein.
pub(super) fn resolve(config: &DataConfig, rows: &[Row], positive_from: Option<f64>) -> Result<Data> {
    let smiles = config
        .drugs
        .as_ref()
        .map(|t| Side::read(&t.table, (&t.key, "`data.drugs.key`"), (&t.smiles, "`data.drugs.smiles`")));
    let sequences = config
        .proteins
        .as_ref()
        .map(|t| Side::read(&t.table, (&t.key, "`data.proteins.key`"), (&t.sequence, "`data.proteins.sequence`")));
    let (smiles, sequences) = (smiles.transpose()?, sequences.transpose()?);
    let mut drugs = Drugs::parse(rows, smiles.as_ref());
    let mut proteins = Proteins::default();
    let (mut pairs, mut left_out) = (Vec::new(), Vec::new());
    for (row, given) in rows.iter().enumerate() {
        let mut pair = || -> Result<Pair, String> {
            let (value, positive) = measured(config, given, positive_from)?;
            let protein = proteins.find(&given.protein, sequences.as_ref())?;
            Ok(Pair { row, drug: drugs.find(&given.drug, smiles.as_ref())?, protein, value, positive })
        };
        match pair() {
            Ok(pair) => pairs.push(pair),
            Err(why) => left_out.push((row, why)),
        }
    }
    let (drugs, proteins) = (drugs.found, proteins.found);
    Ok(Data { drugs, proteins, pairs, rows: rows.len(), left_out, tags: Vec::new(), files: Vec::new() })
}

fn measured(config: &DataConfig, row: &Row, positive_from: Option<f64>) -> Result<(Option<f64>, Option<bool>), String> {
    let value = match (&config.value, row.value.as_str()) {
        (None, _) => None,
        (Some(name), "") => return Err(format!("column `{name}` is empty")),
        (Some(name), text) => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            Some(number.ok_or_else(|| format!("column `{name}`: expected a number, found `{text}`"))?)
        }
    };
    let positive = match (&config.label, row.label.as_str()) {
        (None, _) => value.zip(positive_from).map(|(value, from)| value >= from),
        (Some(_), "1" | "1.0" | "true" | "True") => Some(true),
        (Some(_), "0" | "0.0" | "false" | "False") => Some(false),
        (Some(name), text) => return Err(format!("column `{name}`: expected 0 or 1, found `{text}`")),
    };
    Ok((value, positive))
}

/// What a side table has for each key.
struct Side {
    path: String,
    cells: HashMap<String, String>,
}

impl Side {
    fn read(path: &std::path::Path, key: (&str, &str), cell: (&str, &str)) -> Result<Self> {
        let frame = Frame::open(path)?;
        let (keys, cells) = (frame.column(key.0, key.1)?, frame.column(cell.0, cell.1)?);
        let cells = keys.iter().cloned().zip(cells.iter().cloned()).collect();
        Ok(Self { path: path.display().to_string(), cells })
    }

    fn find(&self, key: &str, what: &str) -> Result<&str, String> {
        self.cells.get(key).map(String::as_str).ok_or_else(|| format!("{what} `{key}` is not in {}", self.path))
    }
}

/// The text of a drug or protein: that of the side table, or the one given.
fn text<'a>(given: &'a str, side: Option<&'a Side>, what: &str) -> Result<&'a str, String> {
    side.map_or(Ok(given), |side| side.find(given, what))
}

#[derive(Default)]
struct Drugs {
    parsed: HashMap<String, Result<(Molecule, String), String>>,
    by_canonical: HashMap<String, usize>,
    by_given: HashMap<String, usize>,
    found: Vec<TrainedDrug>,
}

impl Drugs {
    /// Reads every distinct text, in parallel.
    fn parse(rows: &[Row], side: Option<&Side>) -> Self {
        let mut distinct: Vec<&str> = rows.iter().filter_map(|row| text(&row.drug, side, "drug").ok()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let read = |smiles: &&str| {
            let molecule = Molecule::parse(smiles).map_err(|refusal| refusal.to_string());
            let molecule = molecule.map(|molecule| {
                let canonical = molecule.canonical_smiles();
                (molecule, canonical)
            });
            ((*smiles).to_owned(), molecule)
        };
        let parsed: Vec<_> = distinct.par_iter().map(read).collect();
        Self { parsed: parsed.into_iter().collect(), ..Self::default() }
    }

    fn find(&mut self, given: &str, side: Option<&Side>) -> Result<usize, String> {
        if let Some(&known) = self.by_given.get(given) {
            return Ok(known);
        }
        let smiles = text(given, side, "drug")?;
        let name = if side.is_some() { format!("drug `{given}`") } else { format!("drug `{}`", short(given)) };
        let (molecule, canonical) = match self.parsed.get(smiles) {
            Some(Ok(parsed)) => parsed,
            Some(Err(refused)) => return Err(format!("{name}: {refused}")),
            None => return Err(format!("{name}: not read")),
        };
        let place = *self.by_canonical.entry(canonical.clone()).or_insert_with(|| {
            let id = if side.is_some() { given.to_owned() } else { canonical.clone() };
            let (smiles, canonical, molecule) = (smiles.to_owned(), canonical.clone(), molecule.clone());
            self.found.push(TrainedDrug { id, smiles, canonical, molecule });
            self.found.len() - 1
        });
        self.by_given.insert(given.to_owned(), place);
        Ok(place)
    }
}

#[derive(Default)]
struct Proteins {
    by_sequence: HashMap<Vec<u8>, usize>,
    by_given: HashMap<String, usize>,
    found: Vec<Protein>,
}

impl Proteins {
    fn find(&mut self, given: &str, side: Option<&Side>) -> Result<usize, String> {
        if let Some(&known) = self.by_given.get(given) {
            return Ok(known);
        }
        let written = text(given, side, "protein")?;
        let sequence = written.trim().trim_end_matches('*').to_ascii_uppercase().into_bytes();
        let name = || format!("protein `{}`", short(given));
        if sequence.is_empty() {
            return Err(format!("{} has no residues", name()));
        }
        if let Some((letter, place)) = illegal_residue(&sequence) {
            return Err(format!("{}: `{letter}` at residue {place} is not an amino acid", name()));
        }
        let place = *self.by_sequence.entry(sequence.clone()).or_insert_with(|| {
            let id = if side.is_some() { given.to_owned() } else { format!("protein {}", self.found.len()) };
            self.found.push(Protein { id, sequence });
            self.found.len() - 1
        });
        self.by_given.insert(given.to_owned(), place);
        Ok(place)
    }
}

/// The beginning of a text that may be long.
fn short(text: &str) -> String {
    const SHOWN: usize = 40;
    if text.chars().count() <= SHOWN {
        text.to_owned()
    } else {
        text.chars().take(SHOWN).chain("…".chars()).collect()
    }
}
