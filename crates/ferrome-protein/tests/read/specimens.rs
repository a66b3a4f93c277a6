use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ferrome_protein::read::{Fasta, Survey, open, survey};

use super::{contents, records, threads};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/specimens/fasta")
}

/// A file, its records and residues if it is valid, and its message if it is not.
type Row = (String, Option<(u64, u64)>, String);

/// The rows of `expected.tsv`.
fn expected() -> Vec<Row> {
    let table = fs::read_to_string(folder().join("expected.tsv")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let counts = cells[1].parse().ok().map(|records| (records, cells[2].parse().unwrap()));
        (cells[0].to_owned(), counts, cells[3].to_owned())
    };
    table.lines().skip(1).map(row).collect()
}

fn message(path: &Path) -> String {
    let message = records(path).unwrap_err().to_string();
    message.replace(&format!("{}/", folder().display()), "")
}

#[test]
fn read_every_specimen() {
    for (file, counts, expected_message) in expected() {
        let path = folder().join(&file);
        let Some((expected_records, residues)) = counts else {
            assert_eq!(message(&path), expected_message, "{file}");
            assert!(survey(&path).is_err(), "{file}");
            continue;
        };
        let found = survey(&path).unwrap_or_else(|error| panic!("{error}")).unwrap();
        let bytes = fs::metadata(&path).unwrap().len();
        assert_eq!(found, Survey { records: expected_records, residues, bytes, nucleotides: 0 }, "{file}");
    }
}

#[test]
fn every_specimen_has_its_row() {
    let listed: Vec<String> = expected().into_iter().map(|(file, ..)| file).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(listed.contains(&name) || ["expected.tsv", ".gitattributes"].contains(&name.as_str()), "{name}");
    }
}

/// Those that hold the three proteins of `plain.fasta` give exactly them.
#[test]
fn read_the_same_proteins_from_every_form() {
    let plain = records(&folder().join("plain.fasta")).unwrap();
    let mut same = 0;
    for (file, counts, _) in expected() {
        if counts == Some((3, 37)) && file != "lower_case.fasta" {
            assert_eq!(contents(&records(&folder().join(&file)).unwrap()), contents(&plain), "{file}");
            same += 1;
        }
    }
    assert!(same > 12);
    let lower = records(&folder().join("lower_case.fasta")).unwrap();
    assert_eq!(lower[1].sequence, plain[1].sequence);
}

#[test]
fn read_lines_and_ids() {
    let read = |file: &str| records(&folder().join(file)).unwrap();
    let lines = |file: &str| read(file).iter().map(|protein| protein.line).collect::<Vec<_>>();
    assert_eq!(lines("line_ends_crlf.fasta"), [1, 3, 5]);
    assert_eq!(lines("line_ends_cr.fasta"), [1, 3, 5]);
    assert_eq!(lines("comments.fasta"), [4, 6, 12]);
    let ids = |file: &str| read(file).iter().map(|protein| protein.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids("empty_id.fasta"), ["", "", "id"]);
    assert_eq!(ids("more_than_one_header_mark.fasta"), [">a", "b"]);
    assert_eq!(read("star_inside.fasta")[0].sequence, b"MKTAYIAK*QR*");
    assert_eq!(read("control_a_in_header.fasta")[0].description, "one [Escherichia]\u{1}WP_2 two [Shigella]");
}

#[test]
fn read_records_up_to_the_cut() {
    let mut fasta = open(&folder().join("bgzf_without_end_marker.fasta.bgz"), threads()).unwrap();
    assert_eq!(fasta.by_ref().filter(Result::is_ok).count(), 3);
    assert!(fasta.next().is_none());
}

#[test]
fn refuse_folder() {
    let path = folder();
    let message = records(&path).unwrap_err().to_string();
    assert_eq!(message, format!("{}: expected a FASTA file, found a folder", path.display()));
    assert_eq!(survey(&path).unwrap_err().to_string(), message);
}

#[test]
fn survey_of_standard_input_is_none() {
    assert_eq!(survey(Path::new("-")).unwrap(), None);
}

/// A disk that fails: its error is not taken for a damaged file.
#[test]
fn report_failing_disk() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from_raw_os_error(5))
        }
    }
    let plain = fs::read(folder().join("plain.fasta")).unwrap();
    let packed = fs::read(folder().join("bgzf.fasta.bgz")).unwrap();
    for bytes in [plain[..20].to_vec(), packed[..30].to_vec(), Vec::new()] {
        let reader = Cursor::new(bytes).chain(Failing);
        let result: Result<Vec<_>, _> = Fasta::from_reader(reader, "a.fa", threads()).and_then(Iterator::collect);
        assert_eq!(result.unwrap_err().to_string(), "a.fa: Input/output error (os error 5)");
    }
}

const CHILD: &str = "FERROME_READS_STANDARD_INPUT";

/// This test binary, run again with the file as its standard input.
#[test]
fn read_standard_input_in_every_compression() {
    for file in ["plain.fasta", "gzip.fasta.gz", "bgzf.fasta.bgz"] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "specimens::standard_input_holds_three_proteins"])
            .env(CHILD, "1")
            .stdin(fs::File::open(folder().join(file)).unwrap())
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{file}");
    }
}

#[test]
#[ignore = "run by read_standard_input_in_every_compression"]
fn standard_input_holds_three_proteins() {
    if std::env::var_os(CHILD).is_some() {
        let proteins = records(Path::new("-")).unwrap();
        assert_eq!((proteins.len(), &*proteins[0].source), (3, "stdin"));
    }
}
