//! Which cells are trained on, which choose the epoch, and which are only ever tested on.

use hashbrown::HashMap;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How items are split.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitConfig {
    /// A column, such as the donor, whose values stay whole: nobody who is trained on is tested on.
    pub group: Option<String>,
    /// Share that chooses the epoch.
    pub validation_share: f64,
    /// Share that is tested on.
    pub test_share: f64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { group: None, validation_share: 0.1, test_share: 0.1 }
    }
}

/// Places of items, ascending.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Split {
    /// To train on.
    pub train: Vec<usize>,
    /// To choose the epoch.
    pub validation: Vec<usize>,
    /// To test on.
    pub test: Vec<usize>,
}

/// What is known of the items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a> {
    /// Equal numbers are the same item: they stay together.
    pub(super) identity: &'a [u64],
    /// Their class; a share of every class goes to every part.
    pub(super) class: Option<&'a [usize]>,
    /// Their group.
    pub(super) group: Option<&'a [String]>,
}

impl SplitConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        let (validation, test) = (self.validation_share, self.test_share);
        if validation > 0.0 && test >= 0.0 && validation + test < 1.0 {
            return Ok(());
        }
        Err(format!(
            "split: validation_share {validation} and test_share {test}, expected more than 0, at least 0, and less than \
             1 together"
        ))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Validation,
    Test,
}

impl Split {
    /// Splits the items at random by the seed: by group, or in every class alike.
    ///
    /// # Errors
    ///
    /// There are too few groups or items for the parts.
    pub(super) fn new(config: &SplitConfig, items: Items, seed: u64) -> Result<Self> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let n = items.identity.len();
        let mut parts = vec![Part::Train; n];
        let shares = (config.validation_share, config.test_share);
        match (&config.group, items.group) {
            (Some(column), Some(groups)) => {
                let units = units(groups);
                let needed = if shares.1 > 0.0 { 3 } else { 2 };
                if units.len() < needed {
                    return Err(Error::Train(format!(
                        "column `{column}` has {} group{}, expected {needed} or more to hold some out",
                        units.len(),
                        if units.len() == 1 { "" } else { "s" }
                    )));
                }
                assign(units, n, shares, &mut random, &mut parts);
            }
            _ => {
                let same = units(items.identity);
                for stratum in strata(same, items.class) {
                    let n = stratum.iter().map(Vec::len).sum();
                    assign(stratum, n, shares, &mut random, &mut parts);
                }
            }
        }
        let of = |wanted: Part| (0..n).filter(|&i| parts.get(i) == Some(&wanted)).collect::<Vec<_>>();
        let split = Self { train: of(Part::Train), validation: of(Part::Validation), test: of(Part::Test) };
        if split.train.is_empty() || split.validation.is_empty() || (shares.1 > 0.0 && split.test.is_empty()) {
            return Err(Error::Train(format!(
                "{n} cells are too few to split: {} to train on, {} to choose the epoch, {} to test on",
                split.train.len(),
                split.validation.len(),
                split.test.len()
            )));
        }
        Ok(split)
    }
}

/// Items with the same key, in the order in which keys are met.
fn units<K: std::hash::Hash + Eq>(keys: &[K]) -> Vec<Vec<usize>> {
    let mut known: HashMap<&K, usize> = HashMap::new();
    let mut units: Vec<Vec<usize>> = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        let unit = *known.entry(key).or_insert(units.len());
        match units.get_mut(unit) {
            Some(unit) => unit.push(i),
            None => units.push(vec![i]),
        }
    }
    units
}

/// Units by the class of their first item.
fn strata(units: Vec<Vec<usize>>, class: Option<&[usize]>) -> Vec<Vec<Vec<usize>>> {
    let mut strata: std::collections::BTreeMap<usize, Vec<Vec<usize>>> = std::collections::BTreeMap::new();
    for unit in units {
        let class = unit.first().zip(class).and_then(|(&i, class)| class.get(i)).copied().unwrap_or(0);
        strata.entry(class).or_default().push(unit);
    }
    strata.into_values().collect()
}

