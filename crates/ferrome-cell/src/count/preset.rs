//! What is counted: where barcodes, UMIs and genes stand, which reads are taken, how molecules are told apart.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use regex::bytes::Regex;

use super::dedup::Dedup;
use super::read_name::Style;
use super::tags::{Slot, Tag, Wanted};
use super::whitelist::Whitelist;

/// A program whose BAM files are counted as it counts them itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Preset {
    /// `CB`, `UB`, `GX` (names from `GN`); reads that Cell Ranger counts.
    CellRanger,
    /// `CB`, `UB`, `GX` (names from `GN`), where `-` means none; primary alignments to one gene; distinct `UB`.
    StarSolo,
    /// Names `NAME_CELL_UMI`, gene in `XT`; every mapped first read; `directional`.
    UmiTools,
    /// `CB`, `UB`, `GE`; primary alignments to one gene that are not `XF:Z:INTERGENIC`; distinct `UB`.
    ScTools,
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cellranger" => Ok(Self::CellRanger),
            "starsolo" => Ok(Self::StarSolo),
            "umi-tools" => Ok(Self::UmiTools),
            "sctools" => Ok(Self::ScTools),
            _ => Err(format!("unknown preset `{text}`: expected cellranger, starsolo, umi-tools or sctools")),
        }
    }
}

/// Where cell barcode and UMI of a read stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UmiSource {
    /// In tags.
    Tags,
    /// In the read's name, in this style, or in that of the first read's name.
    ReadName(Option<Style>),
}

impl FromStr for UmiSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tag" => Ok(Self::Tags),
            "read-name" => Ok(Self::ReadName(None)),
            "read-id" => Ok(Self::ReadName(Some(Style::Separated))),
            "umis" => Ok(Self::ReadName(Some(Style::Umis))),
            _ => Err(format!("unknown source `{text}`: expected tag, read-name, read-id or umis")),
        }
    }
}

/// Which alignments are counted, once they are mapped and have barcode, UMI and gene.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reads {
    /// As `umi_tools count` takes them: all but second reads of pairs, secondary ones included.
    Mapped,
    /// Primary, to one gene; by the bits of `xf` where it is there, else with mapping quality 255.
    CellRanger,
    /// Primary, to one gene.
    OneGene,
    /// Primary, to one gene, and not intergenic.
    ScTools,
}

/// The tags that are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tags {
    /// The cell barcode.
    pub cell: Tag,
    /// The UMI.
    pub umi: Tag,
    /// The gene.
    pub gene: Tag,
    /// How the gene was assigned, where that is not said by the gene's own tag (`XS` of featureCounts).
    pub status: Option<Tag>,
    /// The gene's name.
    pub name: Option<Tag>,
}

/// Everything that changes what is counted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where cell barcode and UMI stand.
    pub source: UmiSource,
    /// What stands between the parts of a read's name.
    pub separator: Vec<u8>,
    /// The tags that are read.
    pub tags: Tags,
    /// Which alignments are counted.
    pub reads: Reads,
    /// The lowest mapping quality.
    pub mapq: Option<u8>,
    /// Whether `-1` and what else follows the first `-` of a cell barcode is dropped.
    pub drop_suffix: bool,
    /// Genes (or values of the status tag) that are none.
    pub skip_genes: Option<Regex>,
    /// The only barcodes that are counted.
    pub whitelist: Option<Whitelist>,
    /// How molecules are told apart.
    pub dedup: Dedup,
    /// Whether cells are told apart; all reads are one cell without a name otherwise.
    pub per_cell: bool,
    /// Cells with fewer UMIs are left out.
    pub min_umis: u64,
    /// Threads that decompress, and that deduplicate.
    pub threads: NonZeroUsize,
}

/// What genes that are none are called: by HTSeq (`__no_feature`) and featureCounts (`Unassigned_…`).
pub const SKIP_GENES: &str = "^(__|Unassigned)";

impl Options {
    /// The options that stand for a program's own way of counting.
    ///
    /// # Errors
    ///
    /// A defect of [`SKIP_GENES`].
    pub fn new(preset: Preset) -> Result<Self, regex::Error> {
        let (gene, status, name) = match preset {
            Preset::CellRanger | Preset::StarSolo => (*b"GX", None, Some(*b"GN")),
            Preset::UmiTools => (*b"XT", None, None),
            Preset::ScTools => (*b"GE", None, None),
        };
        let (reads, dedup) = match preset {
            Preset::CellRanger => (Reads::CellRanger, Dedup::CellRanger),
            Preset::StarSolo => (Reads::OneGene, Dedup::Unique),
            Preset::UmiTools => (Reads::Mapped, Dedup::Directional),
            Preset::ScTools => (Reads::ScTools, Dedup::Unique),
        };
        let named = preset == Preset::UmiTools;
        Ok(Self {
            source: if named { UmiSource::ReadName(None) } else { UmiSource::Tags },
            separator: b"_".to_vec(),
            tags: Tags { cell: *b"CB", umi: *b"UB", gene, status, name },
            reads,
            mapq: None,
            drop_suffix: named,
            skip_genes: Some(Regex::new(SKIP_GENES)?),
            whitelist: None,
            dedup,
            per_cell: true,
            min_umis: 0,
            threads: NonZeroUsize::MIN,
        })
    }

    /// Whether UMIs were corrected by whoever wrote the file.
    pub(super) fn has_corrected_umis(&self) -> bool {
        self.source == UmiSource::Tags && self.tags.umi == *b"UB"
    }

    /// The tags to look for in every read.
    pub(super) fn wanted(&self) -> Wanted {
        let Tags { cell, umi, gene, status, .. } = self.tags;
        let tagged = self.source == UmiSource::Tags;
        let filter = match self.reads {
            Reads::CellRanger => Some(*b"xf"),
            Reads::ScTools => Some(*b"XF"),
            Reads::Mapped | Reads::OneGene => None,
        };
        Wanted::default()
            .with(Slot::Cell, (tagged && self.per_cell).then_some(cell))
            .with(Slot::Umi, tagged.then_some(umi))
            .with(Slot::Gene, Some(gene))
            .with(Slot::Status, status)
            .with(Slot::Filter, filter)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CellRanger => "cellranger",
            Self::StarSolo => "starsolo",
            Self::UmiTools => "umi-tools",
            Self::ScTools => "sctools",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for name in ["cellranger", "starsolo", "umi-tools", "sctools"] {
            assert_eq!(name.parse::<Preset>().unwrap().to_string(), name);
        }
        let message = "unknown preset `10x`: expected cellranger, starsolo, umi-tools or sctools";
        assert_eq!("10x".parse::<Preset>().unwrap_err(), message);
        let message = "unknown source `name`: expected tag, read-name, read-id or umis";
        assert_eq!("name".parse::<UmiSource>().unwrap_err(), message);
    }

    #[test]
    fn only_what_is_needed_is_looked_for() {
        let options = Options::new(Preset::CellRanger).unwrap();
        let tags = |options: &Options| [Slot::Cell, Slot::Umi, Slot::Filter].map(|slot| options.wanted().tag(slot));
        assert_eq!(tags(&options), [Some(*b"CB"), Some(*b"UB"), Some(*b"xf")]);
        assert!(options.has_corrected_umis());
        let options = Options { per_cell: false, ..Options::new(Preset::ScTools).unwrap() };
        assert_eq!(tags(&options), [None, Some(*b"UB"), Some(*b"XF")]);
        let options = Options::new(Preset::UmiTools).unwrap();
        assert_eq!(tags(&options), [None, None, None]);
        assert!(!options.has_corrected_umis());
    }
}
