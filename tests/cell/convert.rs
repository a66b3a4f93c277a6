//! `ferrome cell convert`: the same cells give the same dataset however they are stored, and a killed run goes on.

use std::path::{Path, PathBuf};

use crate::support::killed::wait_for;
use crate::support::place::Place;
use crate::support::root;

/// A folder of the shared cells, or `None` (said on stderr) where it is not at hand; CI must have it.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().parent().unwrap().join("shared/data/cells").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}

/// Writes a matrix folder of so many cells and three genes.
fn matrix(place: &Place, folder: &str, cells: usize) {
    let ids: String = (0..cells).map(|cell| format!("cell{cell}\n")).collect();
    let entries: String = (0..cells).map(|cell| format!("{} {} {}\n", cell % 3 + 1, cell + 1, cell % 7 + 1)).collect();
    place.write(format!("{folder}/barcodes.tsv"), ids);
    place.write(
        format!("{folder}/features.tsv"),
        "ENSG1\tA\tGene Expression\nENSG2\tB\tGene Expression\nENSG3\tC\tGene Expression\n",
    );
    let head = "%%MatrixMarket matrix coordinate integer general";
    place.write(format!("{folder}/matrix.mtx"), format!("{head}\n3 {cells} {cells}\n{entries}"));
}

/// Every file below `folder`, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push((path.clone(), fs_err::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn same_cells_in_four_forms_give_the_same_rows() {
    let Some(folder) = shared("derived_10x10k_subset") else { return };
    let place = Place::new();
    let forms = ["csr_gzip.h5ad", "csc_gzip.h5ad", "dense_1000cells.h5ad", "mtx"];
    for form in forms {
        place.done(&format!("cell convert {} -o {form}.set --quiet", folder.join(form).display()));
    }
    let rows = forms.map(|form| place.table(format!("{form}.set/cells")).0);
    assert_eq!(rows[0].num_rows(), 10_000);
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0], rows[3]);
    assert_eq!(rows[2].num_rows(), 1000);
    assert_eq!(rows[0].slice(0, 1000), rows[2]);
    let genes = forms.map(|form| place.table(format!("{form}.set/genes.parquet")).0);
    for other in &genes {
        for column in ["gene_idx", "gene_id", "gene_id_full", "gene_name"] {
            assert_eq!(other.column_by_name(column), genes[0].column_by_name(column), "{column}");
        }
    }
}

#[test]
fn run_says_what_it_found_and_what_it_wrote() {
    let place = Place::new();
    matrix(&place, "in", 1234);
    let said = place.done("cell convert in -o set");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "in: mtx, counts from X: 1,234 cells x 3 genes");
    assert!(lines[1].starts_with("1,234 cells, 1,234 entries -> set in "), "{}", lines[1]);
    assert_eq!(place.done("cell convert in -o other --quiet"), "");
    let again = place.done("cell convert in -o set");
    assert!(again.contains("; already complete, nothing to do -> set in "), "{again}");
}

#[test]
fn suffix_decides_what_is_written_unless_said_otherwise() {
    let place = Place::new();
    matrix(&place, "in", 10);
    place.done("cell convert in -o out.h5ad --quiet");
    assert!(place.path("out.h5ad").is_file());
    place.done("cell convert out.h5ad -o mtx --to mtx --quiet");
    assert_eq!(place.names("mtx"), ["barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz"]);
    place.done("cell convert in -o set --quiet");
    place.done("cell convert mtx -o again --quiet");
    assert_eq!(place.table("again/cells"), place.table("set/cells"));
    assert_eq!(place.table("again/genes.parquet"), place.table("set/genes.parquet"));
}

#[test]
fn killed_conversion_goes_on_to_the_same_bytes() {
    let place = Place::new();
    // More cells than a block has, so that there are several parts.
    matrix(&place, "in", 400_000);
    place.done("cell convert in -o whole --quiet");
    for part in ["part-00000.parquet", "part-00002.parquet"] {
        let mut child = place.start("cell convert in -o set --quiet --threads 1");
        wait_for(&place.path("set/cells").join(part), &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    place.done("cell convert in -o set --quiet");
    let relative = |folder: &str| -> Vec<(PathBuf, Vec<u8>)> {
        let base = place.path(folder);
        files(&base).into_iter().map(|(path, bytes)| (path.strip_prefix(&base).unwrap().to_owned(), bytes)).collect()
    };
    assert_eq!(relative("set").len(), 8);
    assert!(relative("set") == relative("whole"));
}

#[test]
fn refusals_name_the_file_and_what_to_do() {
    let place = Place::new();
    matrix(&place, "in", 10);
    place.done("cell convert in -o set --quiet");
    let refusal = |line: &str| place.run(&format!("cell convert {line} --quiet")).refusal();
    assert_eq!(refusal("set -o set --overwrite"), "set: is the input; choose another -o");
    place.done("cell convert in -o out.h5ad --quiet");
    assert_eq!(
        refusal("in -o out.h5ad"),
        "out.h5ad: exists already; pass --overwrite to replace it, or choose another name"
    );
    assert_eq!(refusal("in -o no/out.h5ad"), "no/out.h5ad: there is no folder no");
    place.write("mine/notes.txt", "mine");
    assert_eq!(
        refusal("in -o mine"),
        "mine: holds `notes.txt`, which ferrome did not write; choose an empty or new folder for -o"
    );
    assert_eq!(
        refusal("in -o mine --to mtx --overwrite"),
        "mine: is no matrix folder; choose an empty or new folder for -o"
    );
    matrix(&place, "in", 11);
    let message = refusal("in -o set");
    assert!(
        message.starts_with("set/cells/: an earlier run into this output differs: input was `in, 3 files, "),
        "{message}"
    );
}
