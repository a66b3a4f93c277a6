use chematic::fp::BitVec2048;

/// The on-bits of a fingerprint, ascending.
pub(super) fn on(bits: &BitVec2048) -> Vec<u16> {
    let mut on = Vec::with_capacity(64);
    for (first, byte) in (0_u16..).step_by(8).zip(bits.to_le_bytes()) {
        let mut left = byte;
        while left != 0 {
            on.push(first + left.trailing_zeros() as u16);
            left &= left - 1;
        }
    }
    on
}
