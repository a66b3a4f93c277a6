use ferrome_core::engine::Rejection;
use hashbrown::HashMap;

use super::nearest::Nearest;
use crate::inputs::{Drug, Inputs};
use crate::molecule::{MolSource, Refusal};
use crate::read::{Entry, Source};

/// The molecules of some rows, each once.
pub(super) struct Molecules {
    /// What the model looks at.
    pub(super) unique: Vec<Drug>,
    /// `[rows]`: which text each row has.
    text_of_row: Vec<usize>,
    texts: Vec<Result<Text, Rejection>>,
}

/// What is known of a molecule as it was written.
pub(super) struct Text {
    /// Its place in [`Molecules::unique`].
    pub(super) molecule: usize,
    /// How similar the most similar training molecule is.
    pub(super) nearest: f32,
    /// Its SMILES, where the library has another form.
    pub(super) written: Option<String>,
}

impl Molecules {
    /// Equal texts are read once, and molecules that are the same to the model are kept once.
    pub(super) fn new(entries: &[Entry], inputs: &Inputs, nearest: &Nearest) -> Self {
        let mut molecules = Self { unique: Vec::new(), text_of_row: Vec::new(), texts: Vec::new() };
        let (mut known, mut same) = (HashMap::<&Source, usize>::new(), HashMap::new());
        for entry in entries {
            let text = *known.entry(&entry.source).or_insert_with(|| {
                molecules.texts.push(molecules_text(entry, inputs, nearest, &mut molecules.unique, &mut same));
                molecules.texts.len() - 1
            });
            molecules.text_of_row.push(text);
        }
        molecules
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.text_of_row.len()
    }

    /// Whether none is refused.
    pub(super) fn all_read(&self) -> bool {
        self.texts.iter().all(Result::is_ok)
    }

    /// What is known of the molecule of a row, or why it is refused.
    pub(super) fn of(&self, row: usize) -> &Result<Text, Rejection> {
        &self.texts[self.text_of_row[row]]
    }
}

fn molecules_text(
    entry: &Entry,
    inputs: &Inputs,
    nearest: &Nearest,
    unique: &mut Vec<Drug>,
    same: &mut HashMap<u128, (usize, f32)>,
) -> Result<Text, Rejection> {
    let refused = |refusal: Refusal| Rejection { kind: refusal.kind.to_string(), reason: refusal.reason };
    if let Source::Missing(reason) = &entry.source
        && let Some(rejection) = Rejection::of_quarantine(reason)
    {
        return Err(rejection);
    }
    let molecule = entry.molecule().map_err(refused)?;
    let drug = Drug::new(&molecule, inputs).map_err(refused)?;
    let (place, nearest) = *same.entry(drug.identity()).or_insert_with(|| {
        let similarity = nearest.tanimoto(drug.ecfp4());
        unique.push(drug);
        (unique.len() - 1, similarity)
    });
    let drawn = matches!(entry.source, Source::MolBlock(_));
    Ok(Text { molecule: place, nearest, written: drawn.then(|| molecule.canonical_smiles()) })
}
