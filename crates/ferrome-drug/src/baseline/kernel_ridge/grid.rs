use std::collections::BTreeMap;

use super::{KernelRidge, Observations, exponential};
use crate::{Error, Result, baseline::Matrix, metrics};

/// The relative residual at which a fit stops while combinations are compared.
const ROUGH: f64 = 1e-3;

/// What is tried, from the middle of each list along one list after another until nothing gets better.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Of the drugs' kernel, see [`exponential`].
    pub drug_widths: Vec<f64>,
    /// Of the proteins' kernel.
    pub protein_widths: Vec<f64>,
    /// Ridges.
    pub lambdas: Vec<f64>,
}

/// The best of a [`Grid`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Width of the drugs' kernel.
    pub drug_width: f64,
    /// Width of the proteins' kernel.
    pub protein_width: f64,
    /// Ridge.
    pub lambda: f64,
    /// Mean squared error on the validation pairs.
    pub mse: f64,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            drug_widths: vec![0.1, 0.3, 1.0, 3.0],
            protein_widths: vec![0.03, 0.1, 0.3, 1.0, 3.0],
            lambdas: vec![0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
        }
    }
}

impl Grid {
    /// Fits `train` with combinations, and takes the one with the least error on `validation`.
    ///
    /// # Errors
    ///
    /// Nothing to try or to learn from; a pair outside the similarities.
    pub fn choose(
        &self,
        (drugs, proteins): (&Matrix, &Matrix),
        train: &Observations,
        validation: &Observations,
    ) -> Result<Choice> {
        let nothing = || Error::Model("kernel ridge: nothing to try".into());
        let lists = [&self.drug_widths, &self.protein_widths, &self.lambdas];
        let mut known: BTreeMap<[usize; 3], f64> = BTreeMap::new();
        let mut error = |places: [usize; 3]| -> Result<f64> {
            if let Some(&mse) = known.get(&places) {
                return Ok(mse);
            }
            let [drug_width, protein_width, lambda] = self.at(places).ok_or_else(nothing)?;
            let model =
                KernelRidge { drugs: exponential(drugs, drug_width), proteins: exponential(proteins, protein_width) };
            let found = model.fit_within(train, (lambda, ROUGH), &validation.pairs)?.predictions;
            let none = || Error::Model("kernel ridge: no validation pairs".into());
            let mse = metrics::mse(&validation.values, &found).ok_or_else(none)?;
            known.insert(places, mse);
            Ok(mse)
        };
        let mut best = lists.map(|list| list.len() / 2);
        let mut least = error(best)?;
        loop {
            let before = least;
            for (axis, list) in lists.iter().enumerate() {
                for place in 0..list.len() {
                    let mut places = best;
                    places[axis] = place;
                    let mse = error(places)?;
                    if mse < least {
                        (best, least) = (places, mse);
                    }
                }
            }
            if least >= before {
                let [drug_width, protein_width, lambda] = self.at(best).ok_or_else(nothing)?;
                return Ok(Choice { drug_width, protein_width, lambda, mse: least });
            }
        }
    }

    fn at(&self, [drug, protein, lambda]: [usize; 3]) -> Option<[f64; 3]> {
        Some([*self.drug_widths.get(drug)?, *self.protein_widths.get(protein)?, *self.lambdas.get(lambda)?])
    }
}
