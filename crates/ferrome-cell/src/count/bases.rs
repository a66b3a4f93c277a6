//! Bases in two bits: `A` 0, `C` 1, `G` 2, `T` 3, the first base highest, so that numbers are ordered as texts are.

/// The longest text that fits.
pub(super) const LONGEST: usize = 31;

/// One in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The bases behind a leading one, which keeps the length; none where a letter is none of the four, or they are too many.
#[inline]
pub(super) fn pack(text: &[u8]) -> Option<u64> {
    if text.len() > LONGEST {
        return None;
    }
    let (chunks, rest) = text.as_chunks();
    let mut packed = 1;
    for chunk in chunks {
        packed = (packed << 16) | pack_eight(*chunk)?;
    }
    if rest.is_empty() {
        return Some(packed);
    }
    let mut last = [b'A'; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    Some((packed << (2 * rest.len())) | (pack_eight(last)? >> (2 * (8 - rest.len()))))
}

// All eight at once: bits 1 and 2 of the letters tell them apart.
#[inline]
fn pack_eight(letters: [u8; 8]) -> Option<u64> {
    let letters = u64::from_be_bytes(letters);
    let codes = (letters >> 1) & (3 * ONES);
    let codes = codes ^ ((codes >> 1) & ONES);
    let (low, high) = (codes & ONES, (codes >> 1) & ONES);
    let expected = u64::from(b'A') * ONES + 2 * codes + 2 * (high & !low) + 13 * (high & low);
    if letters != expected {
        return None;
    }
    let pairs = (codes | (codes >> 6)) & 0x000f_000f_000f_000f;
    let fours = (pairs | (pairs >> 12)) & 0x0000_00ff_0000_00ff;
    Some((fours | (fours >> 24)) & 0xffff)
}

/// The number of packed bases.
pub(super) fn length(packed: u64) -> u32 {
    (63 - packed.leading_zeros().min(63)) / 2
}

/// The text of packed bases.
pub(super) fn unpack(packed: u64) -> Vec<u8> {
    (0..length(packed)).rev().map(|base| b"ACGT"[((packed >> (2 * base)) & 3) as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_length_comes_back() {
        let text = b"ACGTTGCATTACCAGGTACAGATTTCCGAGTACG";
        for length in 0..=LONGEST {
            assert_eq!(unpack(pack(&text[..length]).unwrap()), &text[..length]);
        }
        assert_eq!(pack(&text[..32]), None);
    }

    #[test]
    fn other_letters_do_not_fit() {
        for letter in (0..=255).filter(|letter| !b"ACGT".contains(letter)) {
            for place in 0..11 {
                let mut text = *b"ACGTACGTACG";
                text[place] = letter;
                assert_eq!(pack(&text), None, "{letter} at {place}");
            }
        }
    }

    #[test]
    fn order_of_numbers_is_order_of_text() {
        let mut texts = ["ACGT", "AAAA", "TTTT", "CGTA", "CATG", "GGGG", "GTTT", "TGGG"];
        texts.sort_unstable();
        let packed = texts.map(|text| pack(text.as_bytes()));
        assert!(packed.is_sorted());
    }
}
