//! AnnData of every era.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;

use super::{blocks, shared, sums, whole};
use ferrome_cell::cells::ValueKind;
use ferrome_cell::read::{ReadOptions, open};

#[test]
fn csr_of_current_anndata() {
    let Some(folder) = shared("derived_celltypist_ensembl") else { return };
    let (header, cells) = whole(&folder.join("human559_ensembl_csr.h5ad"), &ReadOptions::default()).unwrap();
    assert_eq!((header.format, header.layer.as_str(), header.kind), ("h5ad (CSR)", "X", ValueKind::Counts));
    assert_eq!((header.cells, header.nonzeros, header.genes.len()), (Some(559), Some(952_840), 19_400));
    assert_eq!((cells.len(), cells.genes.len(), cells.rejected.len(), cells.rounded), (559, 952_840, 0, 0));
    assert_eq!(header.genes.ids.value(0), "ENSG00000284557");
    assert_eq!(header.genes.names.unwrap().value(0), "MIR1302-10");
    let sums = sums(&cells);
    assert_eq!((&sums[..3], sums[558], sums.iter().sum::<i64>()), (&[15_665, 14_485, 8_334][..], 4_816, 3_343_594));
    let totals = cells.obs.column_by_name("n_counts").unwrap().as_primitive::<Float64Type>();
    assert!((totals.value(0) - 17_348.0).abs() < 1e-6);
    assert_eq!(cells.ids.value(0), "Cell_1");
}

#[test]
fn blocks_do_not_depend_on_where_they_end() {
    let Some(folder) = shared("derived_celltypist_ensembl") else { return };
    let path = folder.join("human559_ensembl_csr.h5ad");
    let (_, all) = whole(&path, &ReadOptions::default()).unwrap();
    for nonzeros in [1, 10_000, 100_000] {
        let blocks = blocks(&mut *open(&path, &ReadOptions::default()).unwrap(), nonzeros).unwrap();
        let genes: Vec<u32> = blocks.iter().flat_map(|cells| cells.genes.clone()).collect();
        assert_eq!(genes, all.genes, "{nonzeros}");
        let ids: Vec<String> =
            blocks.iter().flat_map(|cells| cells.ids.iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect();
        assert!(ids.iter().map(String::as_str).eq(all.ids.iter().flatten()), "{nonzeros}");
    }
}
