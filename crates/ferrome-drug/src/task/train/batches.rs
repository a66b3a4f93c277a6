use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{BatchesConfig, Data};

/// What a step sees: every drug and protein of its pairs once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Which of the data's drugs, ascending.
    pub(super) drugs: Vec<usize>,
    /// Which of the data's proteins, ascending.
    pub(super) proteins: Vec<usize>,
    /// The place of each pair's drug and protein in these.
    pub(super) places: Vec<(i64, i64)>,
    /// The pairs.
    pub(super) pairs: Vec<usize>,
}

impl Step {
    /// The step over some pairs.
    pub(super) fn new(data: &Data, pairs: Vec<usize>) -> Self {
        let distinct = |of: fn(&super::Pair) -> usize| {
            let mut all: Vec<usize> = pairs.iter().map(|&i| of(&data.pairs[i])).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let (drugs, proteins) = (distinct(|pair| pair.drug), distinct(|pair| pair.protein));
        let place = |list: &[usize], which: usize| list.binary_search(&which).unwrap_or(0) as i64;
        let places =
            pairs.iter().map(|&i| (place(&drugs, data.pairs[i].drug), place(&proteins, data.pairs[i].protein)));
        Self { places: places.collect(), drugs, proteins, pairs }
    }
}

/// The steps of an epoch over the pairs `train`: every pair once, in an order that seed and epoch decide.
pub(super) fn epoch(config: &BatchesConfig, data: &Data, train: &[usize], seed: u64, epoch: u64) -> Vec<Step> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(epoch);
    let mut steps: Vec<Vec<usize>> = if config.pairs > 0 {
        let mut order = train.to_vec();
        order.shuffle(&mut random);
        let steps = order.len().div_ceil(config.pairs);
        order.chunks(order.len().div_ceil(steps).max(1)).map(<[usize]>::to_vec).collect()
    } else {
        let (drugs, of_drug) = blocks(data.drugs.len(), config.drugs, &mut random);
        let (proteins, of_protein) = blocks(data.proteins.len(), config.proteins, &mut random);
        let mut steps = vec![Vec::new(); drugs * proteins];
        for &i in train {
            let pair = &data.pairs[i];
            steps[of_drug[pair.drug] * proteins + of_protein[pair.protein]].push(i);
        }
        steps.retain(|step| !step.is_empty());
        steps
    };
    steps.shuffle(&mut random);
    steps.into_iter().map(|pairs| Step::new(data, pairs)).collect()
}

/// Cuts `n` things at random into blocks of about `size` (0: one block): how many there are, and the block of each.
fn blocks(n: usize, size: usize, random: &mut ChaCha8Rng) -> (usize, Vec<usize>) {
    let count = if size == 0 { 1 } else { n.div_ceil(size).max(1) };
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(random);
    let mut of = vec![0; n];
    for (place, &which) in order.iter().enumerate() {
        of[which] = place * count / n;
    }
    (count, of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::train::Pair;

    fn data() -> Data {
        let pair = |i: usize| Pair { row: i, drug: i % 7, protein: i / 7, value: Some(i as f64), positive: None };
        let drug = |i: usize| crate::task::train::TrainedDrug {
            id: i.to_string(),
            smiles: "C".into(),
            canonical: "C".into(),
            molecule: crate::molecule::MolSource::parse("C").unwrap(),
        };
        let protein = |i: usize| crate::task::train::Protein { id: i.to_string(), sequence: b"M".to_vec() };
        Data {
            drugs: (0..7).map(drug).collect(),
            proteins: (0..10).map(protein).collect(),
            pairs: (0..70).map(pair).collect(),
            rows: 70,
            left_out: Vec::new(),
            tags: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn every_pair_is_seen_once_in_each_kind_of_batch() {
        let data = data();
        let train: Vec<usize> = (0..70).filter(|i| i % 5 != 0).collect();
        for config in [
            BatchesConfig { drugs: 0, proteins: 4, pairs: 0 },
            BatchesConfig { drugs: 3, proteins: 0, pairs: 0 },
            BatchesConfig { drugs: 0, proteins: 0, pairs: 16 },
        ] {
            let steps = epoch(&config, &data, &train, 1, 0);
            let mut seen: Vec<usize> = steps.iter().flat_map(|step| step.pairs.clone()).collect();
            assert_ne!(seen, train, "{config:?}");
            seen.sort_unstable();
            assert_eq!(seen, train, "{config:?}");
            assert!(steps.len() > 2, "{config:?}");
            for step in &steps {
                for (&(drug, protein), &i) in step.places.iter().zip(&step.pairs) {
                    let pair = data.pairs[i];
                    assert_eq!((step.drugs[drug as usize], step.proteins[protein as usize]), (pair.drug, pair.protein));
                }
            }
            assert_eq!(steps, epoch(&config, &data, &train, 1, 0));
            assert_ne!(steps, epoch(&config, &data, &train, 1, 1));
            assert_ne!(steps, epoch(&config, &data, &train, 2, 0));
        }
    }
}
