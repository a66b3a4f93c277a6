//! Takes reads one by one: decides which are counted, and collects their molecules.

use super::alignments::Alignment;
use super::molecules::Molecules;
use super::names::Names;
use super::preset::{Options, Reads, UmiSource};
use super::read_name::{Barcodes, Style};
use super::tags::{Found, Slot, Tag, Value, Wanted};
use super::tally::{Dropped, Tally};
use super::umi::{self, Umis};
use super::whitelist::without_suffix;
use crate::count::Dedup;

const UNMAPPED: u16 = 0x4;
const SECOND_OF_PAIR: u16 = 0x80;
const NOT_PRIMARY: u16 = 0x100 | 0x800;

/// Bits of Cell Ranger's `xf`.
const CONFIDENT: i64 = 1;
const LOW_SUPPORT: i64 = 2;
const CONFIDENT_FEATURE: i64 = 16;

/// Cell Ranger's mapping quality for reads that it mapped confidently.
const CONFIDENT_MAPQ: u8 = 255;

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) tally: Tally,
    pub(super) molecules: Molecules,
    pub(super) cells: Names,
    pub(super) genes: Names,
    /// The name of each gene, empty where there is none.
    pub(super) gene_names: Vec<String>,
    pub(super) umis: Umis,
    /// Whether barcodes that differ behind the first `-` only were taken for one.
    pub(super) merged_suffixes: bool,
    /// The tags of the first read that had no cell barcode, UMI or gene.
    pub(super) example: Option<Vec<Tag>>,
}

