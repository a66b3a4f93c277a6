//! Cells by two numbers at once, in bins of their logarithms.

use hashbrown::HashMap;

/// Bins per factor of ten.
const PER_DECADE: f64 = 48.0;

/// Where a bin is, cells in it, and the sum of the third number over them.
type Bin = ((u16, u16), (u64, f64));

/// How many cells lie in each bin of counts and genes, and the sum of a third number over them.
#[derive(Clone, Debug, Default)]
pub struct Plane {
    bins: HashMap<(u16, u16), (u64, f64)>,
}

/// One bin: its edges, and what lies in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patch {
    /// Lower and upper edge of the first number.
    pub x: (f64, f64),
    /// Lower and upper edge of the second number.
    pub y: (f64, f64),
    /// Cells in it.
    pub cells: u64,
    /// The mean of the third number over them.
    pub mean: f64,
}

impl Plane {
    /// Adds a cell; both numbers are 1 or more, what is smaller counts as 1.
    pub fn add(&mut self, x: f64, y: f64, third: f64) {
        let bin = |value: f64| (value.max(1.0).log10() * PER_DECADE) as u16;
        let (cells, sum) = self.bins.entry((bin(x), bin(y))).or_default();
        *cells += 1;
        *sum += third;
    }

    /// The occupied bins in order, joined until there are at most `most` of them.
    #[must_use]
    pub fn patches(&self, most: usize) -> Vec<Patch> {
        let mut bins: Vec<Bin> = self.bins.iter().map(|(&bin, &held)| (bin, held)).collect();
        bins.sort_unstable_by_key(|&(bin, _)| bin);
        let mut factor = 1;
        while bins.len() > most.max(1) {
            factor *= 2;
            bins = join(&bins);
        }
        let edge = |bin: u16| 10_f64.powf(f64::from(bin) * f64::from(factor) / PER_DECADE);
        let patch = |&((x, y), (cells, sum)): &Bin| Patch {
            x: (edge(x), edge(x + 1)),
            y: (edge(y), edge(y + 1)),
            cells,
            mean: sum / cells as f64,
        };
        bins.iter().map(patch).collect()
    }
}

/// Makes one bin of four; in order, so that sums are the same every time.
fn join(bins: &[Bin]) -> Vec<Bin> {
    let mut halved: Vec<_> = bins.iter().map(|&((x, y), held)| ((x / 2, y / 2), held)).collect();
    halved.sort_by_key(|&(bin, _)| bin);
    let sum = |run: &[Bin]| {
        let held = run.iter().fold((0, 0.0), |all, (_, held)| (all.0 + held.0, all.1 + held.1));
        run.first().map(|&(bin, _)| (bin, held))
    };
    halved.chunk_by(|a, b| a.0 == b.0).filter_map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_lie_within_the_edges_of_their_bin() {
        let mut plane = Plane::default();
        plane.add(1234.0, 56.0, 0.5);
        plane.add(1234.0, 56.0, 0.1);
        let patches = plane.patches(10);
        let Patch { x, y, cells, mean } = patches[0];
        assert_eq!((patches.len(), cells), (1, 2));
        assert!(x.0 <= 1234.0 && 1234.0 < x.1 && y.0 <= 56.0 && 56.0 < y.1 && (mean - 0.3).abs() < 1e-12);
    }

    #[test]
    fn bins_are_joined_until_few_are_left_and_no_cell_is_lost() {
        let mut plane = Plane::default();
        for i in 1..2000 {
            plane.add(f64::from(i), f64::from(i * 7 % 1999 + 1), 1.0);
        }
        let patches = plane.patches(100);
        assert!((10..=100).contains(&patches.len()), "{}", patches.len());
        assert_eq!(patches.iter().map(|patch| patch.cells).sum::<u64>(), 1999);
        assert!(patches.iter().all(|patch| patch.mean == 1.0 && patch.x.0 < patch.x.1));
    }
}
