//! `ferrome cell count`: its tables are those of UMI-tools and Cell Ranger, whatever the order of the file.

use std::path::{Path, PathBuf};

use crate::support::place::{Ended, Place};
use crate::support::root;

/// A folder of the shared BAM files, or `None` (said on stderr) where it is not at hand; CI must have it.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().parent().unwrap().join("shared/data/bam").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}

/// A place with copies of files, so that messages name them as a user would.
fn place(folder: &Path) -> Place {
    let place = Place::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            fs_err::copy(entry.path(), place.path(entry.file_name())).unwrap();
        }
    }
    place
}

fn specimens() -> Place {
    place(&root().join("tests/specimens/bam"))
}

fn count(place: &Place, line: &str) -> Ended {
    place.run(&format!("cell count {line} --format umi-tools -o out.tsv --overwrite"))
}

/// The table that a run writes.
fn counted(place: &Place, line: &str) -> String {
    let ended = count(place, line);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{line}\n{}", ended.stderr);
    place.text("out.tsv")
}

/// Molecules and cells of a table.
fn sums(table: &str) -> (u64, usize) {
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let mut cells: Vec<&str> = rows.iter().map(|row| row[1]).collect();
    cells.sort_unstable();
    cells.dedup();
    (rows.iter().map(|row| row[2].parse::<u64>().unwrap()).sum(), cells.len())
}

#[test]
fn tables_of_umi_tools_are_equal_byte_for_byte() {
    let Some(folder) = shared("umi_tools") else { return };
    let place = place(&folder);
    let file = "chr19_gene_tags.bam --gene-tag XF --dedup directional";
    for source in ["--umi-from read-name", "--umi-from umis", "--preset umi-tools"] {
        let line = format!("{file} {source} --skip-gene-regex ^[__|Unassigned]");
        assert_eq!(counted(&place, &line), place.text("count_single_cells_gene_tag.tsv"), "{line}");
    }
    let pooled = counted(&place, &format!("{file} --umi-from umis --pool-cells"));
    assert_eq!(pooled, place.text("count_single_gene_tag.tsv"));
    place.done(&format!("cell count {file} --umi-from umis --format umi-tools-wide -o wide.tsv"));
    assert_eq!(place.text("wide.tsv"), place.text("count_single_cells_gene_tag_wide.tsv"));
}

#[test]
fn molecules_of_cell_ranger_are_counted_once() {
    let Some(folder) = shared("raer_10x") else { return };
    let place = place(&folder);
    let file = "5k_neuron_mouse_possort.bam";
    for line in ["", "--dedup cellranger", "--umi-tag UR"] {
        assert_eq!(sums(&counted(&place, &format!("{file} {line}"))), (348, 335), "{line}");
    }
    assert_eq!(sums(&counted(&place, &format!("{file} --umi-tag UR --dedup directional"))), (349, 335));
    let said = count(&place, file).stderr;
    assert_eq!(
        said,
        "5k_neuron_mouse_possort.bam: 837 reads, 558 counted (66.7 %)\n  64 dropped: unmapped (7.6 %)\n  \
         8 dropped: no cell barcode (1.0 %)\n  207 dropped: no gene (24.7 %)\n\
         348 UMIs of 1 gene in 335 cells, median 1 per cell, saturation 37.6 %\nknee plot: out.tsv.knee.svg\n"
    );
}

