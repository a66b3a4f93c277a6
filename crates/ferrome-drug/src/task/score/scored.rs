use ferrome_core::engine::Rejection;

use super::molecules::Molecules;
use crate::checkpoint::Scores;

/// What is known of the rows of a block.
pub(super) struct Scored {
    pub(super) scores: Scores,
    pub(super) molecules: Molecules,
    places: Places,
}

/// Where the score of each row is.
pub(super) enum Places {
    /// Every molecule has a row for each of so many targets.
    Crossed(usize),
    /// `[rows]`: a place in the scores, or why there is none.
    Each(Vec<Result<usize, Rejection>>),
}

impl Scored {
    pub(super) fn new(scores: Scores, molecules: Molecules, places: Places) -> Self {
        Self { scores, molecules, places }
    }

    /// A place in `scores`, or why the row has none.
    pub(super) fn place(&self, row: usize) -> Result<usize, &Rejection> {
        match &self.places {
            Places::Crossed(targets) => {
                let text = self.molecules.of(row / targets).as_ref()?;
                Ok(text.molecule * targets + row % targets)
            }
            Places::Each(places) => places[row].as_ref().copied(),
        }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        match &self.places {
            Places::Crossed(targets) => self.molecules.rows() * targets,
            Places::Each(places) => places.len(),
        }
    }

    /// Whether no row is refused.
    pub(super) fn is_whole(&self) -> bool {
        match &self.places {
            Places::Crossed(_) => self.molecules.all_read(),
            Places::Each(places) => places.iter().all(Result::is_ok),
        }
    }

    /// `[rows]`: why a row has no score.
    pub(super) fn refused(&self) -> Vec<Option<Rejection>> {
        (0..self.rows()).map(|row| self.place(row).err().cloned()).collect()
    }

    /// As it will be written, which is what rows are put in order by.
    pub(super) fn written(&self, row: usize) -> Option<f32> {
        Some(*self.scores.score.get(self.place(row).ok()?)? as f32)
    }
}
