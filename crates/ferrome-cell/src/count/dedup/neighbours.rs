//! UMIs that differ in one base.

use crate::count::umi::{is_one_apart, is_packed, one_apart};

/// Above this number, looking for the 36 neighbours of a UMI of 12 bases is faster than comparing it with all.
const FEW: usize = 400;

/// Calls `found` with the place of every UMI that differs from the one at `place` in one base.
///
/// `umis` ascend and are distinct; those that are not packed have no neighbours here.
#[inline]
pub(super) fn each(umis: &[u64], place: usize, mut found: impl FnMut(usize)) {
    let umi = umis[place];
    if !is_packed(umi) {
        return;
    }
    if umis.len() <= FEW {
        for (other, _) in umis.iter().enumerate().filter(|(_, other)| is_one_apart(umi, **other)) {
            found(other);
        }
    } else {
        for neighbour in one_apart(umi) {
            if let Ok(other) = umis.binary_search(&neighbour) {
                found(other);
            }
        }
    }
}
