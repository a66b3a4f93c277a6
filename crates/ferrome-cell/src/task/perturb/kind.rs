use std::fmt;

/// What is done to genes of a cell, which is their tokens in order of rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The genes are taken out.
    Delete,
    /// The genes come first, in the order in which they are given; absent ones are put in.
    Overexpress,
    /// The genes move down by this share of the cell's genes, at most to the end.
    Inhibit(f64),
    /// The genes move up by this share of the cell's genes, at most to the front.
    Activate(f64),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete => f.write_str("delete"),
            Self::Overexpress => f.write_str("overexpress"),
            Self::Inhibit(share) => write!(f, "inhibit by {share}"),
            Self::Activate(share) => write!(f, "activate by {share}"),
        }
    }
}

/// What stands around the genes of a cell, and how much fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Special tokens before the genes: 1 where the vocabulary has `<cls>`.
    pub head: usize,
    /// Special tokens after the genes: 1 where the vocabulary has `<eos>`.
    pub tail: usize,
    /// Most tokens that the model takes, special ones included.
    pub limit: usize,
}

impl Frame {
    /// The genes of a cell, without its frame.
    #[must_use]
    pub fn genes(self, cell: &[i32]) -> &[i32] {
        cell.get(self.head..cell.len().saturating_sub(self.tail)).unwrap_or_default()
    }

    fn around(self, cell: &[i32], genes: impl IntoIterator<Item = i32>) -> Vec<i32> {
        let head = cell.get(..self.head).unwrap_or_default();
        let tail = cell.get(cell.len().saturating_sub(self.tail)..).unwrap_or_default();
        head.iter().copied().chain(genes).chain(tail.iter().copied()).collect()
    }
}

/// A cell after a perturbation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Perturbed {
    /// Its tokens, in their frame.
    pub tokens: Vec<i32>,
    /// The cell before, where that is not the whole one: without the genes that no longer fit, so that both have the same.
    pub original: Option<Vec<i32>>,
}

impl Kind {
    /// Whether genes that a cell does not have can be perturbed in it.
    #[must_use]
    pub fn takes_absent(self) -> bool {
        self == Self::Overexpress
    }

    /// `cell` after `set`, genes by their tokens, each given once. Genes that the cell does not have change nothing, but for
    /// over-expression.
    ///
    /// ```
    /// use ferrome_cell::task::perturb::{Frame, Kind};
    ///
    /// let frame = Frame { head: 0, tail: 0, limit: 5 };
    /// let after = |kind: Kind, set: &[i32]| kind.apply(&[10, 20, 30, 40, 50], frame, set).tokens;
    /// assert_eq!(after(Kind::Delete, &[20]), [10, 30, 40, 50]);
    /// assert_eq!(after(Kind::Overexpress, &[40]), [40, 10, 20, 30, 50]);
    /// assert_eq!(after(Kind::Overexpress, &[7]), [7, 10, 20, 30, 40]);
    /// assert_eq!(after(Kind::Inhibit(0.4), &[20]), [10, 30, 40, 20, 50]);
    /// assert_eq!(after(Kind::Activate(1.0), &[40]), [40, 10, 20, 30, 50]);
    /// ```
    #[must_use]
    pub fn apply(self, cell: &[i32], frame: Frame, set: &[i32]) -> Perturbed {
        let genes = frame.genes(cell);
        let mut rest: Vec<i32> = genes.iter().copied().filter(|gene| !set.contains(gene)).collect();
        let moved = match self {
            Self::Delete => rest,
            Self::Overexpress => {
                let room = frame.limit.saturating_sub(frame.head + frame.tail + set.len());
                if rest.len() > room {
                    let dropped = rest.split_off(room);
                    let original = genes.iter().copied().filter(|gene| !dropped.contains(gene));
                    let original = Some(frame.around(cell, original));
                    return Perturbed { tokens: frame.around(cell, set.iter().copied().chain(rest)), original };
                }
                set.iter().copied().chain(rest).collect()
            }
            Self::Inhibit(share) => moved(genes, rest, set, |rank, by| rank.saturating_add(by), share),
            Self::Activate(share) => moved(genes, rest, set, usize::saturating_sub, share),
        };
        Perturbed { tokens: frame.around(cell, moved), original: None }
    }
}

