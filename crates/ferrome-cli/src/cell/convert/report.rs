//! What a conversion says.

use std::path::Path;

use ferrome_cell::cells::ValueKind;
use ferrome_cell::read::Header;

/// What was written, to whatever target.
pub(super) struct Done {
    pub(super) cells: u64,
    pub(super) entries: u64,
    pub(super) rounded: u64,
    pub(super) rejected: u64,
    /// The first rejected cell.
    pub(super) first: Option<String>,
    /// What an earlier run had done.
    pub(super) before: Option<String>,
}

impl Done {
    pub(super) fn line(&self, output: &Path) -> String {
        let mut line = format!("{} cells, {} entries", grouped(self.cells), grouped(self.entries));
        if let Some(first) = &self.first {
            line.push_str(&format!(
                ", {} cells rejected (first `{first}`; see the column `error`)",
                grouped(self.rejected)
            ));
        }
        if let Some(before) = &self.before {
            line.push_str(&format!("; {before}"));
        }
        format!("{line} -> {}", output.display())
    }
}

/// What kind of file it is, and how large.
pub(super) fn found(input: &Path, header: &Header) -> String {
    let kind = match header.kind {
        ValueKind::Counts => "counts",
        ValueKind::Floats => "values that are no counts",
    };
    let cells = header.cells.map_or_else(String::new, |cells| format!("{} cells x ", grouped(cells)));
    let genes = grouped(header.genes.len() as u64);
    format!("{}: {}, {kind} from {}: {cells}{genes} genes", input.display(), header.format, header.layer)
}

/// A number with commas.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        assert_eq!([7, 999, 1000, 1_234_567].map(grouped), ["7", "999", "1,000", "1,234,567"]);
    }
}
