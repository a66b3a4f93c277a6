use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Screen, gene_names};
use crate::{Error, Result};

/// Which conditions are learnt from, and which are held out.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Conditions to train on, the control not among them.
    pub train: Vec<usize>,
    /// Held out.
    pub test: Vec<usize>,
}

impl Split {
    /// Holds out the named conditions; the order of genes in a name does not matter.
    ///
    /// # Errors
    ///
    /// There is no such condition, or none is left to train on.
    pub fn named(screen: &Screen, names: &[String]) -> Result<Self> {
        let genes = |name: &str| {
            let mut genes: Vec<String> = gene_names(name).into_iter().map(str::to_owned).collect();
            genes.sort_unstable();
            genes
        };
        let find = |name: &String| {
            let place = screen.conditions.iter().position(|condition| genes(&condition.name) == genes(name));
            place.filter(|&place| place > 0).ok_or_else(|| Error::Screen(format!("there is no condition `{name}`")))
        };
        let test = names.iter().map(find).collect::<Result<Vec<_>>>()?;
        Self::checked((1..screen.conditions.len()).filter(|place| !test.contains(place)).collect(), test)
    }

    /// Holds out a share of the perturbed conditions, at least one.
    ///
    /// # Errors
    ///
    /// None is left to train on.
    pub fn random(screen: &Screen, share: f64, seed: u64) -> Result<Self> {
        let mut all: Vec<usize> = (1..screen.conditions.len()).collect();
        all.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let held_out = ((all.len() as f64 * share).round() as usize).clamp(1, all.len().max(1));
        let mut train = all.split_off(held_out.min(all.len()));
        train.sort_unstable();
        all.sort_unstable();
        Self::checked(train, all)
    }

    fn checked(train: Vec<usize>, test: Vec<usize>) -> Result<Self> {
        if train.is_empty() || test.is_empty() {
            let (train, test) = (train.len(), test.len());
            return Err(Error::Screen(format!("too few conditions: {train} to train on and {test} held out")));
        }
        Ok(Self { train, test })
    }
}