/// `rest` with the genes of `set` put back at the ranks that `to` says, from the rank before and the number of places.
fn moved(genes: &[i32], mut rest: Vec<i32>, set: &[i32], to: impl Fn(usize, usize) -> usize, share: f64) -> Vec<i32> {
    let by = (share * genes.len() as f64).round() as usize;
    let here = genes.iter().enumerate().filter(|(_, gene)| set.contains(gene));
    let mut targets: Vec<(usize, i32)> = here.map(|(rank, &gene)| (to(rank, by), gene)).collect();
    // Stable: genes that meet at the same place keep their order.
    targets.sort_by_key(|&(target, _)| target);
    let mut next = 0;
    for (target, gene) in targets {
        let place = target.max(next).min(rest.len());
        rest.insert(place, gene);
        next = place + 1;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: Frame = Frame { head: 0, tail: 0, limit: 6 };
    const V2: Frame = Frame { head: 1, tail: 1, limit: 8 };
    const CELL: [i32; 6] = [10, 20, 30, 40, 50, 60];
    const FRAMED: [i32; 8] = [2, 10, 20, 30, 40, 50, 60, 3];

    fn whole(tokens: &[i32]) -> Perturbed {
        Perturbed { tokens: tokens.to_vec(), original: None }
    }

    #[test]
    fn deletion_keeps_the_frame() {
        assert_eq!(Kind::Delete.apply(&CELL, V1, &[30, 10]), whole(&[20, 40, 50, 60]));
        assert_eq!(Kind::Delete.apply(&FRAMED, V2, &[60]), whole(&[2, 10, 20, 30, 40, 50, 3]));
        assert_eq!(Kind::Delete.apply(&FRAMED, V2, &[2]), whole(&FRAMED), "<cls> is no gene");
    }

    #[test]
    fn overexpressed_genes_come_first_as_they_are_given() {
        assert_eq!(Kind::Overexpress.apply(&CELL, V1, &[50, 20]), whole(&[50, 20, 10, 30, 40, 60]));
        assert_eq!(Kind::Overexpress.apply(&FRAMED, V2, &[60]), whole(&[2, 60, 10, 20, 30, 40, 50, 3]));
        let room = Frame { limit: 9, ..V2 };
        assert_eq!(Kind::Overexpress.apply(&FRAMED, room, &[7]), whole(&[2, 7, 10, 20, 30, 40, 50, 60, 3]));
    }

    #[test]
    fn absent_gene_that_overflows_truncates_both() {
        let both = Kind::Overexpress.apply(&FRAMED, V2, &[7]);
        assert_eq!(both.tokens, [2, 7, 10, 20, 30, 40, 50, 3]);
        assert_eq!(both.original.unwrap(), [2, 10, 20, 30, 40, 50, 3]);
        let both = Kind::Overexpress.apply(&CELL, V1, &[60, 7]);
        assert_eq!(both.tokens, [60, 7, 10, 20, 30, 40]);
        assert_eq!(both.original.unwrap(), [10, 20, 30, 40, 60], "the gene that no longer fits goes, not the last one");
    }

    #[test]
    fn inhibited_and_activated_genes_move_by_a_share() {
        assert_eq!(Kind::Inhibit(0.5).apply(&CELL, V1, &[20]), whole(&[10, 30, 40, 50, 20, 60]));
        assert_eq!(Kind::Activate(0.5).apply(&FRAMED, V2, &[50]), whole(&[2, 10, 50, 20, 30, 40, 60, 3]));
        assert_eq!(Kind::Inhibit(0.5).apply(&CELL, V1, &[50]), whole(&[10, 20, 30, 40, 60, 50]), "at most to the end");
        assert_eq!(Kind::Activate(1.0).apply(&CELL, V1, &[60, 30]), whole(&[30, 60, 10, 20, 40, 50]));
        assert_eq!(Kind::Inhibit(1.0).apply(&CELL, V1, &[60, 30]), whole(&[10, 20, 40, 50, 30, 60]));
        assert_eq!(Kind::Inhibit(0.5).apply(&CELL, V1, &[7]), whole(&CELL), "an absent gene changes nothing");
    }
}
