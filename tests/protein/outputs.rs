//! The same table in every format, from every kind of input.

use fs_err::File;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::place::Place;

/// Two proteins, one of them twice, one that is rejected.
fn place() -> Place {
    let place = Place::new();
    place.fasta("in.fasta", &[("a", "MKTAYIAKQR"), ("b", "MKTVRQ"), ("a", "MKTAYIAKQR"), ("bad", "MKJ")]);
    place
}

const LINE: &str = "in.fasta -m golden/esm2_hf";

#[test]
fn parquet_has_one_row_per_record() {
    let place = place();
    place.embed(&format!("{LINE} -o out.parquet"));
    let table = place.table("out.parquet");
    assert_eq!(table.columns(), ["id", "length", "embedding", "error"]);
    assert_eq!(table.kind("embedding"), "FixedSizeList(40 x Float32)");
    assert_eq!(table.ids(), ["a", "b", "a", "bad"]);
    assert_eq!(table.lengths(), [10, 6, 10, 3]);
    let vectors = table.numbers("embedding");
    assert_eq!(
        vectors.iter().map(|vector| vector.as_ref().map(Vec::len)).collect::<Vec<_>>(),
        [Some(40), Some(40), Some(40), None]
    );
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);
    assert_eq!(table.errors().iter().filter(|error| error.is_some()).count(), 1);
}

#[test]
fn metadata_says_what_made_the_file() {
    let place = place();
    place.embed(&format!("{LINE} -o out.parquet --pool max --layers 1"));
    let file = File::open(place.path("out.parquet")).unwrap().into_file();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let entries = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
    let value = |key: &str| {
        let entry = entries.iter().find(|entry| entry.key == format!("ferrome.{key}"));
        entry.and_then(|entry| entry.value.clone()).unwrap_or_else(|| panic!("no {key} in {entries:?}"))
    };
    assert_eq!(value("version"), "0.1.0");
    assert_eq!(value("model"), "golden/esm2_hf");
    assert_eq!(value("model.fingerprint").len(), 32);
    assert!(value("input.0").starts_with("in.fasta, 47 bytes, xxh3 "), "{}", value("input.0"));
    let options = ["pool", "layers", "logits", "long", "dtype"].map(value);
    assert_eq!(options, ["max", "1", "false", "whole", "f32"]);
}

#[test]
fn folder_and_arrow_hold_the_same_table() {
    let place = place();
    place.embed(&format!("{LINE} -o out.parquet"));
    for output in ["out/", "plain-name", "out.arrow", "out.feather"] {
        place.embed(&format!("{LINE} -o {output}"));
        assert_eq!(place.table(output), place.table("out.parquet"), "{output}");
    }
    assert_eq!(place.names("out"), ["part-00000.parquet"]);
    let left = ["golden", "in.fasta", "out", "out.arrow", "out.feather", "out.parquet", "plain-name", "specimens"];
    assert_eq!(place.names("."), left);
}

#[test]
fn npy_with_ids_beside_it() {
    let place = place();
    place.embed(&format!("{LINE} -o out.parquet"));
    place.embed(&format!("{LINE} -o out.npy"));
    assert_eq!(place.text("out.npy.ids.txt"), "a\nb\na\nbad\n");
    let bytes = place.read("out.npy");
    let (header, numbers) = bytes.split_at(128);
    assert!(header.starts_with(b"\x93NUMPY\x01\x00"));
    let text = String::from_utf8_lossy(&header[10..]).trim_end().to_owned();
    assert_eq!(text, "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 40), }");
    let numbers: Vec<f32> = numbers.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(numbers.len(), 4 * 40);
    for (row, vector) in numbers.chunks(40).zip(place.table("out.parquet").numbers("embedding")) {
        match vector {
            Some(vector) => assert_eq!(row, vector),
            None => assert!(row.iter().all(|number| number.is_nan())),
        }
    }
}

#[test]
fn csv_numbers_read_back_as_they_were() {
    let place = place();
    place.embed(&format!("{LINE} -o out.parquet"));
    place.embed(&format!("{LINE} -o out.csv"));
    let text = place.text("out.csv");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.splitn(43, ',').collect()).collect();
    let header: Vec<String> = (0..40).map(|n| format!("e{n}")).collect();
    assert_eq!(lines[0][..2], ["id", "length"]);
    assert_eq!(lines[0][2..42], header);
    assert_eq!(lines[0][42], "error");
    let table = place.table("out.parquet");
    for (row, vector) in table.numbers("embedding").into_iter().enumerate() {
        let cells = &lines[row + 1];
        assert_eq!((cells[0], cells[1]), (table.ids()[row].as_str(), table.lengths()[row].to_string().as_str()));
        let numbers: Option<Vec<f32>> = cells[2..42].iter().map(|cell| cell.parse().ok()).collect();
        assert_eq!(numbers, vector);
        assert_eq!(cells[42].trim_matches('"'), table.errors()[row].as_deref().unwrap_or_default());
    }
    place.embed(&format!("{LINE} -o two.csv --layers 0,-1"));
    let header = place.text("two.csv").lines().next().unwrap().to_owned();
    assert!(header.starts_with("id,length,embedding_0_0,embedding_0_1,") && header.contains(",embedding_3_0,"));
}

#[test]
fn several_inputs_become_one_table() {
    let place = place();
    place.embed("in.fasta specimens/gzip.fasta.gz in.fasta -m golden/esm2_hf -o out.parquet");
    let specimen = place.embed("specimens/plain.fasta -m golden/esm2_hf -o plain.parquet");
    assert!(specimen.starts_with("3 rows: 3 computed; "), "{specimen}");
    let (all, plain) = (place.table("out.parquet"), place.table("plain.parquet"));
    assert_eq!(all.rows(), 4 + 3 + 4);
    assert_eq!(all.ids()[4..7], plain.ids());
    assert_eq!(all.numbers("embedding")[4..7], plain.numbers("embedding"));
    assert_eq!(all.numbers("embedding")[..4], all.numbers("embedding")[7..]);
}

#[test]
fn standard_input_and_every_compression() {
    let place = place();
    place.embed("specimens/plain.fasta -m golden/esm2_hf -o plain.parquet");
    for file in ["plain.fasta", "gzip.fasta.gz", "gzip_members.fasta.gz", "bgzf.fasta.bgz"] {
        let line = "protein embed - -m golden/esm2_hf -o piped.parquet --overwrite";
        let ended = place.piped(line, &place.read(format!("specimens/{file}")));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(place.table("piped.parquet"), place.table("plain.parquet"), "{file} as standard input");
        place.embed(&format!("specimens/{file} -m golden/esm2_hf -o file.parquet --overwrite"));
        assert_eq!(place.table("file.parquet"), place.table("plain.parquet"), "{file}");
    }
}

#[test]
fn quiet_is_quiet_and_stats_are_json() {
    let place = place();
    assert_eq!(place.embed(&format!("{LINE} -o out.csv --quiet --stats stats.json")), "");
    let stats: serde_json::Value = serde_json::from_slice(&place.read("stats.json")).unwrap();
    let number = |key: &str| stats[key].as_f64().unwrap_or_else(|| panic!("no {key} in {stats}"));
    assert_eq!((number("rows"), number("unique"), number("resumed_rows")), (4.0, 2.0, 0.0));
    assert_eq!((number("tokens"), number("residues"), number("padding")), (20.0, 29.0, 0.0));
    assert!(number("load_seconds") > 0.0 && number("run_seconds") > 0.0 && number("peak_rss_bytes") > 1e7);
}
