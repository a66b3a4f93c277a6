//! What a conversion says.

use std::path::Path;

use ferrome_core::page::grouped;

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
