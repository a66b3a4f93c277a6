//! AnnData of every era.

use arrow::array::{Array, AsArray, DictionaryArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use super::{blocks, floats, layer, message, shared, sums, whole};
use ferrome_cell::cells::{Cells, ValueKind, Values};
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

#[test]
fn table_obs_and_categories_in_uns_of_v0_5() {
    let Some(folder) = shared("anndata_archives") else { return };
    let path = folder.join("archives/v0.5.0/adata.h5ad");
    assert_eq!(
        message(&path, &ReadOptions::default()),
        "X holds -0.326, not counts; raw.X holds 2.177, not counts (--allow-normalized takes such values as they are)"
    );
    let (header, cells) = whole(&path, &floats()).unwrap();
    assert_eq!((header.format, header.layer.as_str(), header.kind), ("h5ad (dense)", "X", ValueKind::Floats));
    assert_eq!((cells.len(), header.genes.len(), cells.genes.len()), (700, 765, 535_433));
    let (raw, entries) = whole(&path, &ReadOptions { layer: Some("raw".into()), ..floats() }).unwrap();
    assert_eq!((raw.format, raw.layer.as_str(), entries.genes.len()), ("h5ad (CSR)", "raw/X", 174_400));
    assert_eq!(cells.ids.value(1), "AAATTCGATGCACA-1");
    assert_eq!(header.genes.ids.value(0), "HES4");
    let names: Vec<&str> = header.obs.fields().iter().map(|field| field.name().as_str()).collect();
    let expected = ["bulk_labels", "n_genes", "percent_mito", "n_counts", "S_score", "G2M_score", "phase", "louvain"];
    assert_eq!(names, expected);
    let labels = category(&cells, "bulk_labels");
    assert_eq!(labels.keys().values()[..5], [5, 9, 8, 0, 9]);
    assert_eq!(labels.values().len(), 10);
    assert_eq!(labels.values().as_string::<i32>().value(5), "CD14+ Monocyte");
    assert_eq!(cells.obs.column_by_name("n_genes").unwrap().as_primitive::<Int64Type>().value(0), 1003);
}

#[test]
fn categories_by_reference_of_v0_7() {
    let Some(folder) = shared("anndata_archives") else { return };
    let path = folder.join("archives/v0.7.0/adata.h5ad");
    let (header, cells) = whole(&path, &ReadOptions::default()).unwrap();
    assert_eq!((header.layer.as_str(), header.kind, cells.genes.len()), ("X", ValueKind::Counts, 228));
    assert_eq!((sums(&cells)[0], sums(&cells).iter().sum::<i64>()), (4, 285));
    let (raw, entries) = whole(&path, &layer("raw/X")).unwrap();
    assert_eq!((raw.genes.len(), sums(&entries)[0], sums(&entries).iter().sum::<i64>()), (40, 18, 627));
    let labels = category(&cells, "cat_ordered");
    assert_eq!(labels.keys().values()[..5], [21, 4, 11, 6, 15]);
    let names = labels.values().as_string::<i32>();
    assert_eq!((names.len(), names.value(0), names.value(21)), (22, "A", "w"));
    let field = header.obs.field_with_name("cat_ordered").unwrap();
    assert_eq!((field.dict_is_ordered(), field.metadata()["ordered"].as_str()), (Some(true), "true"));
    assert_eq!(header.obs.field_with_name("obs_cat").unwrap().dict_is_ordered(), Some(false));
    assert_eq!(cells.obs.column_by_name("uint8").unwrap().data_type(), &DataType::UInt8);
    let (_, cells) = whole(&folder.join("archives/v0.7.8/adata.h5ad"), &ReadOptions::default()).unwrap();
    assert_eq!((sums(&cells)[0], sums(&cells).iter().sum::<i64>(), cells.genes.len()), (13, 302, 239));
}

#[test]
fn layers_by_name() {
    let Some(folder) = shared("anndata_archives") else { return };
    let path = folder.join("archives/v0.7.0/adata.h5ad");
    for name in ["sparse", "layers/sparse"] {
        let (header, cells) = whole(&path, &ReadOptions { layer: Some(name.into()), ..floats() }).unwrap();
        assert_eq!((header.layer.as_str(), header.kind, cells.genes.len()), ("layers/sparse", ValueKind::Floats, 6));
    }
    assert_eq!(
        message(&path, &layer("array")),
        "layers/array holds 0.7224, not counts (--allow-normalized takes such values as they are)"
    );
    assert_eq!(
        message(&path, &layer("spliced")),
        "there is no layer spliced; there are X, raw/X, layers/array, layers/sparse (choose with --layer)"
    );
    let empty = folder.join("archives/v0.11.4/adata.h5ad");
    assert_eq!(message(&empty, &ReadOptions::default()), "no matrix: X, raw/X and layers/counts are absent");
}

#[test]
fn counts_in_raw_of_cellxgene() {
    let Some(folder) = shared("cellxgene_schema_fixtures") else { return };
    let (header, cells) = whole(&folder.join("h5ads/example_valid.h5ad"), &ReadOptions::default()).unwrap();
    assert_eq!((header.layer.as_str(), header.kind, header.nonzeros), ("raw/X", ValueKind::Counts, Some(14)));
    assert_eq!((cells.genes.len(), sums(&cells)), (13, vec![21, 28]));
    assert_eq!(category(&cells, "tissue_type").values().len(), 4);
    assert!(cells.obs.column_by_name("is_primary_data").unwrap().as_boolean().value(0));
    let (header, cells) = whole(&folder.join("h5ads/example_invalid_CL.h5ad"), &ReadOptions::default()).unwrap();
    assert_eq!((header.layer.as_str(), cells.genes.len(), sums(&cells)[0]), ("X", 20_991, 189));
    assert_eq!(sums(&cells).iter().sum::<i64>(), 176_783);
    assert_eq!(header.genes.ids.value(1), "ENSG00000127472");
}

#[test]
fn dense_lzf_with_ids_named_index() {
    let Some(folder) = shared("pbmc_10k") else { return };
    let (header, cells) = whole(&folder.join("pbmc_10k_protein_v3.h5ad"), &ReadOptions::default()).unwrap();
    assert_eq!((header.format, header.kind, header.nonzeros), ("h5ad (dense)", ValueKind::Counts, None));
    assert_eq!((cells.len(), header.genes.len(), cells.genes.len()), (200, 16_727, 317_760));
    assert_eq!((sums(&cells)[0], sums(&cells).iter().sum::<i64>()), (6_160, 909_531));
    assert_eq!((header.genes.ids.value(0), cells.ids.value(0)), ("AL627309.1", "AAACCCAAGATTGTGA-1"));
    let columns: Vec<String> =
        header.genes.columns.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(columns, ["n_cells", "highly_variable", "encode", "hvg_encode"]);
}

fn category(cells: &Cells, name: &str) -> DictionaryArray<Int32Type> {
    cells.obs.column_by_name(name).unwrap().as_dictionary::<Int32Type>().clone()
}

/// What a block says, in a form that can be compared.
fn content(cells: &Cells) -> (Vec<&str>, &[usize], &[u32], &Values) {
    (cells.ids.iter().flatten().collect(), &cells.starts, &cells.genes, &cells.values)
}

#[test]
fn the_same_cells_in_every_layout_give_identical_blocks() {
    let Some(folder) = shared("derived_10x10k_subset") else { return };
    let read = |name: &str, nonzeros| {
        let mut reader = open(&folder.join(name), &ReadOptions::default()).unwrap();
        let blocks = blocks(&mut *reader, nonzeros).unwrap();
        (reader.header().clone(), blocks)
    };
    for nonzeros in [100, 20_000, 1 << 20] {
        let (header, csr) = read("csr_gzip.h5ad", nonzeros);
        for name in ["csc_gzip.h5ad", "mtx", "dense_1000cells.h5ad"] {
            let (other, blocks) = read(name, nonzeros);
            assert_eq!(other.genes.ids, header.genes.ids);
            assert_eq!(other.genes.names, header.genes.names);
            let whole = if name.starts_with("dense") { blocks.len() - 1 } else { csr.len() };
            assert!(csr[..whole].iter().map(content).eq(blocks[..whole].iter().map(content)), "{name} by {nonzeros}");
            assert_eq!(blocks.iter().map(Cells::len).sum::<usize>(), if whole == csr.len() { 10_000 } else { 1_000 });
        }
    }
}
