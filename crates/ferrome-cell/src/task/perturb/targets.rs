use ferrome_core::fingerprint::identity;
use hashbrown::HashSet;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::Kind;

/// Genes by their tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Genes {
    /// Every gene that a cell has.
    All,
    /// These, each once.
    Listed(Vec<i32>),
}

/// Which perturbations each cell gets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Targets {
    /// The genes.
    pub genes: Genes,
    /// The listed genes are one perturbation, rather than each one of its own.
    pub together: bool,
    /// A gene that is perturbed together with each of the others.
    pub anchor: Option<i32>,
    /// So many genes of the cell, drawn at random, are perturbed for comparison.
    pub random: usize,
    /// Decides, together with the cell's tokens, which ones.
    pub seed: u64,
}

/// One perturbation of one cell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The genes that are perturbed together.
    pub genes: Vec<i32>,
    /// They were drawn for comparison.
    pub random: bool,
}

impl Targets {
    /// Every gene that has to be known for these perturbations.
    pub fn named(&self) -> impl Iterator<Item = i32> + '_ {
        let listed = match &self.genes {
            Genes::All => [].as_slice(),
            Genes::Listed(genes) => genes,
        };
        listed.iter().copied().chain(self.anchor)
    }

    /// The perturbations of a cell with these genes, in order of rank: first those asked for, then the random ones.
    ///
    /// A gene that the cell does not have gives none, nor does one whose perturbation changes nothing because it is first (or,
    /// for inhibition, last) already and was not listed.
    ///
    /// ```
    /// use ferrome_cell::task::perturb::{Genes, Kind, Targets};
    ///
    /// let targets = Targets { genes: Genes::Listed(vec![7, 20]), together: false, anchor: Some(30), random: 0, seed: 0 };
    /// let pairs: Vec<_> = targets.of_cell(&[10, 20, 30], Kind::Delete).into_iter().map(|change| change.genes).collect();
    /// assert_eq!(pairs, [[20, 30]]);
    /// ```
    #[must_use]
    pub fn of_cell(&self, cell: &[i32], kind: Kind) -> Vec<Change> {
        let here: HashSet<i32> = cell.iter().copied().collect();
        let possible = |gene: &i32| kind.takes_absent() || here.contains(gene);
        if self.anchor.is_some_and(|anchor| !possible(&anchor)) {
            return Vec::new();
        }
        let sets: Vec<Vec<i32>> = match &self.genes {
            Genes::All => self.all(cell, kind),
            Genes::Listed(genes) if self.together && genes.iter().all(possible) => vec![genes.clone()],
            Genes::Listed(_) if self.together => Vec::new(),
            Genes::Listed(genes) => genes.iter().filter(|gene| possible(gene)).map(|&gene| vec![gene]).collect(),
        };
        let size = sets.first().map_or(0, Vec::len);
        let asked = sets.into_iter().map(|genes| Change { genes, random: false });
        let drawn = self.draw(cell, size).into_iter().map(|genes| Change { genes, random: true });
        asked.chain(drawn).map(|change| self.paired(change)).collect()
    }

    fn all(&self, cell: &[i32], kind: Kind) -> Vec<Vec<i32>> {
        let idle = match kind {
            _ if self.anchor.is_some() => None,
            Kind::Delete => None,
            Kind::Overexpress | Kind::Activate(_) => cell.first(),
            Kind::Inhibit(_) => cell.last(),
        };
        cell.iter().filter(|&gene| Some(gene) != idle && Some(*gene) != self.anchor).map(|&gene| vec![gene]).collect()
    }

    /// Random sets of `size` genes of the cell, none of which was asked for.
    fn draw(&self, cell: &[i32], size: usize) -> Vec<Vec<i32>> {
        if self.random == 0 || size == 0 {
            return Vec::new();
        }
        let named: HashSet<i32> = self.named().collect();
        let others: Vec<i32> = cell.iter().copied().filter(|gene| !named.contains(gene)).collect();
        let bytes: Vec<u8> = cell.iter().flat_map(|token| token.to_le_bytes()).collect();
        let mut key = [0; 32];
        key[..16].copy_from_slice(&identity(&bytes).to_le_bytes());
        key[16..24].copy_from_slice(&self.seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        let mut take = |count: usize| -> Vec<i32> {
            let places = index::sample(&mut generator, others.len(), count);
            places.into_iter().filter_map(|place| others.get(place).copied()).collect()
        };
        match size {
            1 => take(self.random.min(others.len())).into_iter().map(|gene| vec![gene]).collect(),
            _ if size <= others.len() => (0..self.random).map(|_| take(size)).collect(),
            _ => Vec::new(),
        }
    }

    // The anchor stands last in every cell, so that a pair has one name.
    fn paired(&self, mut change: Change) -> Change {
        change.genes.extend(self.anchor);
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: [i32; 5] = [10, 20, 30, 40, 50];

    fn targets(genes: Genes) -> Targets {
        Targets { genes, together: false, anchor: None, random: 0, seed: 0 }
    }

    fn sets(targets: &Targets, kind: Kind) -> Vec<Vec<i32>> {
        targets.of_cell(&CELL, kind).into_iter().map(|change| change.genes).collect()
    }

    #[test]
    fn all_genes_but_those_that_would_not_move() {
        let all = targets(Genes::All);
        assert_eq!(sets(&all, Kind::Delete).len(), 5);
        assert_eq!(sets(&all, Kind::Overexpress), [[20], [30], [40], [50]]);
        assert_eq!(sets(&all, Kind::Activate(0.5)), [[20], [30], [40], [50]]);
        assert_eq!(sets(&all, Kind::Inhibit(0.5)), [[10], [20], [30], [40]]);
    }

    #[test]
    fn listed_genes_that_a_cell_lacks() {
        let listed = targets(Genes::Listed(vec![50, 7, 10]));
        assert_eq!(sets(&listed, Kind::Delete), [[50], [10]]);
        assert_eq!(sets(&listed, Kind::Overexpress), [[50], [7], [10]]);
        let together = Targets { together: true, ..listed };
        assert_eq!(sets(&together, Kind::Delete), [[0; 0]; 0]);
        assert_eq!(sets(&together, Kind::Overexpress), [[50, 7, 10]]);
    }

    #[test]
    fn pairs_need_the_anchor() {
        let pairs = Targets { anchor: Some(30), ..targets(Genes::All) };
        assert_eq!(sets(&pairs, Kind::Delete), [[10, 30], [20, 30], [40, 30], [50, 30]]);
        let pairs = Targets { anchor: Some(7), ..pairs };
        assert_eq!(sets(&pairs, Kind::Inhibit(0.5)), [[0; 0]; 0]);
        assert_eq!(sets(&pairs, Kind::Overexpress).first().unwrap(), &[10, 7]);
    }

    #[test]
    fn random_genes_depend_on_seed_and_cell_alone_and_are_not_those_asked_for() {
        let listed = Targets { random: 3, ..targets(Genes::Listed(vec![20])) };
        let drawn: Vec<i32> =
            listed.of_cell(&CELL, Kind::Delete).iter().filter(|c| c.random).flat_map(|c| c.genes.clone()).collect();
        assert_eq!(drawn.len(), 3);
        assert!(drawn.iter().all(|gene| *gene != 20 && CELL.contains(gene)), "{drawn:?}");
        assert_eq!(listed.of_cell(&CELL, Kind::Delete), listed.of_cell(&CELL, Kind::Delete));
        assert_eq!(listed.of_cell(&[10, 30], Kind::Delete), [], "a cell without the gene is no comparison");
        let many = Targets { random: 99, ..listed };
        assert_eq!(many.of_cell(&CELL, Kind::Delete).len(), 5);
        let sets = Targets { together: true, genes: Genes::Listed(vec![10, 20]), random: 2, ..many };
        assert_eq!(sets.of_cell(&CELL, Kind::Delete).iter().map(|c| c.genes.len()).collect::<Vec<_>>(), [2, 2, 2]);
    }
}
