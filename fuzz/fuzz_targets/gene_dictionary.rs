//! Any bytes as a dictionary of genes, and as one that holds NumPy's numbers: read or refused in one line, never a panic.

#![no_main]

use ferrome_cell::vocabulary::dictionary::{Scalar, entries};
use libfuzzer_sys::fuzz_target;

/// The start of `{"ENSG00000000003": np.int16(…)}` in protocol 4, up to the bytes of the number.
const NUMPY: &[u8] = b"\x80\x04}(\x8c\x0fENSG00000000003\x8c\x15numpy.core.multiarray\x94\x8c\x06scalar\x94\x93\x94\
    \x8c\x05numpy\x94\x8c\x05dtype\x94\x93\x94\x8c\x02i2\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01<\x94NNNJ\xff\xff\xff\xff\
    J\xff\xff\xff\xffK\0t\x94b";

fuzz_target!(|data: &[u8]| {
    read(data);
    read(&[NUMPY, data].concat());
});

fn read(bytes: &[u8]) {
    match entries(bytes) {
        Ok(entries) => {
            // Memory stays proportional to the bytes.
            let size = |(name, value): &(String, Scalar)| match value {
                Scalar::Text(text) => name.len() + text.len(),
                Scalar::Int(_) | Scalar::Float(_) => name.len(),
            };
            assert!(entries.iter().map(size).sum::<usize>() <= 128 * bytes.len() + (1 << 20));
        }
        Err(reason) => assert!(!reason.contains('\n'), "{reason:?}"),
    }
}
