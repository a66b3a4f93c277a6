//! Files and folders of Cell Ranger.

use arrow::array::AsArray;

use super::{layer, message, shared, sums, whole};
use ferrome_cell::read::ReadOptions;

#[test]
fn h5_and_mtx_of_version_3_hold_the_same() {
    let Some(folder) = shared("scanpy_tests") else { return };
    let folder = folder.join("10x_data/3.0.0");
    let (header, cells) = whole(&folder.join("filtered_feature_bc_matrix.h5"), &ReadOptions::default()).unwrap();
    assert_eq!((header.format, header.layer.as_str(), header.cells), ("10x h5 v3", "matrix", Some(1107)));
    assert_eq!((header.genes.len(), cells.genes.len(), sums(&cells).iter().sum::<i64>()), (507, 23_866, 41_549));
    assert_eq!(header.genes.ids.value(0), "ENSG00000279493");
    assert_eq!(header.genes.names.as_ref().unwrap().value(0), "CH507-9B2.2");
    assert_eq!(header.genes.columns.column_by_name("genome").unwrap().as_string::<i32>().value(0), "GRCh38_chr21");
    for path in ["filtered_feature_bc_matrix", "filtered_feature_bc_matrix/matrix.mtx.gz"] {
        let (other, same) = whole(&folder.join(path), &ReadOptions::default()).unwrap();
        assert_eq!(
            (other.format, &other.genes.ids, &other.genes.names),
            ("mtx", &header.genes.ids, &header.genes.names)
        );
        let types = |header: &ferrome_cell::read::Header| {
            header.genes.columns.column_by_name("feature_type").unwrap().as_string::<i32>().clone()
        };
        assert_eq!(types(&other), types(&header));
        assert_eq!(
            (same.ids, same.starts, same.genes, same.values),
            (cells.ids.clone(), cells.starts.clone(), cells.genes.clone(), cells.values.clone())
        );
    }
}

#[test]
fn genomes_of_version_2_side_by_side() {
    let Some(folder) = shared("scanpy_tests") else { return };
    let path = folder.join("10x_data/1.2.0/multiple_genomes.h5");
    let (header, cells) = whole(&path, &ReadOptions::default()).unwrap();
    assert_eq!((header.format, header.layer.as_str()), ("10x h5 v2", "another_genome+hg19_chr21"));
    assert_eq!((header.genes.len(), header.nonzeros, cells.len()), (686, Some(24), 12));
    assert_eq!(cells.genes[..4], [200, 543, 122, 465]);
    assert_eq!(sums(&cells), [2, 2, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!((header.genes.ids.value(343), header.genes.names.unwrap().value(343)), ("DSCAM", "DSCAM"));
    let genomes = header.genes.columns.column_by_name("genome").unwrap().as_string::<i32>();
    assert_eq!((genomes.value(342), genomes.value(343)), ("another_genome", "hg19_chr21"));
    let (header, cells) = whole(&path, &layer("hg19_chr21")).unwrap();
    assert_eq!((header.layer.as_str(), header.genes.len(), sums(&cells)), ("hg19_chr21", 343, vec![1; 12]));
    assert_eq!(message(&path, &layer("mm10")), "there is no matrix mm10; there are another_genome, hg19_chr21");
}

#[test]
fn h5_and_mtx_of_version_2_hold_the_same() {
    let Some(folder) = shared("scanpy_tests") else { return };
    let folder = folder.join("10x_data/1.2.0");
    let (header, cells) = whole(&folder.join("filtered_gene_bc_matrices_h5.h5"), &ReadOptions::default()).unwrap();
    let (other, same) = whole(&folder.join("filtered_gene_bc_matrices/hg19_chr21"), &ReadOptions::default()).unwrap();
    assert_eq!((header.format, other.format, cells.len()), ("10x h5 v2", "mtx", 12));
    assert_eq!((other.genes.ids, other.genes.names), (header.genes.ids, header.genes.names));
    assert_eq!((same.ids, same.starts, same.genes, same.values), (cells.ids, cells.starts, cells.genes, cells.values));
}

#[test]
fn probes_with_a_column_for_each_barcode() {
    let Some(folder) = shared("scanpy_tests") else { return };
    let (header, cells) =
        whole(&folder.join("visium_data/2.1.0/raw_probe_bc_matrix.h5"), &ReadOptions::default()).unwrap();
    assert_eq!((header.genes.len(), cells.len(), sums(&cells).iter().sum::<i64>()), (1000, 4987, 3372));
    let inside = cells.obs.column_by_name("filtered_barcodes").unwrap().as_boolean();
    assert_eq!((inside.len(), inside.true_count()), (4987, 2348));
    assert_eq!(header.genes.ids.value(0), "DEPRECATED_ENSMUSG00000000157|Itgb2l|2ef1e7b");
    let (header, cells) =
        whole(&folder.join("visium_data/1.0.0/filtered_feature_bc_matrix.h5"), &ReadOptions::default()).unwrap();
    assert_eq!((header.genes.len(), cells.genes.len(), sums(&cells).iter().sum::<i64>()), (100, 656, 932));
}

#[test]
fn mtx_of_real_numbers_that_are_whole() {
    let Some(folder) = shared("scanpy_tests") else { return };
    let (header, cells) = whole(&folder.join("10x_data/int-ids"), &ReadOptions::default()).unwrap();
    assert_eq!((header.genes.ids.value(0), cells.len()), ("574405", 5));
    assert_eq!((cells.genes.as_slice(), sums(&cells)), (&[3, 4, 5][..], vec![0, 0, 8, 0, 0]));
    assert_eq!(
        message(&folder.join("10x_data/int-ids"), &layer("raw/X")),
        "there is no layer raw/X; such a matrix has none"
    );
}
