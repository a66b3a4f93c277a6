//! The chunks of a dataset, by their place in it.

use hdf5_metno::Dataset;

use super::filter::{Chunk, Pipeline};

/// More chunks than this are the work of a damaged file.
const MOST: u64 = 1 << 28;

/// All chunks of a dataset of one or two dimensions.
#[derive(Debug)]
pub(super) struct Grid {
    /// The extents of one chunk.
    pub(super) chunk: Vec<u64>,
    /// The number of chunks along each axis.
    counts: Vec<u64>,
    table: Vec<Chunk>,
    pub(super) pipeline: Pipeline,
    /// Bytes of a chunk, once decompressed.
    pub(super) bytes: usize,
}

impl Grid {
    /// The chunks of `dataset`; `None` if it has to be read by the library.
    pub(super) fn of(dataset: &Dataset, shape: &[u64], width: usize) -> Option<Self> {
        let pipeline = Pipeline::of(&dataset.filters(), width)?;
        let chunk: Vec<u64> = dataset.chunk()?.into_iter().map(|extent| extent as u64).collect();
        if chunk.len() != shape.len() || chunk.contains(&0) {
            return None;
        }
        let bytes = chunk.iter().try_fold(width as u64, |product, &extent| product.checked_mul(extent))?;
        let counts: Vec<u64> = shape.iter().zip(&chunk).map(|(extent, chunk)| extent.div_ceil(*chunk)).collect();
        let total = counts.iter().try_fold(1u64, |product, &count| product.checked_mul(count))?;
        if total > MOST || total != dataset.num_chunks()? as u64 {
            return None;
        }
        let table = table(dataset, &chunk, &counts, total)?;
        Some(Self { chunk, counts, table, pipeline, bytes: usize::try_from(bytes).ok()? })
    }

    /// The chunk at `place`, counted in chunks along each axis.
    pub(super) fn at(&self, place: &[u64]) -> Option<(usize, Chunk)> {
        let index = place
            .iter()
            .zip(&self.counts)
            .try_fold(0u64, |index, (&place, &count)| (place < count).then(|| index * count + place))?;
        let index = usize::try_from(index).ok()?;
        self.table.get(index).map(|chunk| (index, *chunk))
    }
}

/// Where each chunk lies; `None` if one is missing (its values are then the fill value, which the library knows).
fn table(dataset: &Dataset, chunk: &[u64], counts: &[u64], total: u64) -> Option<Vec<Chunk>> {
    let mut table = vec![None; usize::try_from(total).ok()?];
    let visited = dataset.chunks_visit(|info| {
        let place = info.offset.iter().zip(chunk).zip(counts).try_fold(0u64, |index, ((offset, chunk), count)| {
            let place = offset / chunk;
            (place < *count).then(|| index * count + place)
        });
        let slot = place.and_then(|place| table.get_mut(place as usize));
        if let Some(slot) = slot {
            *slot = Some(Chunk { address: info.addr, size: info.size as usize, mask: info.filter_mask });
        }
        0
    });
    visited.ok()?;
    table.into_iter().collect()
}
