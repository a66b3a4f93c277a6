use std::collections::BTreeMap;

use ferrome_core::interrupt::Interrupt;

use super::{KernelRidge, Observations, exponential, solve::Stop};
use crate::{Error, Result, baseline::Matrix, metrics};

/// Where a fit stops while combinations are compared.
const ROUGH: Stop = Stop { residual: 1e-3, steps: 100 };

/// What is tried: from the middles of the widths along one list after the other until nothing gets better, each time with every
/// ridge.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Of the drugs' kernel, see [`exponential`].
    pub drug_widths: Vec<f64>,
    /// Of the proteins' kernel.
    pub protein_widths: Vec<f64>,
    /// Ridges.
    pub ridges: Vec<f64>,
}

/// The best of a [`Grid`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Width of the drugs' kernel.
    pub drug_width: f64,
    /// Width of the proteins' kernel.
    pub protein_width: f64,
    /// Ridge.
    pub ridge: f64,
    /// Mean squared error on the validation pairs.
    pub mse: f64,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            drug_widths: vec![0.1, 0.3, 1.0, 3.0],
            protein_widths: vec![0.03, 0.1, 0.3, 1.0, 3.0],
            ridges: vec![0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
        }
    }
}

impl Grid {
    /// Fits `train` with combinations, and takes the one with the least error on `validation`.
    ///
    /// # Errors
    ///
    /// Nothing to try or to learn from; a pair outside the similarities; interrupted.
    pub fn choose(
        &self,
        (drugs, proteins): (&Matrix, &Matrix),
        train: &Observations,
        validation: &Observations,
        interrupt: &Interrupt,
    ) -> Result<Choice> {
        let widths = [&self.drug_widths, &self.protein_widths];
        let mut known: BTreeMap<[usize; 2], Choice> = BTreeMap::new();
        let mut best_at = |places: [usize; 2]| -> Result<Choice> {
            if let Some(&choice) = known.get(&places) {
                return Ok(choice);
            }
            let (drug_width, protein_width) = self.at(places).ok_or_else(nothing)?;
            let model =
                KernelRidge { drugs: exponential(drugs, drug_width), proteins: exponential(proteins, protein_width) };
            let fits = model.fit_each(train, (&self.ridges, ROUGH), &validation.pairs, interrupt)?;
            let mses = fits.iter().map(|fit| metrics::mse(&validation.values, &fit.predictions));
            let mses = mses.collect::<Option<Vec<f64>>>();
            let mses = mses.ok_or_else(|| Error::Model("kernel ridge: no validation pairs".into()))?;
            let (&ridge, mse) =
                self.ridges.iter().zip(mses).min_by(|one, other| one.1.total_cmp(&other.1)).ok_or_else(nothing)?;
            let choice = Choice { drug_width, protein_width, ridge, mse };
            known.insert(places, choice);
            Ok(choice)
        };
        let mut places = widths.map(|list| list.len() / 2);
        let mut best = best_at(places)?;
        loop {
            let before = best.mse;
            for (axis, list) in widths.iter().enumerate() {
                for place in 0..list.len() {
                    let mut tried = places;
                    tried[axis] = place;
                    let choice = best_at(tried)?;
                    if choice.mse < best.mse {
                        (places, best) = (tried, choice);
                    }
                }
            }
            if best.mse >= before {
                return Ok(best);
            }
        }
    }

    fn at(&self, [drug, protein]: [usize; 2]) -> Option<(f64, f64)> {
        Some((*self.drug_widths.get(drug)?, *self.protein_widths.get(protein)?))
    }
}

fn nothing() -> Error {
    Error::Model("kernel ridge: nothing to try".into())
}
