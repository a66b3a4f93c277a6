//! Rows of words into columns, sixteen by sixteen in registers.

#![expect(unsafe_code, reason = "SIMD loads and stores through pointers")]

use std::arch::x86_64::*;

use super::{KEY_TILE, LANES};

/// `[KEY_TILE][stride] -> [word][KEY_TILE]` for the first `words` of each row; `stride` is a multiple of 16.
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(rows: &[u32], stride: usize, words: usize, tile: &mut [u32]) {
    assert!(words <= stride && stride.is_multiple_of(LANES));
    assert!(rows.len() >= KEY_TILE * stride && tile.len() >= words * KEY_TILE);
    for place in (0..KEY_TILE).step_by(LANES) {
        for word in (0..words).step_by(LANES) {
            let mut block = [_mm512_setzero_si512(); LANES];
            for (i, row) in block.iter_mut().enumerate() {
                // SAFETY: `word + 16 <= stride`, and there are KEY_TILE rows.
                *row = unsafe { _mm512_loadu_si512(rows.as_ptr().add((place + i) * stride + word).cast()) };
            }
            let columns = transposed(block);
            for (i, column) in columns.iter().enumerate().take(words - word) {
                // SAFETY: `place + 16 <= KEY_TILE`, and the tile has `words` rows.
                unsafe { _mm512_storeu_si512(tile.as_mut_ptr().add((word + i) * KEY_TILE + place).cast(), *column) };
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(mut r: [__m512i; LANES]) -> [__m512i; LANES] {
    let mut t = r;
    for i in (0..LANES).step_by(2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for i in (0..LANES).step_by(4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    // Now lane `l` of `r[4 i + c]` holds column `4 l + c` of the rows `4 i..4 i + 4`.
    for c in 0..4 {
        t[c] = _mm512_shuffle_i32x4::<0x88>(r[c], r[4 + c]);
        t[4 + c] = _mm512_shuffle_i32x4::<0x88>(r[8 + c], r[12 + c]);
        t[8 + c] = _mm512_shuffle_i32x4::<0xdd>(r[c], r[4 + c]);
        t[12 + c] = _mm512_shuffle_i32x4::<0xdd>(r[8 + c], r[12 + c]);
    }
    for c in 0..4 {
        r[c] = _mm512_shuffle_i32x4::<0x88>(t[c], t[4 + c]);
        r[4 + c] = _mm512_shuffle_i32x4::<0x88>(t[8 + c], t[12 + c]);
        r[8 + c] = _mm512_shuffle_i32x4::<0xdd>(t[c], t[4 + c]);
        r[12 + c] = _mm512_shuffle_i32x4::<0xdd>(t[8 + c], t[12 + c]);
    }
    r
}
