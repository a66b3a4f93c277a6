use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Schema};

use super::*;
use crate::cells::{Cells, Genes, ValueKind};
use crate::read::Header;
use crate::tokenize::scgpt::Path;
use crate::tokenize::scgpt::tests::{cells, scgpt};

/// A reader of blocks in memory.
struct Blocks {
    header: Header,
    blocks: Vec<Cells>,
}

impl CellReader for Blocks {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_cells(&mut self, _: usize) -> Result<Option<Cells>> {
        Ok(if self.blocks.is_empty() { None } else { Some(self.blocks.remove(0)) })
    }
}

fn open(blocks: &[Cells]) -> Result<Box<Blocks>> {
    let header = Header {
        genes: Genes::from_ids(StringArray::from(Vec::<&str>::new())),
        cells: None,
        nonzeros: None,
        obs: Arc::new(Schema::empty()),
        layer: "X".to_owned(),
        kind: ValueKind::Counts,
        format: "memory",
    };
    Ok(Box::new(Blocks { header, blocks: blocks.to_vec() }))
}

fn options(variable: Option<Variable>) -> Options {
    Options { variable, ..Options::of(Path::FineTune) }
}

fn panel(options: &Options, blocks: &[Cells]) -> Result<Panel> {
    survey(scgpt(None, options.clone()).slots(), options, || open(blocks))
}

/// 40 cells of 60 genes whose counts hardly vary, but that of gene 7 does in the first batch, and that of gene 20 in both.
fn rows() -> Vec<Vec<(u32, i32)>> {
    let count = |cell: i32, gene: i32| match gene {
        7 if cell < 20 => 60 * i32::from(cell % 4 == 0),
        20 => 90 * i32::from(cell % 4 == 1),
        _ => gene + 1 + (cell * 7 + gene * 3) % 3,
    };
    let row = |cell| (0..60).map(|gene| (gene as u32, count(cell, gene))).filter(|entry| entry.1 > 0).collect();
    (0..40).map(row).collect()
}

fn with_batches(block: Cells) -> Cells {
    let names: DictionaryArray<Int32Type> =
        (0..block.len()).map(|cell| Some(if cell < 20 { "a" } else { "b" })).collect();
    let obs = RecordBatch::try_from_iter([("donor", Arc::new(names) as ArrayRef)]).unwrap();
    Cells { obs, ..block }
}

#[test]
fn genes_with_too_few_molecules_are_left_out() {
    let blocks = [cells(&[vec![(0, 1), (1, 2), (2, 3)]]), cells(&[vec![(0, 1), (1, 1)]])];
    let panel = panel(&options(None), &blocks).unwrap();
    assert_eq!(panel.slots().collect::<Vec<_>>(), [1, 2]);
    assert!(!panel.counts(0));
}

#[test]
fn cells_that_were_rejected_do_not_count() {
    let mut block = cells(&[vec![(1, 3)], vec![(2, 3)]]);
    block.rejected = vec![(1, "negative".to_owned())];
    assert_eq!(panel(&options(None), &[block]).unwrap().slots().collect::<Vec<_>>(), [1]);
}

#[test]
fn variable_genes_are_found_in_blocks() {
    let rows = rows();
    let blocks = [cells(&rows[..13]), cells(&rows[13..])];
    for flavor in [Flavor::SeuratV3, Flavor::CellRanger] {
        let options = options(Some(Variable { genes: 2, flavor, batch: None }));
        let panel = panel(&options, &blocks).unwrap();
        assert_eq!((panel.slots().collect::<Vec<_>>(), panel.counts(0)), (vec![7, 20], true), "{flavor}");
    }
}

#[test]
fn gene_that_varies_in_all_batches_comes_first() {
    for flavor in [Flavor::SeuratV3, Flavor::CellRanger] {
        let options = options(Some(Variable { genes: 1, flavor, batch: Some("donor".to_owned()) }));
        let panel = panel(&options, &[with_batches(cells(&rows()))]).unwrap();
        assert_eq!(panel.slots().collect::<Vec<_>>(), [20], "{flavor}");
    }
}

#[test]
fn batch_column_that_is_missing_lists_what_is_near() {
    let options = options(Some(Variable { genes: 1, flavor: Flavor::SeuratV3, batch: Some("doner".to_owned()) }));
    let message = panel(&options, &[with_batches(cells(&rows()))]).unwrap_err().to_string();
    assert_eq!(message, "there is no obs column `doner`; nearest: `donor`");
}