/// Takes reads.
pub(super) struct Gatherer<'a> {
    options: &'a Options,
    wanted: Wanted,
    style: Option<Style>,
    /// What is to be done with reads of each gene, status and cell, found out once.
    gene_fates: Vec<Option<Dropped>>,
    statuses: Names,
    status_fates: Vec<Option<Dropped>>,
    cell_fates: Vec<Option<Dropped>>,
    suffix: Option<Vec<u8>>,
    gathered: Gathered,
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        let gathered = Gathered {
            tally: Tally::default(),
            molecules: Molecules::default(),
            cells: Names::default(),
            genes: Names::default(),
            gene_names: Vec::new(),
            umis: Umis::default(),
            merged_suffixes: false,
            example: None,
        };
        let style = match options.source {
            UmiSource::ReadName(style) => style,
            UmiSource::Tags => None,
        };
        Self {
            options,
            wanted: options.wanted(),
            style,
            gene_fates: Vec::new(),
            statuses: Names::default(),
            status_fates: Vec::new(),
            cell_fates: Vec::new(),
            suffix: None,
            gathered,
        }
    }

    /// Takes a read; the error is what is wrong with it.
    #[inline]
    pub(super) fn take(&mut self, read: &Alignment<'_>) -> Result<(), String> {
        let fate = match self.by_flags(read) {
            Some(fate) => Some(fate),
            None => self.by_tags(read)?,
        };
        self.gathered.tally.add(fate);
        Ok(())
    }

    /// All that was seen.
    pub(super) fn finish(self) -> Gathered {
        self.gathered
    }

    fn by_flags(&self, read: &Alignment<'_>) -> Option<Dropped> {
        let every_alignment = self.options.reads == Reads::Mapped;
        if every_alignment && read.flags & SECOND_OF_PAIR != 0 {
            return Some(Dropped::SecondOfPair);
        }
        if read.flags & UNMAPPED != 0 {
            return Some(Dropped::Unmapped);
        }
        if !every_alignment && read.flags & NOT_PRIMARY != 0 {
            return Some(Dropped::NotPrimary);
        }
        self.options.mapq.is_some_and(|lowest| read.mapq < lowest).then_some(Dropped::Mapq)
    }

    fn by_tags(&mut self, read: &Alignment<'_>) -> Result<Option<Dropped>, String> {
        let found = read.tags.scan(&self.wanted)?;
        let fate = self.by_values(read, &found);
        let missing = matches!(fate, Some(Dropped::NoCell | Dropped::NoUmi | Dropped::NoGene));
        if missing && self.gathered.example.is_none() {
            self.gathered.example = Some(read.tags.names());
        }
        Ok(fate)
    }

    fn by_values(&mut self, read: &Alignment<'_>, found: &Found<'_>) -> Option<Dropped> {
        let barcodes = self.barcodes(read.name, found);
        let cell = if self.options.per_cell { self.barcode(barcodes.cell) } else { Some(b"".as_slice()) };
        let Some(cell) = cell else { return Some(Dropped::NoCell) };
        let Some(umi) = present(barcodes.umi) else { return Some(Dropped::NoUmi) };
        let Some(gene) = present(found.text(Slot::Gene)) else { return Some(Dropped::NoGene) };
        let gene = self.gene(gene, read);
        let fate = self.gene_fates[gene as usize];
        let fate = fate.or_else(|| self.by_status(found)).or_else(|| self.by_filter(read, found));
        if fate.is_some() {
            return fate;
        }
        let cell = self.cell(cell);
        if self.cell_fates[cell as usize].is_some() {
            return self.cell_fates[cell as usize];
        }
        let umi = self.gathered.umis.number(umi);
        if !self.is_valid(umi) {
            return Some(Dropped::InvalidUmi);
        }
        self.gathered.molecules.add(gene, cell, umi);
        None
    }

    #[inline]
    fn barcodes<'r>(&mut self, name: &'r [u8], found: &Found<'r>) -> Barcodes<'r> {
        match self.options.source {
            UmiSource::Tags => Barcodes { cell: found.text(Slot::Cell), umi: found.text(Slot::Umi) },
            UmiSource::ReadName(_) => {
                let style = *self.style.get_or_insert_with(|| Style::of(name));
                style.barcodes(name, &self.options.separator)
            }
        }
    }

    // A barcode as it is counted.
    #[inline]
    fn barcode<'r>(&mut self, barcode: Option<&'r [u8]>) -> Option<&'r [u8]> {
        let barcode = present(barcode)?;
        if !self.options.drop_suffix {
            return Some(barcode);
        }
        let bare = without_suffix(barcode);
        let suffix = barcode.get(bare.len()..).unwrap_or_default();
        match &self.suffix {
            Some(first) if first == suffix => {}
            Some(_) => self.gathered.merged_suffixes = true,
            None => self.suffix = Some(suffix.to_vec()),
        }
        present(Some(bare))
    }

    #[inline]
    fn cell(&mut self, barcode: &[u8]) -> u32 {
        let cell = self.gathered.cells.number(barcode);
        if cell as usize == self.cell_fates.len() {
            let listed = self.options.whitelist.as_ref().is_none_or(|list| list.holds(barcode));
            self.cell_fates.push((!listed).then_some(Dropped::NotListed));
        }
        cell
    }

    #[inline]
    fn gene(&mut self, id: &[u8], read: &Alignment<'_>) -> u32 {
        let gene = self.gathered.genes.number(id);
        if gene as usize == self.gene_fates.len() {
            self.gene_fates.push(self.fate_of_gene(id));
            self.gathered.gene_names.push(self.name_of_gene(read));
        }
        gene
    }

    // Looked for in the first read of a gene only. A gene whose name cannot be read has none.
    fn name_of_gene(&self, read: &Alignment<'_>) -> String {
        let wanted = Wanted::default().with(Slot::Name, self.options.tags.name);
        let found = read.tags.scan(&wanted).unwrap_or_default();
        String::from_utf8_lossy(found.text(Slot::Name).unwrap_or_default()).into_owned()
    }

    fn fate_of_gene(&self, id: &[u8]) -> Option<Dropped> {
        let several = match self.options.reads {
            Reads::Mapped => false,
            Reads::CellRanger | Reads::OneGene => id.contains(&b';'),
            Reads::ScTools => id.contains(&b','),
        };
        let skipped = self.options.tags.status.is_none() && self.is_skipped(id);
        skipped.then_some(Dropped::SkippedGene).or(several.then_some(Dropped::SeveralGenes))
    }

    fn by_status(&mut self, found: &Found<'_>) -> Option<Dropped> {
        self.options.tags.status?;
        let Some(text) = found.text(Slot::Status) else { return Some(Dropped::NoGene) };
        let status = self.statuses.number(text);
        if status as usize == self.status_fates.len() {
            let fate = self.is_skipped(text).then_some(Dropped::SkippedGene);
            self.status_fates.push(fate);
        }
        self.status_fates[status as usize]
    }

    fn is_skipped(&self, text: &[u8]) -> bool {
        self.options.skip_genes.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }

    #[inline]
    fn by_filter(&self, read: &Alignment<'_>, found: &Found<'_>) -> Option<Dropped> {
        match (self.options.reads, found.value(Slot::Filter)) {
            (Reads::CellRanger, Some(Value::Number(bits))) => {
                let confident = CONFIDENT | CONFIDENT_FEATURE;
                let low = self.options.has_corrected_umis() && bits & LOW_SUPPORT != 0;
                (bits & confident != confident || low).then_some(Dropped::NotCounted)
            }
            (Reads::CellRanger, _) if self.options.mapq.is_none() => {
                (read.mapq != CONFIDENT_MAPQ).then_some(Dropped::Mapq)
            }
            (Reads::ScTools, Some(Value::Text(b"INTERGENIC"))) => Some(Dropped::Intergenic),
            _ => None,
        }
    }

    // Cell Ranger corrects and counts none but these; alevin-fry knows no other letters either.
    #[inline]
    fn is_valid(&self, umi: u64) -> bool {
        match self.options.dedup {
            Dedup::Unique | Dedup::Directional => true,
            Dedup::CellRanger if self.options.has_corrected_umis() => true,
            Dedup::CellRanger => umi::is_packed(umi) && !umi::is_homopolymer(umi),
            Dedup::CrLike => umi::is_packed(umi),
        }
    }
}

// STARsolo writes `-` for none.
#[inline]
fn present(text: Option<&[u8]>) -> Option<&[u8]> {
    text.filter(|text| !text.is_empty() && *text != b"-")
}
