//! The tables that `umi_tools count` writes.

use std::io::{self, Write};

use super::Counted;

/// A form of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// `gene`, `cell`, `count`: one line for each gene and cell that has molecules.
    Long,
    /// One line for each gene, one column for each cell.
    Wide,
    /// `gene`, `count`: over all cells.
    Genes,
}

impl Counted {
    /// Writes a table as `umi_tools count` does, by gene, then by cell, in the order of bytes.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_table(&self, form: Form, out: &mut impl Write) -> io::Result<()> {
        let genes = self.by_gene();
        let ids = self.genes().ids.iter().flatten().zip(&genes);
        match form {
            Form::Long => self.write_long(ids, out),
            Form::Wide => self.write_wide(ids, out),
            Form::Genes => {
                writeln!(out, "gene\tcount")?;
                for (id, row) in ids {
                    writeln!(out, "{id}\t{}", row.iter().map(|(_, count)| u64::from(*count)).sum::<u64>())?;
                }
                Ok(())
            }
        }
    }

    fn write_long<'a>(
        &'a self,
        ids: impl Iterator<Item = (&'a str, &'a Vec<(usize, u32)>)>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut lines = b"gene\tcell\tcount\n".to_vec();
        for (id, row) in ids {
            for (cell, count) in row {
                for text in [id, "\t", self.barcodes()[*cell].as_str(), "\t"] {
                    lines.extend_from_slice(text.as_bytes());
                }
                writeln!(lines, "{count}")?;
            }
            out.write_all(&lines)?;
            lines.clear();
        }
        Ok(())
    }

    fn write_wide<'a>(
        &'a self,
        ids: impl Iterator<Item = (&'a str, &'a Vec<(usize, u32)>)>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        writeln!(out, "gene\t{}", self.barcodes().join("\t"))?;
        let mut counts = vec![0; self.barcodes().len()];
        for (id, row) in ids {
            counts.fill(0);
            row.iter().for_each(|(cell, count)| counts[*cell] = *count);
            write!(out, "{id}")?;
            for count in &counts {
                write!(out, "\t{count}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    // For each gene the cells that have it, ascending, and their counts.
    fn by_gene(&self) -> Vec<Vec<(usize, u32)>> {
        let mut genes = vec![Vec::new(); self.genes().len()];
        for cell in 0..self.barcodes().len() {
            for (gene, count) in self.cell(cell) {
                genes[gene].push((cell, count));
            }
        }
        genes
    }
}
