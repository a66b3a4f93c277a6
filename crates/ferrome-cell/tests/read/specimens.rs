//! Small files of every kind, good and bad, with what they say. They are written by `scripts/make_cell_specimens.py`.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float32Type, Int16Type, Int32Type, Int64Type};

use super::{floats, layer, message, sums, whole};
use ferrome_cell::cells::{Cells, ValueKind, Values};
use ferrome_cell::read::ReadOptions;

fn specimen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/specimens/cells").join(name)
}

fn read(name: &str) -> Cells {
    whole(&specimen(name), &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}")).1
}

/// The counts of all specimens.
fn is_the_same(cells: &Cells) -> bool {
    (&cells.starts[..], &cells.genes[..]) == (&[0, 2, 2, 3, 6][..], &[0, 2, 1, 0, 1, 2][..])
        && cells.values == Values::Counts(vec![1, 2, 3, 4, 5, 6])
        && cells.ids.iter().flatten().eq(["c0", "c1", "c2", "c3"])
        && cells.rejected.is_empty()
        && cells.rounded == 0
}

#[test]
fn every_type_of_number() {
    let types = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "big_i4", "big_f4", "big_f8", "big_u2"];
    for name in types {
        assert!(is_the_same(&read(&format!("values_{name}.h5ad"))), "{name}");
    }
}

#[test]
fn every_storage() {
    let sparse = ["shuffle_gzip", "lzf", "fletcher32", "one_chunk", "resizable", "csc", "latest", "user_block"];
    for name in sparse.into_iter().chain(["dense", "dense_tiles", "dense_big_endian", "dense_missing_chunk"]) {
        assert!(is_the_same(&read(&format!("{name}.h5ad"))), "{name}");
    }
}

#[test]
fn blosc_by_the_library() {
    use hdf5_metno::filters::{Blosc, BloscShuffle, Filter};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blosc.h5ad");
    std::fs::copy(specimen("one_chunk.h5ad"), &path).unwrap();
    let file = hdf5_metno::File::open_rw(&path).unwrap();
    for (name, values) in [("X/data", [1, 2, 3, 4, 5, 6]), ("X/indices", [0, 2, 1, 0, 1, 2])] {
        file.unlink(name).unwrap();
        let filters = [Filter::blosc(Blosc::ZStd, 5, BloscShuffle::Byte)];
        let builder = file.new_dataset_builder().set_filters(&filters).chunk(4);
        builder.with_data(&ndarray::arr1(&values)).create(name).unwrap();
    }
    file.close().unwrap();
    assert!(is_the_same(&whole(&path, &ReadOptions::default()).unwrap().1));
}

#[test]
fn entries_that_are_unsorted_twice_or_zero() {
    assert!(is_the_same(&read("unsorted_twice_zero.h5ad")));
}

#[test]
fn columns_that_may_be_missing() {
    let (header, cells) = whole(&specimen("nullable.h5ad"), &ReadOptions::default()).unwrap();
    assert!(is_the_same(&cells));
    assert_eq!(header.genes.names.unwrap().iter().flatten().collect::<Vec<_>>(), ["A", "B", "C"]);
    let column = |name: &str| cells.obs.column_by_name(name).unwrap().clone();
    let integer = column("integer");
    assert_eq!(integer.as_primitive::<Int16Type>().iter().collect::<Vec<_>>(), [Some(1), None, Some(3), Some(4)]);
    let truth = column("truth");
    assert_eq!(truth.as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false), None, Some(true)]);
    let string = column("string");
    assert_eq!(string.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("x"), None, Some(""), Some("é")]);
    let missing = column("missing");
    assert!(missing.as_primitive::<Float32Type>().value(1).is_nan() && missing.null_count() == 0);
    let grade = column("grade");
    let grade = grade.as_dictionary::<Int32Type>();
    assert_eq!(grade.keys().iter().collect::<Vec<_>>(), [Some(0), None, Some(2), Some(0)]);
    assert_eq!(grade.values().as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["low", "middle", "high"]);
    assert_eq!(header.obs.field_with_name("grade").unwrap().dict_is_ordered(), Some(true));
    let number = column("number");
    assert_eq!(number.as_dictionary::<Int32Type>().values().as_string::<i32>().value(0), "20");
    assert_eq!(header.obs.field_with_name("number").unwrap().metadata()["categories"], "Int64");
}

