use tch::{Device, Kind, Tensor};

use crate::Result;

/// The smallest graph of a bucket has at least this share of the nodes of its largest.
const FULLNESS: f64 = 0.8;

/// Graphs of similar size side by side, for what needs all pairs of nodes of a graph: each bucket is `[g, T]` nodes, `T`
/// those of its largest graph. No graph is too large, and what padding there is changes no result.
#[derive(Debug)]
pub struct Buckets {
    /// From the largest graphs to the smallest.
    pub buckets: Vec<Bucket>,
    /// `[n]` (i64): the place of every node in the buckets laid one after another.
    pub places: Tensor,
}

/// Graphs of similar size.
#[derive(Debug)]
pub struct Bucket {
    /// Graphs `g`.
    pub graphs: i64,
    /// Nodes `T` of the largest.
    pub longest: i64,
    /// `[g * T]` (i64): the node at each place; padding repeats a node of the graph.
    pub nodes: Tensor,
    /// `[g, 1, 1, T]` (bool): where padding stands; none where all graphs have `T` nodes.
    pub padding: Option<Tensor>,
}

impl Buckets {
    /// Sorts graphs into buckets by their numbers of nodes.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn new(sizes: &[i64], device: Device) -> Result<Self> {
        let starts: Vec<i64> = sizes.iter().scan(0, |end, &size| Some(std::mem::replace(end, *end + size))).collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|&graph| std::cmp::Reverse(sizes[graph]));
        let mut places = vec![0; sizes.iter().sum::<i64>() as usize];
        let (mut buckets, mut rest, mut end) = (Vec::new(), order.as_slice(), 0);
        while let Some(&first) = rest.first() {
            let longest = sizes[first];
            let fits = rest.iter().take_while(|&&graph| sizes[graph] as f64 >= FULLNESS * longest as f64).count();
            let (chosen, after) = rest.split_at(fits);
            let mut nodes = Vec::with_capacity(chosen.len() * longest as usize);
            for &graph in chosen {
                for place in 0..longest {
                    nodes.push(starts[graph] + place.min(sizes[graph] - 1));
                    if place < sizes[graph] {
                        places[(starts[graph] + place) as usize] = end;
                    }
                    end += 1;
                }
            }
            let chosen: Vec<i64> = chosen.iter().map(|&graph| sizes[graph]).collect();
            buckets.push(Bucket::new(&chosen, longest, &nodes, device)?);
            rest = after;
        }
        Ok(Self { buckets, places: Tensor::f_from_slice(&places)?.f_to_device(device)? })
    }
}

impl Bucket {
    fn new(sizes: &[i64], longest: i64, nodes: &[i64], device: Device) -> Result<Self> {
        let graphs = sizes.len() as i64;
        let padding: Vec<bool> = sizes.iter().flat_map(|&size| (0..longest).map(move |place| place >= size)).collect();
        let padding = if padding.contains(&true) {
            Some(Tensor::f_from_slice(&padding)?.f_view([graphs, 1, 1, longest])?.f_to_device(device)?)
        } else {
            None
        };
        Ok(Self { graphs, longest, nodes: Tensor::f_from_slice(nodes)?.f_to_device(device)?, padding })
    }

    /// `[g, T, T]` (f64): how many edges lead from each node to each other one, for edges between places `from` and `to`
    /// of this bucket (`[e]` each, i64, counted from the bucket's start).
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub(crate) fn adjacency(&self, from: &Tensor, to: &Tensor) -> Result<Tensor> {
        let (g, t) = (self.graphs, self.longest);
        let places = from.f_mul_scalar(t)?.f_add(&to.f_remainder(t)?)?; // (graph * T + row) * T + column
        let ones = Tensor::f_ones_like(&places)?.f_to_kind(Kind::Double)?;
        let flat = Tensor::f_zeros([g * t * t], (Kind::Double, places.device()))?.f_index_add(0, &places, &ones)?;
        Ok(flat.f_view([g, t, t])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_one_place_and_little_is_padded() {
        let sizes = [3, 40, 1, 38, 500, 40, 2, 1];
        let buckets = Buckets::new(&sizes, Device::Cpu).unwrap();
        let all: Vec<i64> = buckets.buckets.iter().flat_map(|b| Vec::<i64>::try_from(&b.nodes).unwrap()).collect();
        let places = Vec::<i64>::try_from(&buckets.places).unwrap();
        assert_eq!(places.len(), 625);
        assert!(places.iter().enumerate().all(|(node, &place)| all[place as usize] == node as i64));
        assert!(all.len() as f64 * FULLNESS <= 625.0, "{}", all.len());
        let padded: Vec<bool> = buckets.buckets.iter().map(|bucket| bucket.padding.is_some()).collect();
        assert_eq!(padded, [false, true, false, false, false]);
    }

    #[test]
    fn no_graph_no_bucket() {
        let buckets = Buckets::new(&[], Device::Cpu).unwrap();
        assert_eq!((buckets.buckets.len(), buckets.places.numel()), (0, 0));
    }
}
