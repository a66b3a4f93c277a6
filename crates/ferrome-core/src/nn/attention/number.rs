//! The numbers that the kernel takes: f32, one in a word, and bf16, two in a word.

use half::bf16;

use super::kernel::{self, Head};
use crate::ffi::Element;

/// A number that the kernel can be fed with.
pub(super) trait Number: Element + Send + Sync {
    /// How many numbers of this kind one 32-bit word holds.
    const PER_WORD: usize;
    fn widen(self) -> f32;
    fn narrow(value: f32) -> Self;
    /// The word of one or two neighbours.
    fn word(first: f32, second: f32) -> u32;
    /// The words of a row of numbers, as they are.
    fn words(row: &[Self], words: &mut [u32]);
    /// The words of the columns of two rows where two numbers share one, of the first row otherwise.
    fn columns(first: &[Self], second: &[Self], words: &mut [u32]);
    fn attend(head: &mut Head, queries: usize);
}

impl Number for f32 {
    const PER_WORD: usize = 1;
    #[inline]
    fn widen(self) -> f32 {
        self
    }
    #[inline]
    fn narrow(value: f32) -> Self {
        value
    }
    #[inline]
    fn word(first: f32, _: f32) -> u32 {
        first.to_bits()
    }
    #[inline(always)]
    fn words(row: &[Self], words: &mut [u32]) {
        words.iter_mut().zip(row).for_each(|(word, number)| *word = number.to_bits());
    }
    #[inline(always)]
    fn columns(first: &[Self], _: &[Self], words: &mut [u32]) {
        Self::words(first, words);
    }
    fn attend(head: &mut Head, queries: usize) {
        kernel::attend_f32(head, queries);
    }
}

// The conversions of the crate `half` look at every number for NaN with a branch, which keeps them out of vectors.
impl Number for bf16 {
    const PER_WORD: usize = 2;
    #[inline]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    #[inline]
    fn narrow(value: f32) -> Self {
        bf16::from_bits((rounded(value) >> 16) as u16)
    }
    #[inline]
    fn word(first: f32, second: f32) -> u32 {
        rounded(first) >> 16 | rounded(second) & 0xffff_0000
    }
    #[inline(always)]
    fn words(row: &[Self], words: &mut [u32]) {
        for (word, [first, second]) in words.iter_mut().zip(row.as_chunks::<2>().0) {
            *word = pair(*first, *second);
        }
    }
    #[inline(always)]
    fn columns(first: &[Self], second: &[Self], words: &mut [u32]) {
        for (word, (first, second)) in words.iter_mut().zip(first.iter().zip(second)) {
            *word = pair(*first, *second);
        }
    }
    fn attend(head: &mut Head, queries: usize) {
        kernel::attend_bf16(head, queries);
    }
}

#[inline(always)]
fn pair(first: bf16, second: bf16) -> u32 {
    u32::from(first.to_bits()) | u32::from(second.to_bits()) << 16
}

// The nearest bf16, ties to even, in the upper half; NaN stays NaN.
#[inline]
fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    let up = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    if value.is_nan() { bits | 0x0040_0000 } else { up }
}