#[test]
fn reads_without_barcode_or_gene_are_counted_by_reason() {
    let Some(folder) = shared("sctools_tests") else { return };
    let place = place(&folder);
    let refusal = count(&place, "cell-sorted-missing-cb.bam --preset sctools").refusal();
    assert_eq!(
        refusal,
        "cell-sorted-missing-cb.bam: none of 13236 reads can be counted: 10238 unmapped, 1236 secondary or supplementary, \
         20 no cell barcode, 1742 no gene; expected the tags CB UB GE, the first read without has UB MD XF RG NH HI jI NM \
         jM nM CR SR UR AS CY SY UY"
    );
    let ended = count(&place, "small-cell-sorted.bam --preset sctools");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn gene_on_two_contigs_is_one_gene() {
    let place = specimens();
    let read =
        |contig: &str, umi: &str| format!("r\t0\t{contig}\t7\t255\t1M\t*\t0\t0\tA\tF\tCB:Z:AC-1\tUB:Z:{umi}\tGX:Z:G\n");
    let reads = [read("a", "AAA"), read("a", "CCC"), read("b", "GGG"), read("b", "AAA")].concat();
    place.write("two.sam", format!("@SQ\tSN:a\tLN:9\n@SQ\tSN:b\tLN:9\n{reads}"));
    assert_eq!(counted(&place, "two.sam --dedup directional"), "gene\tcell\tcount\nG\tAC\t3\n");
}

#[test]
fn presets_and_flags_choose_the_reads() {
    let place = specimens();
    let dropped = |line: &str| {
        let ended = count(&place, &format!("unsorted.bam {line}"));
        assert_eq!(ended.code, Some(0), "{line}\n{}", ended.stderr);
        ended.stderr
    };
    assert!(dropped("").contains("29 dropped: not counted by Cell Ranger (xf)"));
    assert!(!dropped("--preset starsolo").contains("xf"));
    assert!(dropped("--dedup unique").contains(" dropped: second of a pair"));
    assert!(!dropped("--dedup unique").contains("several genes"));
    assert!(dropped("--dedup unique --mapq 4").contains(" dropped: mapping quality too low"));
    assert!(dropped("--umi-tag UR").contains(" dropped: invalid UMI"));
    assert!(dropped("--skip-gene-regex G0[12]").contains(" dropped: gene that is none"));
    assert!(dropped("--gene-tag GN --min-umis-per-cell 25").contains(" with fewer than 25 UMIs left out ("));
    assert!(counted(&place, "unsorted.bam --cell-suffix keep").contains("-1\t"));
    assert!(!counted(&place, "unsorted.bam").contains("-1\t"));
}

#[test]
fn barcodes_and_umis_of_read_names_are_those_of_tags() {
    let place = specimens();
    let named = counted(&place, "unsorted.bam --umi-from read-name --gene-tag GX --dedup directional");
    let tagged = counted(&place, "unsorted.bam --cell-tag CR --umi-tag UR --dedup directional");
    assert_eq!(named, tagged);
    assert!(sums(&named).0 > 100);
}

#[test]
fn only_listed_barcodes_are_counted() {
    let place = specimens();
    let all = counted(&place, "unsorted.bam");
    let barcode = all.lines().nth(1).unwrap().split('\t').nth(1).unwrap().to_owned();
    for list in [format!("{barcode}\n"), format!("{barcode}-1\n")] {
        place.write("list.tsv", list);
        let expected: Vec<&str> =
            all.lines().filter(|line| line.contains(&barcode) || line.starts_with("gene\t")).collect();
        assert_eq!(counted(&place, "unsorted.bam --whitelist list.tsv").lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn barcodes_of_two_wells_are_told_apart_or_the_run_says_so() {
    let place = specimens();
    let read = |cell: &str| format!("r\t0\ta\t7\t255\t1M\t*\t0\t0\tA\tF\tCB:Z:{cell}\tUB:Z:AA\tGX:Z:G\n");
    place.write("wells.sam", read("AC-1") + &read("AC-2"));
    let ended = count(&place, "wells.sam -q");
    let warning = "warning: wells.sam: barcodes that differ behind their first `-` only were taken for one cell\n";
    assert_eq!((ended.stderr.as_str(), place.text("out.tsv").lines().count()), (warning, 2));
    assert_eq!(counted(&place, "wells.sam --cell-suffix keep").lines().count(), 3);
}

#[test]
fn knee_plot_and_statistics_are_written() {
    let place = specimens();
    place.done("cell count unsorted.bam --format umi-tools -o out.tsv --knee knee.svg --stats stats.json -q");
    assert!(place.text("knee.svg").starts_with("<svg"));
    let stats: serde_json::Value = serde_json::from_str(&place.text("stats.json")).unwrap();
    assert_eq!(stats["reads"], 499);
    let dropped: u64 = stats["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(stats["counted_reads"].as_u64().unwrap() + dropped, 499);
    assert_eq!(stats["umis"].as_u64().unwrap(), sums(&place.text("out.tsv")).0);
}

#[test]
fn damaged_file_gets_one_line_and_leaves_nothing() {
    let place = specimens();
    let refusal = place.run("cell count cut_in_block_header.bam --format umi-tools -o out.tsv").refusal();
    assert_eq!(refusal, "cut_in_block_header.bam: record 500: cut short inside the header of a BGZF block");
    assert!(!place.path("out.tsv").exists() && !place.path("out.tsv.knee.svg").exists());
}

#[test]
fn standard_input_is_read() {
    let place = specimens();
    let expected = counted(&place, "unsorted.bam");
    let piped = place.piped("cell count - --format umi-tools -o piped.tsv", &place.read("unsorted.bam"));
    assert_eq!((piped.code, place.text("piped.tsv")), (Some(0), expected));
}

#[test]
fn trouble_with_output_is_told_before_the_work() {
    let place = specimens();
    place.write("there.tsv", "old");
    let refusal = |line: &str| place.run(&format!("cell count unsorted.bam --format umi-tools {line}")).refusal();
    assert_eq!(
        refusal("-o there.tsv"),
        "there.tsv: exists already; pass --overwrite to replace it, or choose another name"
    );
    assert_eq!(refusal("-o no/out.tsv"), "no/out.tsv: there is no folder no");
    assert_eq!(refusal("-o ."), ".: is a folder, expected a file for the table");
    place.write("empty.tsv", "\n");
    assert_eq!(refusal("-o out.tsv --whitelist empty.tsv"), "empty.tsv: holds no barcode");
    assert_eq!(place.text("there.tsv"), "old");
    assert_eq!(place.run("cell count no.bam --format umi-tools -o out.tsv").refusal(), "no.bam: no such file");
}

#[test]
fn unknown_choices_are_usage() {
    let place = specimens();
    for (flags, expected) in [
        ("--dedup cluster", "unknown method `cluster`: expected unique, directional, cellranger or cr-like"),
        ("--preset 10x", "unknown preset `10x`: expected cellranger, starsolo, umi-tools or sctools"),
        ("--umi-from name", "unknown source `name`: expected tag, read-name, read-id or umis"),
        ("--cell-tag C", "`C` is not a tag: expected a letter, and a letter or digit, such as CB"),
        ("--format h5ad", "unknown format `h5ad`: expected dataset, umi-tools or umi-tools-wide"),
        ("--cell-suffix cut", "unknown choice `cut`: expected keep or drop"),
    ] {
        let ended = place.run(&format!("cell count unsorted.bam -o out.tsv {flags}"));
        assert_eq!(ended.code, Some(2), "{flags}");
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

#[test]
fn dataset_holds_what_the_table_says() {
    let place = specimens();
    place.done("cell count unsorted.bam -o counts -q");
    let table = counted(&place, "unsorted.bam --cell-suffix keep");
    let cells = place.table("counts/cells");
    let genes = place.table("counts/genes.parquet");
    let (ids, names) = (genes.texts("gene_id"), genes.texts("gene_name"));
    assert!(ids.iter().zip(&names).all(|(id, name)| name == &id.replace("ENSG", "Gene")), "{ids:?} {names:?}");
    let mut lines = vec!["gene\tcell\tcount".to_owned()];
    for (row, cell) in cells.texts("cell_id").into_iter().enumerate() {
        let entries = cells.integers_of("gene_idx", row).into_iter().zip(cells.integers_of("value", row));
        lines.extend(entries.map(|(gene, count)| format!("{}\t{cell}\t{count}", ids[gene as usize])));
    }
    lines[1..].sort_unstable();
    assert_eq!(lines.join("\n") + "\n", table);
    let again = place.done("cell count unsorted.bam -o counts");
    assert!(again.contains("knee plot: counts.knee.svg"), "{again}");
    let other = place.run("cell count unsorted.bam -o counts --mapq 3").refusal();
    assert!(other.contains("mapq"), "{other}");
    place.done("cell count by_name.bam -o counts --overwrite");
    place.write("file", "");
    assert_eq!(
        place.run("cell count unsorted.bam -o file").refusal(),
        "file: is a file, expected a folder for the dataset"
    );
}
