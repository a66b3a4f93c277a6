//! What a run counted, in a few lines.

use std::fmt;

use super::tally::Tally;

/// What became of the reads, and what was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The fate of every read.
    pub tally: Tally,
    /// Molecules in all cells, those of cells with too few included.
    pub all_umis: u64,
    /// Molecules in the cells that are kept.
    pub umis: u64,
    /// Cells that are kept.
    pub cells: usize,
    /// Genes with a molecule in them.
    pub genes: usize,
    /// Cells with fewer UMIs than asked for.
    pub cells_left_out: usize,
    /// The number of UMIs asked for.
    pub min_umis: u64,
    /// The median over kept cells of their UMIs.
    pub median_umis: f64,
    /// What is to be said of the file.
    pub warnings: Vec<String>,
}

impl Summary {
    /// `totals`: UMIs per barcode, zeros among them.
    pub(super) fn new(tally: Tally, totals: &[u64], min_umis: u64) -> Self {
        let mut kept: Vec<u64> = totals.iter().copied().filter(|&umis| umis > 0 && umis >= min_umis).collect();
        kept.sort_unstable();
        let with_umis = totals.iter().filter(|&&umis| umis > 0).count();
        Self {
            tally,
            all_umis: totals.iter().sum(),
            umis: kept.iter().sum(),
            cells: kept.len(),
            cells_left_out: with_umis - kept.len(),
            min_umis,
            median_umis: median(&kept),
            ..Self::default()
        }
    }

    /// The share of counted reads that are another copy of a molecule: `1 - UMIs / reads`.
    #[must_use]
    pub fn saturation(&self) -> f64 {
        if self.tally.counted == 0 { 0.0 } else { 1.0 - self.all_umis as f64 / self.tally.counted as f64 }
    }
}

fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn median(ascending: &[u64]) -> f64 {
    let middle = ascending.len() / 2;
    match (ascending.get(middle.wrapping_sub(1)), ascending.get(middle)) {
        (Some(low), Some(high)) if ascending.len().is_multiple_of(2) => (*low as f64 + *high as f64) / 2.0,
        (_, Some(high)) => *high as f64,
        _ => 0.0,
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reads = self.tally.reads;
        let share = |count: u64| format!("{:.1} %", 100.0 * count as f64 / reads.max(1) as f64);
        writeln!(f, "{reads} reads, {} counted ({})", self.tally.counted, share(self.tally.counted))?;
        for (reason, count) in self.tally.reasons() {
            writeln!(f, "  {count} dropped: {} ({})", reason.reason(), share(count))?;
        }
        if self.cells_left_out > 0 {
            let lost = self.all_umis - self.umis;
            let (cells, lost) = (counted(self.cells_left_out as u64, "cell"), counted(lost, "UMI"));
            writeln!(f, "  {cells} with fewer than {} left out ({lost})", counted(self.min_umis, "UMI"))?;
        }
        write!(
            f,
            "{} of {} in {}, median {} per cell, saturation {:.1} %",
            counted(self.umis, "UMI"),
            counted(self.genes as u64, "gene"),
            counted(self.cells as u64, "cell"),
            self.median_umis,
            100.0 * self.saturation()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Dropped;

    #[test]
    fn summary_of_a_run() {
        let mut tally = Tally::default();
        for fate in
            [None, None, None, None, None, Some(Dropped::NoGene), Some(Dropped::Unmapped), Some(Dropped::NoGene)]
        {
            tally.add(fate);
        }
        let mut summary = Summary::new(tally, &[1, 2, 0], 0);
        summary.genes = 2;
        assert_eq!(
            summary.to_string(),
            "8 reads, 5 counted (62.5 %)\n  1 dropped: unmapped (12.5 %)\n  2 dropped: no gene (25.0 %)\n\
             3 UMIs of 2 genes in 2 cells, median 1.5 per cell, saturation 40.0 %"
        );
        let summary = Summary::new(tally, &[1, 2, 0], 2);
        assert!(
            summary.to_string().contains("\n  1 cell with fewer than 2 UMIs left out (1 UMI)\n2 UMIs"),
            "{summary}"
        );
    }

    #[test]
    fn summary_of_nothing_has_no_nan() {
        let text = Summary::new(Tally::default(), &[], 0).to_string();
        assert_eq!(
            text,
            "0 reads, 0 counted (0.0 %)\n0 UMIs of 0 genes in 0 cells, median 0 per cell, saturation 0.0 %"
        );
    }
}