/// Gives whole units, in random order, to the test, to validation and to training. A part with a share gets a unit as soon
/// as there is one for each part, and a unit goes where it misses the wanted number by less.
fn assign(
    mut units: Vec<Vec<usize>>,
    n: usize,
    (validation, test): (f64, f64),
    random: &mut ChaCha8Rng,
    parts: &mut [Part],
) {
    units.shuffle(random);
    let mut left = units.len();
    let parts_with_a_share = 1 + usize::from(validation > 0.0) + usize::from(test > 0.0);
    let enough = left >= parts_with_a_share;
    let mut give = |wanted: f64, part: Part, units: &mut std::vec::IntoIter<Vec<usize>>| {
        let mut given = 0.0;
        // One unit is always left to train on.
        while wanted > 0.0 && left > 1 {
            let next = units.as_slice().first().map_or(0, Vec::len) as f64;
            let first = given == 0.0 && enough;
            if !first && given + next / 2.0 > wanted {
                break;
            }
            let Some(unit) = units.next() else { break };
            given += next;
            left -= 1;
            unit.iter().for_each(|&i| {
                if let Some(slot) = parts.get_mut(i) {
                    *slot = part;
                }
            });
        }
    };
    let mut units = units.into_iter();
    give(test * n as f64, Part::Test, &mut units);
    give(validation * n as f64, Part::Validation, &mut units);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(config: &SplitConfig, items: Items) -> Split {
        Split::new(config, items, 3).unwrap()
    }

    #[test]
    fn every_class_is_in_every_part() {
        let identity: Vec<u64> = (0..103).collect();
        let class: Vec<usize> = (0..103).map(|i| usize::from(i >= 40) + usize::from(i >= 100)).collect();
        let items = Items { identity: &identity, class: Some(&class), group: None };
        let split = split(&SplitConfig::default(), items);
        for (part, counts) in [(&split.train, [32, 48, 1]), (&split.validation, [4, 6, 1]), (&split.test, [4, 6, 1])] {
            assert_eq!([0, 1, 2].map(|c| part.iter().filter(|&&i| class[i] == c).count()), counts);
        }
        assert_eq!(split.train.len() + split.validation.len() + split.test.len(), 103);
    }

    #[test]
    fn equal_cells_stay_together() {
        let identity: Vec<u64> = (0..60).map(|i| i / 3).collect();
        let split = split(&SplitConfig::default(), Items { identity: &identity, class: None, group: None });
        for i in &split.test {
            assert!(split.train.iter().chain(&split.validation).all(|j| identity[*i] != identity[*j]));
        }
    }

    #[test]
    fn groups_stay_whole() {
        let identity: Vec<u64> = (0..50).collect();
        let groups: Vec<String> = (0..50).map(|i| format!("donor {}", i / 10)).collect();
        let config = SplitConfig { group: Some("donor".into()), ..SplitConfig::default() };
        let items = Items { identity: &identity, class: None, group: Some(&groups) };
        let found = split(&config, items);
        assert_eq!((found.train.len(), found.validation.len(), found.test.len()), (30, 10, 10));
        for part in [&found.validation, &found.test] {
            assert!(part.iter().all(|&i| groups[i] == groups[part[0]]));
        }
        let two: Vec<String> = (0..50).map(|i| format!("{}", i / 25)).collect();
        let refused = Split::new(&config, Items { group: Some(&two), ..items }, 1).unwrap_err();
        assert_eq!(refused.to_string(), "column `donor` has 2 groups, expected 3 or more to hold some out");
    }

    #[test]
    fn too_few_cells() {
        let identity = [1, 2];
        let items = Items { identity: &identity, class: None, group: None };
        let refused = Split::new(&SplitConfig::default(), items, 1).unwrap_err().to_string();
        assert_eq!(refused, "2 cells are too few to split: 2 to train on, 0 to choose the epoch, 0 to test on");
    }
}
