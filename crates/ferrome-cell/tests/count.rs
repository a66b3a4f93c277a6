//! Counting real and made-up files: tables of UMI-tools, molecules of Cell Ranger, every order, every damage.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ferrome_cell::cells::Values;
use ferrome_cell::count::{self, Counted, Dedup, Dropped, Form, Options, Preset, Reads, UmiSource};
use ferrome_cell::read::CellReader;
use regex::bytes::Regex;

/// The orders in which the reads of the specimens lie.
const ORDERS: [&str; 6] =
    ["by_coordinate.bam", "by_name.bam", "by_cell.bam", "unsorted.bam", "unsorted.sam", "uncompressed.bam"];

fn specimen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/specimens/bam").join(name)
}

/// A file of the shared BAM files, or `None` (said on stderr) where they are not at hand; CI must have them.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bam").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}

fn cell_ranger() -> Options {
    Options { threads: NonZeroUsize::new(2).unwrap(), ..Options::new(Preset::CellRanger).unwrap() }
}

fn with_raw_umis(options: Options) -> Options {
    let tags = count::Tags { umi: *b"UR", ..options.tags };
    Options { tags, ..options }
}

fn every_read(dedup: Dedup) -> Options {
    Options { reads: Reads::Mapped, dedup, ..cell_ranger() }
}

