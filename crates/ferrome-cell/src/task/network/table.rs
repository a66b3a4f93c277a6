//! What is written: edges and modules.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array};
use ferrome_core::journal::RunDescription;
use ferrome_core::table::write_table;

use super::{Edge, Network, Panel, Ranks};
use crate::Result;

/// Writes `edges` (`condition`, `source`, `target`, `weight`, `rank`, `control_rank`, `cells`) and `modules` (`condition`, `gene`,
/// `module`, `genes`: the size of the module) into `folder`, with the suffix `suffix`: `parquet`, `arrow` or `csv`.
///
/// # Errors
///
/// A file cannot be written.
pub fn write(
    networks: &[Network],
    panel: &Panel,
    folder: &Path,
    suffix: &str,
    description: &RunDescription,
) -> Result<()> {
    write_table(&edges(networks, panel)?, &folder.join(format!("edges.{suffix}")), description)?;
    Ok(write_table(&modules(networks, panel)?, &folder.join(format!("modules.{suffix}")), description)?)
}

fn edges(networks: &[Network], panel: &Panel) -> Result<RecordBatch> {
    let all = || networks.iter().flat_map(|network| network.edges.iter().map(move |edge| (network, edge)));
    let gene = |place: u32| panel.ids().get(place as usize).map(String::as_str);
    let ranks = |read: fn(Ranks) -> Option<f64>| {
        let column: Float64Array = all().map(|(_, edge)| edge.attention.and_then(read)).collect();
        Arc::new(column) as ArrayRef
    };
    let text = |read: &dyn Fn(&Edge) -> u32| {
        let column: StringArray = all().map(|(_, edge)| gene(read(edge))).collect();
        Arc::new(column) as ArrayRef
    };
    let condition: StringArray = all().map(|(network, _)| network.condition.as_deref()).collect();
    let weight: Float64Array = all().map(|(_, edge)| Some(edge.weight)).collect();
    let cells: UInt32Array = all().map(|(_, edge)| Some(edge.attention?.cells)).collect();
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("condition", Arc::new(condition) as ArrayRef, true),
        ("source", text(&|edge| edge.source), false),
        ("target", text(&|edge| edge.target), false),
        ("weight", Arc::new(weight), false),
        ("rank", ranks(|ranks| Some(ranks.condition)), true),
        ("control_rank", ranks(|ranks| ranks.control), true),
        ("cells", Arc::new(cells), true),
    ])?)
}

fn modules(networks: &[Network], panel: &Panel) -> Result<RecordBatch> {
    let (mut condition, mut gene, mut module, mut genes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for network in networks {
        let mut sizes = vec![0_u32; network.count()];
        network.modules.iter().flatten().for_each(|&module| sizes[module as usize] += 1);
        let mut members: Vec<(u32, &String)> =
            network.modules.iter().zip(panel.ids()).filter_map(|(module, id)| Some(((*module)?, id))).collect();
        members.sort_by_key(|&(module, _)| module);
        for (number, id) in members {
            condition.push(network.condition.as_deref());
            gene.push(id.as_str());
            module.push(number);
            genes.push(sizes[number as usize]);
        }
    }
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("condition", Arc::new(StringArray::from(condition)) as ArrayRef, true),
        ("gene", Arc::new(StringArray::from(gene)), false),
        ("module", Arc::new(UInt32Array::from(module)), false),
        ("genes", Arc::new(UInt32Array::from(genes)), false),
    ])?)
}