#[test]
fn loom_by_cell() {
    let (header, cells) = whole(&specimen("cells.loom"), &ReadOptions::default()).unwrap();
    assert!(is_the_same(&cells));
    assert_eq!((header.format, header.layer.as_str(), header.genes.ids.value(2)), ("loom", "matrix", "ENSG3"));
    assert_eq!(header.genes.names.unwrap().value(2), "C");
    assert_eq!(header.obs.metadata()["skipped"], "umap");
    let cluster = cells.obs.column_by_name("cluster").unwrap();
    assert_eq!(cluster.as_primitive::<Int64Type>().values(), &[0, 1, 1, 0]);
    let (header, cells) = whole(&specimen("cells.loom"), &layer("spliced")).unwrap();
    assert_eq!((header.layer.as_str(), sums(&cells)), ("layers/spliced", vec![3, 0, 3, 12]));
    assert_eq!(
        message(&specimen("cells.loom"), &layer("counts")),
        "there is no layer counts; there are matrix, layers/spliced"
    );
}

#[test]
fn values_near_whole_numbers_are_rounded_and_counted() {
    let cells = read("value_near.h5ad");
    assert_eq!((cells.rounded, &cells.values), (1, &Values::Counts(vec![1, 2, 3, 4, 5, 6])));
}

#[test]
fn cells_with_values_that_are_no_counts_are_rejected() {
    let expected = [
        ("nan", 0, "NaN for gene g2", vec![0, 0, 3, 15]),
        ("negative", 2, "negative count -1 for gene g1", vec![3, 0, 0, 15]),
        ("infinite", 3, "count inf (more than 2147483647) for gene g0", vec![3, 0, 3, 0]),
        ("too_many", 3, "count 3000000000 (more than 2147483647) for gene g1", vec![3, 0, 3, 0]),
    ];
    for (name, row, reason, left) in expected {
        let cells = read(&format!("value_{name}.h5ad"));
        assert_eq!(cells.rejected, [(row, reason.to_owned())], "{name}");
        assert_eq!(sums(&cells), left, "{name}");
    }
}

#[test]
fn values_that_are_no_counts_are_taken_when_allowed() {
    let path = specimen("fraction.h5ad");
    let refusal = "X holds 1.25, not counts (--allow-normalized takes such values as they are)";
    assert_eq!(message(&path, &ReadOptions::default()), refusal);
    let (header, cells) = whole(&path, &floats()).unwrap();
    assert_eq!(header.kind, ValueKind::Floats);
    assert_eq!(cells.values, Values::Floats(vec![1.25, 2.25, 3.25, 4.25, 5.25, 6.25]));
    let (header, _) = whole(&specimen("csc.h5ad"), &floats()).unwrap();
    assert_eq!(header.kind, ValueKind::Counts);
}

#[test]
fn wrong_files_are_named() {
    let expected = [
        ("index_beyond.h5ad", "X: cells 0 to 3: an entry has a gene index beyond the 3 genes"),
        ("index_negative.h5ad", "X: cells 0 to 3: an entry has a gene index beyond the 3 genes"),
        ("indptr_short.h5ad", "X/indptr: has shape [4], expected [5]"),
        ("indptr_falls.h5ad", "X/indptr: does not ascend"),
        ("indptr_beyond.h5ad", "X/indptr: points beyond the 6 entries"),
        ("indices_short.h5ad", "X/indices: has shape [3], but data has [6]"),
        ("data_of_strings.h5ad", "X/data: expected numbers"),
        ("shape_of_others.h5ad", "X: has 5 cells and 3 genes, but obs has 4 rows and var has 3"),
        ("no_x.h5ad", "no matrix: X, raw/X and layers/counts are absent"),
        ("code_beyond.h5ad", "obs/type/codes: has code 2, but there are 2 categories"),
        ("column_too_long.h5ad", "obs: column n has 5 rows, expected 4"),
        ("model.h5", "no AnnData, 10x or loom layout found; top-level groups are model_weights, optimizer_weights"),
    ];
    for (name, text) in expected {
        assert_eq!(message(&specimen(name), &ReadOptions::default()), text, "{name}");
    }
}