fn run(path: &Path, options: &Options) -> Counted {
    count::count(path, options, &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

fn table(counted: &Counted, form: Form) -> String {
    let mut table = Vec::new();
    counted.write_table(form, &mut table).unwrap();
    String::from_utf8(table).unwrap()
}

fn message(path: &Path) -> String {
    count::count(path, &cell_ranger(), &mut |_| true).unwrap_err().to_string()
}

#[test]
fn tables_of_umi_tools_are_equal_byte_for_byte() {
    let Some(bam) = shared("umi_tools/chr19_gene_tags.bam") else { return };
    let expected = |name: &str| fs_err::read_to_string(bam.with_file_name(name)).unwrap();
    let options = Options::new(Preset::UmiTools).unwrap();
    let tags = count::Tags { gene: *b"XF", ..options.tags };
    let options = Options { tags, ..options };
    // As the tests of UMI-tools have it: a class of letters.
    let letters = Options { skip_genes: Some(Regex::new("^[__|Unassigned]").unwrap()), ..options.clone() };
    for options in [options, letters] {
        let counted = run(&bam, &options);
        assert_eq!(table(&counted, Form::Long), expected("count_single_cells_gene_tag.tsv"));
        assert_eq!(table(&counted, Form::Wide), expected("count_single_cells_gene_tag_wide.tsv"));
        let pooled = run(&bam, &Options { per_cell: false, ..options });
        assert_eq!(table(&pooled, Form::Genes), expected("count_single_gene_tag.tsv"));
    }
}

#[test]
fn molecules_of_cell_ranger_are_counted_once() {
    let Some(bam) = shared("raer_10x/5k_neuron_mouse_possort.bam") else { return };
    let sums = |options: &Options| {
        let counted = run(&bam, options);
        (counted.summary().umis, counted.summary().cells)
    };
    let cr_like = Options { dedup: Dedup::CrLike, ..cell_ranger() };
    for options in [cell_ranger(), with_raw_umis(cell_ranger()), cr_like, every_read(Dedup::Unique)] {
        assert_eq!(sums(&options), (348, 335), "{options:?}");
    }
    assert_eq!(sums(&with_raw_umis(every_read(Dedup::Directional))), (349, 335));
    let counted = run(&bam, &cell_ranger());
    let tally = counted.summary().tally;
    let dropped = [Dropped::Unmapped, Dropped::NoCell, Dropped::NoGene].map(|reason| tally.dropped(reason));
    assert_eq!((tally.reads, tally.counted, dropped), (837, 558, [64, 8, 207]));
    assert_eq!(counted.genes().ids.value(0), "Meis2");
    assert_eq!(counted.genes().names.as_ref().unwrap().value(0), "Meis2");
}

#[test]
fn reads_that_cell_ranger_counted_are_all_counted() {
    for (name, molecules, cells) in [
        ("5k_neuron_mouse_xf25_1pct_cbsort.bam", 1494, 1318),
        ("5k_neuron_mouse_xf25_1pct_ubsort.bam", 84, 77),
        ("5k_neuron_mouse_cbsort.bam", 348, 335),
    ] {
        let Some(bam) = shared(&format!("raer_10x/history/{name}")) else { return };
        for options in [cell_ranger(), with_raw_umis(cell_ranger())] {
            let summary = run(&bam, &options).summary().clone();
            assert_eq!((summary.umis, summary.cells), (molecules, cells), "{name}");
        }
    }
}

#[test]
fn order_and_format_of_the_file_change_nothing() {
    let methods = [
        every_read(Dedup::Unique),
        every_read(Dedup::Directional),
        cell_ranger(),
        with_raw_umis(cell_ranger()),
        with_raw_umis(Options { dedup: Dedup::CrLike, ..cell_ranger() }),
        with_raw_umis(every_read(Dedup::Directional)),
    ];
    let mut tables = Vec::new();
    for options in methods {
        let single = Options { threads: NonZeroUsize::MIN, ..options.clone() };
        let first = run(&specimen(ORDERS[0]), &single);
        let expected = table(&first, Form::Long);
        assert!(first.summary().umis > 100);
        for file in ORDERS {
            let counted = run(&specimen(file), &options);
            assert_eq!(table(&counted, Form::Long), expected, "{file} {options:?}");
            assert_eq!(counted.summary(), first.summary());
        }
        tables.push(expected);
    }
    tables.sort_unstable();
    tables.dedup();
    assert_eq!(tables.len(), 6, "methods that should differ do not");
}

#[test]
fn every_reason_to_drop_a_read_occurs() {
    let bam = specimen("unsorted.bam");
    let dropped = |options: &Options| -> Vec<Dropped> {
        run(&bam, options).summary().tally.reasons().map(|(reason, _)| reason).collect()
    };
    use Dropped::{InvalidUmi, Mapq, NoCell, NoGene, NoUmi, NotCounted, NotPrimary, SecondOfPair, SeveralGenes};
    use Dropped::{SkippedGene, Unmapped};
    let expected = [Unmapped, NotPrimary, NoCell, NoUmi, NoGene, SkippedGene, SeveralGenes, NotCounted];
    assert_eq!(dropped(&cell_ranger()), expected);
    let expected = [SecondOfPair, Unmapped, Mapq, NoCell, NoUmi, NoGene, SkippedGene];
    assert_eq!(dropped(&Options { mapq: Some(4), ..every_read(Dedup::Unique) }), expected);
    assert!(dropped(&with_raw_umis(cell_ranger())).contains(&InvalidUmi));
    let named = Options { source: UmiSource::ReadName(None), ..every_read(Dedup::Unique) };
    assert_eq!(dropped(&named), [SecondOfPair, Unmapped, NoGene, SkippedGene]);
}

#[test]
fn blocks_of_cells_do_not_depend_on_their_size() {
    let read = |nonzeros: usize| {
        let mut counted = run(&specimen("unsorted.bam"), &cell_ranger());
        let (mut rows, genes) = (Vec::new(), counted.genes().len());
        while let Some(cells) = counted.next_cells(nonzeros).unwrap() {
            cells.check(genes).unwrap();
            assert_eq!(cells.first as usize, rows.len());
            let Values::Counts(values) = &cells.values else { panic!("not counts") };
            for row in 0..cells.len() {
                let entries = cells.starts[row]..cells.starts[row + 1];
                let obs: Vec<_> = cells.obs.slice(row, 1).columns().to_vec();
                rows.push((
                    cells.ids.value(row).to_owned(),
                    cells.genes[entries.clone()].to_vec(),
                    values[entries].to_vec(),
                    obs,
                ));
            }
        }
        rows
    };
    let whole = read(usize::MAX >> 1);
    assert_eq!(whole.len(), 6);
    assert!(whole.is_sorted_by(|a, b| a.0 < b.0) && whole[0].0.ends_with("-1"));
    for nonzeros in [0, 1, 7] {
        assert_eq!(read(nonzeros), whole);
    }
}

#[test]
fn run_is_stopped_when_asked() {
    let Some(bam) = shared("umi_tools/chr19.bam") else { return };
    // Fewer reads than it takes to be asked.
    assert!(count::count(&bam, &cell_ranger(), &mut |_| false).is_err());
    let copies = tempfile::NamedTempFile::new().unwrap();
    let line = "r\t0\ta\t7\t255\t1M\t*\t0\t0\tA\tF\tCB:Z:AC-1\tUB:Z:AA\tGX:Z:G\n".repeat(70_000);
    fs_err::write(copies.path(), line).unwrap();
    let mut asked = Vec::new();
    let stopped = count::count(copies.path(), &cell_ranger(), &mut |reads| {
        asked.push(reads);
        false
    });
    assert_eq!(stopped.unwrap_err().to_string(), "stopped: nothing was written; the same command starts again");
    assert_eq!(asked, [65_536]);
}

/// Files that must be refused, with what is said of them.
const REFUSED: [(&str, &str); 8] = [
    ("bad_flags.sam", "record 1: expected flags, found `zero`"),
    ("bad_tag.sam", "record 2: expected TAG:TYPE:VALUE, found `UB-Z-GT`"),
    ("cut_in_block_header.bam", "record 500: cut short inside the header of a BGZF block"),
    ("few_fields.sam", "record 2: expected at least 11 fields, found 3"),
    (
        "no_cell_tag.bam",
        "none of 20 reads can be counted: 1 secondary or supplementary, 19 no cell barcode; expected the tags CB UB GX, \
         the first read without has NH CR UR GX GN xf UB",
    ),
    ("no_reads.bam", "holds no reads"),
    ("plain_header_cut.bam", "cut short inside the header"),
    ("sequences.fa", "record 1: expected at least 11 fields, found 1"),
];

/// Damaged copies of a file of 837 reads.
const DAMAGED: [(&str, &str); 13] = [
    ("bad_bam_magic.bam", "is gzip, not BGZF; `gzip -dc FILE | samtools view -b` makes a BAM file of it"),
    ("bad_block_size.bam", "record 1: cut short: expected 1000412 bytes, found 363324"),
    ("bad_cigar_op.bam", "record 1: unknown CIGAR operation 15"),
    ("bad_gzip_magic.bam", "is neither BAM nor SAM: expected BGZF, `BAM` or text, found `\\x00\\x8b\\x08\\x04`"),
    ("bad_ref_id.bam", "record 1: on reference 9999, but the header has 4"),
    ("bitflip_in_block.bam", "record 303: damaged BGZF block: it cannot be decompressed"),
    ("empty.bam", "is empty"),
    ("eof_only.bam", "holds no BAM header: nothing is in its BGZF blocks"),
    ("garbage_after_eof.bam", "record 838: something that is no BGZF block follows"),
    ("negative_block_size.bam", "record 1: a record of -5 bytes"),
    ("plain_gzip_not_bgzf.bam", "is gzip, not BGZF; `gzip -dc FILE | samtools view -b` makes a BAM file of it"),
    ("truncated_mid_block.bam", "record 303: cut short inside a BGZF block"),
    ("truncated_mid_record_valid_bgzf.bam", "record 837: cut short: expected 388 bytes, found 351"),
];

#[test]
fn every_invalid_specimen_has_its_message() {
    for (name, reason) in REFUSED {
        let path = specimen(name);
        assert_eq!(message(&path), format!("{}: {reason}", path.display()));
    }
    let files = fs_err::read_dir(specimen("")).unwrap().count() - 1; // .gitattributes
    assert_eq!(files, REFUSED.len() + ORDERS.len(), "a specimen without a test");
}

#[test]
fn every_damaged_file_has_its_message() {
    for (name, reason) in DAMAGED {
        let Some(path) = shared(&format!("derived_corrupt/{name}")) else { return };
        assert_eq!(message(&path), format!("{}: {reason}", path.display()));
    }
    for (name, warnings) in [("ok.bam", 0), ("uncompressed.bam", 0), ("no_eof.bam", 1)] {
        let Some(path) = shared(&format!("derived_corrupt/{name}")) else { return };
        let summary = run(&path, &cell_ranger()).summary().clone();
        assert_eq!((summary.tally.reads, summary.umis, summary.warnings.len()), (837, 348, warnings), "{name}");
    }
}

#[test]
fn folders_and_missing_files_are_named() {
    let folder = specimen("");
    assert_eq!(message(&folder), format!("{}: is a folder, expected a BAM or SAM file", folder.display()));
    let missing = specimen("no.bam");
    assert_eq!(message(&missing), format!("{}: no such file", missing.display()));
}
