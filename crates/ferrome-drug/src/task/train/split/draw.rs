use hashbrown::HashMap;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Part, SplitConfig, SplitKind};
use crate::{molecule::MolSource, task::train::Data};

/// The part of every pair, drawn from the seed.
pub(super) fn draw(config: &SplitConfig, data: &Data, seed: u64) -> Vec<Part> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let shares = (config.validation_share, config.test_share);
    let mut single = |n: usize| assign(&(0..n).map(|i| vec![i]).collect::<Vec<_>>(), n, shares, &mut random);
    match config.by {
        SplitKind::ColdDrug => {
            let drugs = single(data.drugs.len());
            data.pairs.iter().map(|pair| drugs[pair.drug]).collect()
        }
        SplitKind::ColdTarget => {
            let proteins = single(data.proteins.len());
            data.pairs.iter().map(|pair| proteins[pair.protein]).collect()
        }
        SplitKind::ColdBoth => {
            let (drugs, proteins) = (single(data.drugs.len()), single(data.proteins.len()));
            let both = |drug: Part, protein: Part| if drug == protein { drug } else { Part::Unused };
            data.pairs.iter().map(|pair| both(drugs[pair.drug], proteins[pair.protein])).collect()
        }
        SplitKind::Scaffold => {
            let drugs = assign(&scaffolds(data), data.drugs.len(), shares, &mut random);
            data.pairs.iter().map(|pair| drugs[pair.drug]).collect()
        }
        _ => single(data.pairs.len()),
    }
}

/// Drugs by scaffold, in the order in which scaffolds are met.
fn scaffolds(data: &Data) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (i, drug) in data.drugs.iter().enumerate() {
        let group = *known.entry(drug.molecule.scaffold()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(i);
    }
    groups
}

/// Gives each of `n` items a part, groups staying whole: groups that would fill half of a part are trained on, the others
/// go in random order to the test, to validation and to training.
fn assign(groups: &[Vec<usize>], n: usize, shares: (f64, f64), random: &mut ChaCha8Rng) -> Vec<Part> {
    let wanted = |share: f64| if share > 0.0 { ((share * n as f64).round() as usize).max(1) } else { 0 };
    let (validation, test) = (wanted(shares.0), wanted(shares.1));
    let mut order: Vec<&Vec<usize>> = groups.iter().collect();
    order.shuffle(random);
    let mut parts = vec![Part::Train; n];
    let mut given = (0, 0);
    for group in order {
        let small = |room: usize| group.len() <= (room / 2).max(1);
        let part = if given.1 + group.len() <= test && small(test) {
            given.1 += group.len();
            Part::Test
        } else if given.0 + group.len() <= validation && small(validation) {
            given.0 += group.len();
            Part::Validation
        } else {
            Part::Train
        };
        group.iter().for_each(|&i| parts[i] = part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stay_whole_and_parts_get_their_share() {
        let groups: Vec<Vec<usize>> = [0..30, 30..32, 32..35, 35..36]
            .into_iter()
            .chain((36..100).map(|i| i..i + 1))
            .map(Iterator::collect)
            .collect();
        let parts = assign(&groups, 100, (0.1, 0.2), &mut ChaCha8Rng::seed_from_u64(1));
        let count = |wanted: Part| parts.iter().filter(|part| **part == wanted).count();
        assert_eq!((count(Part::Train), count(Part::Validation), count(Part::Test)), (70, 10, 20));
        assert!(groups.iter().all(|group| group.iter().all(|&i| parts[i] == parts[group[0]])));
        assert!(parts[..30].iter().all(|part| *part == Part::Train));
        assert_ne!(parts, assign(&groups, 100, (0.1, 0.2), &mut ChaCha8Rng::seed_from_u64(2)));
    }
}
