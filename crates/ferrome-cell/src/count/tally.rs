//! What became of every read.

/// Why a read is not counted; the first reason in this order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dropped {
    /// Second read of a pair.
    SecondOfPair,
    /// Not mapped.
    Unmapped,
    /// Secondary or supplementary alignment.
    NotPrimary,
    /// Mapping quality too low.
    Mapq,
    /// No cell barcode.
    NoCell,
    /// No UMI.
    NoUmi,
    /// No gene.
    NoGene,
    /// Gene (or its status) matches the pattern for what is none.
    SkippedGene,
    /// More than one gene.
    SeveralGenes,
    /// `xf` says that Cell Ranger does not count it.
    NotCounted,
    /// Intergenic.
    Intergenic,
    /// UMI with another letter than A, C, G and T, or with one letter only.
    InvalidUmi,
    /// Barcode that is not in the whitelist.
    NotListed,
}

impl Dropped {
    /// All, in order.
    pub const ALL: [Self; 13] = [
        Self::SecondOfPair,
        Self::Unmapped,
        Self::NotPrimary,
        Self::Mapq,
        Self::NoCell,
        Self::NoUmi,
        Self::NoGene,
        Self::SkippedGene,
        Self::SeveralGenes,
        Self::NotCounted,
        Self::Intergenic,
        Self::InvalidUmi,
        Self::NotListed,
    ];

    /// The reason as the summary names it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::SecondOfPair => "second of a pair",
            Self::Unmapped => "unmapped",
            Self::NotPrimary => "secondary or supplementary",
            Self::Mapq => "mapping quality too low",
            Self::NoCell => "no cell barcode",
            Self::NoUmi => "no UMI",
            Self::NoGene => "no gene",
            Self::SkippedGene => "gene that is none",
            Self::SeveralGenes => "several genes",
            Self::NotCounted => "not counted by Cell Ranger (xf)",
            Self::Intergenic => "intergenic",
            Self::InvalidUmi => "invalid UMI",
            Self::NotListed => "barcode not in the whitelist",
        }
    }
}

/// Reads seen, counted and dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Alignments in the file.
    pub reads: u64,
    /// Those that are counted.
    pub counted: u64,
    dropped: [u64; Dropped::ALL.len()],
}

impl Tally {
    /// The number of reads that were dropped for a reason.
    #[must_use]
    pub fn dropped(&self, reason: Dropped) -> u64 {
        self.dropped[reason as usize]
    }

    /// The reasons for which reads were dropped, with their numbers.
    pub fn reasons(&self) -> impl Iterator<Item = (Dropped, u64)> {
        Dropped::ALL.into_iter().map(|reason| (reason, self.dropped(reason))).filter(|(_, count)| *count > 0)
    }

    /// Counts a read.
    #[inline]
    pub(super) fn add(&mut self, fate: Option<Dropped>) {
        self.reads += 1;
        match fate {
            None => self.counted += 1,
            Some(reason) => self.dropped[reason as usize] += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_in_their_order() {
        for (place, reason) in Dropped::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
    }

    #[test]
    fn every_read_has_one_fate() {
        let mut tally = Tally::default();
        for fate in [None, Some(Dropped::NotListed), Some(Dropped::Unmapped), Some(Dropped::NotListed), None] {
            tally.add(fate);
        }
        assert_eq!((tally.reads, tally.counted), (5, 2));
        assert_eq!(tally.reasons().collect::<Vec<_>>(), [(Dropped::Unmapped, 1), (Dropped::NotListed, 2)]);
    }
}
