//! Matrices as text, good and bad.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

use super::{floats, message, whole};
use ferrome_cell::cells::{ValueKind, Values};
use ferrome_cell::read::ReadOptions;

const HEAD: &str = "%%MatrixMarket matrix coordinate integer general\n% a comment\n";
/// 3 genes x 4 cells: [[1,0,2],[0,0,0],[0,3,0],[4,5,6]] by cell.
const BY_GENE: &str = "3 4 6\n1 1 1\n1 4 4\n2 3 3\n2 4 5\n3 1 2\n3 4 6\n";

fn write(folder: &Path, matrix: &str) {
    fs::write(folder.join("matrix.mtx"), matrix).unwrap();
    fs::write(folder.join("features.tsv"), "ENSG1\tA\tGene Expression\nENSG2\tB\tGene Expression\nENSG3\tC\r\n")
        .unwrap();
    fs::write(folder.join("barcodes.tsv"), "c0\nc1\nc2\nc3").unwrap();
}

fn is_the_same(path: &Path) -> bool {
    let (header, cells) = whole(path, &ReadOptions::default()).unwrap();
    assert_eq!((header.format, header.layer.as_str(), header.kind), ("mtx", "X", ValueKind::Counts));
    assert_eq!(header.genes.names.unwrap().iter().flatten().collect::<Vec<_>>(), ["A", "B", "C"]);
    (&cells.starts[..], &cells.genes[..]) == (&[0, 2, 2, 3, 6][..], &[0, 2, 1, 0, 1, 2][..])
        && cells.values == Values::Counts(vec![1, 2, 3, 4, 5, 6])
        && cells.ids.iter().flatten().eq(["c0", "c1", "c2", "c3"])
}

#[test]
fn entries_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let by_cell = "3 4 7\n3 1 2\n1 1 1\n2 3 2\n2 3 1\n1 4 4\n2 4 5\n3 4 6\n";
    let mixed = "3 4 6\n3 4 6\n2 3 3\n1 1 1\n2 4 5\n1 4 4\n3 1 2";
    for matrix in [BY_GENE, by_cell, mixed] {
        write(folder.path(), &format!("{HEAD}{matrix}"));
        assert!(is_the_same(folder.path()), "{matrix}");
    }
}

#[test]
fn cells_as_rows_with_the_names_of_kb() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &format!("{HEAD}4 3 6\n1 1 1\n1 3 2\n3 2 3\n4 1 4\n4 2 5\n4 3 6\n"));
    for (from, to) in [("matrix.mtx", "x.mtx"), ("features.tsv", "x.genes.txt"), ("barcodes.tsv", "x.barcodes.txt")] {
        fs::rename(folder.path().join(from), folder.path().join(to)).unwrap();
    }
    assert!(is_the_same(folder.path()));
    assert!(is_the_same(&folder.path().join("x.mtx")));
}

#[test]
fn prefixed_and_gzipped() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &format!("{HEAD}{BY_GENE}"));
    for name in ["matrix.mtx", "features.tsv", "barcodes.tsv"] {
        let path = folder.path().join(name);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&fs::read(&path).unwrap()).unwrap();
        fs::write(folder.path().join(format!("GSM1_{name}.gz")), gzip.finish().unwrap()).unwrap();
        fs::remove_file(path).unwrap();
    }
    assert!(is_the_same(folder.path()));
    let matrix = folder.path().join("GSM1_matrix.mtx.gz");
    assert!(is_the_same(&matrix));
    let bytes = fs::read(&matrix).unwrap();
    fs::write(&matrix, &bytes[..bytes.len() - 12]).unwrap();
    let text = message(&matrix, &ReadOptions::default());
    assert!(text.starts_with("after line ") || text.starts_with("line "), "{text}");
    fs::remove_file(folder.path().join("GSM1_features.tsv.gz")).unwrap();
    assert_eq!(message(&matrix, &ReadOptions::default()), "there is no features.tsv (or features.tsv.gz, …) beside it");
}

#[test]
fn values_that_are_no_counts() {
    let folder = tempfile::tempdir().unwrap();
    let real = HEAD.replace("integer", "real");
    write(folder.path(), &format!("{real}3 4 2\n1 1 1.5\n2 2 3\n"));
    let refusal = "the matrix holds 1.5, not counts (--allow-normalized takes such values as they are)";
    let matrix = folder.path().join("matrix.mtx");
    assert_eq!(message(&matrix, &ReadOptions::default()), refusal);
    assert_eq!(whole(&matrix, &floats()).unwrap().1.values, Values::Floats(vec![1.5, 3.0]));
    write(folder.path(), &format!("{HEAD}3 4 3\n1 1 -1\n2 2 3000000000\n3 3 7\n"));
    let (_, cells) = whole(&matrix, &ReadOptions::default()).unwrap();
    let reasons = [
        (0, "negative count -1 for gene ENSG1".to_owned()),
        (1, "count 3000000000 (more than 2147483647) for gene ENSG2".to_owned()),
    ];
    assert_eq!((cells.rejected, cells.values), (reasons.to_vec(), Values::Counts(vec![7])));
}

#[test]
fn wrong_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let expected = [
        ("3 4 3\n1 1 1\n2 2 2\n", "expected 3 entries, found 2"),
        ("3 4 1\n1 1 1\n2 2 2\n", "expected 1 entries, found 2"),
        ("3 4 2\n1 1 1\n2 2 x\n", "line 5: expected a row, a column and a value, found `2 2 x`"),
        ("3 4 2\n1 1 1\n4 2 1\n", "line 5: row 4, column 2 is not in a matrix of 3 x 4"),
        ("3 5 1\n1 1 1\n", "has 3 x 5, but features.tsv has 3 lines and barcodes.tsv has 4"),
        ("3 4\n1 1 1\n", "line 3: expected the numbers of rows, columns and entries, found `3 4`"),
        ("", "ends at line 3, before the size of the matrix"),
    ];
    for (matrix, text) in expected {
        write(folder.path(), &format!("{HEAD}{matrix}"));
        assert_eq!(message(&folder.path().join("matrix.mtx"), &ReadOptions::default()), text, "{matrix}");
    }
}
