//! The arithmetic of the kernel: the exponential, and how f32 and bf16 multiply and how they store weights.

#![expect(unsafe_code, reason = "SIMD stores through pointers, and registers taken for others of the same size")]

use std::arch::x86_64::*;

/// `e^x` for `x <= 0`, to two units in the last place; `-inf` gives 0.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn exp(x: __m512) -> __m512 {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let x = _mm512_max_ps(x, _mm512_set1_ps(-104.0)); // e^-104 is below the smallest f32: scalef gives 0
    let n = _mm512_roundscale_ps::<NEAREST>(_mm512_mul_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E)));
    // ln 2 in two parts, so that the remainder keeps all its bits.
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(355.0 / 512.0), x);
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.121_944_4e-4), r);
    // Taylor coefficients 1/6! … 1/0!; |r| <= ln 2 / 2.
    let mut p = _mm512_set1_ps(1.0 / 720.0);
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
    }
    _mm512_scalef_ps(p, n)
}

/// f32: a word is one number.
pub(super) mod single {
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in super::super) fn multiply_add(sum: __m512, one: __m512i, many: __m512i) -> __m512 {
        _mm512_fmadd_ps(_mm512_castsi512_ps(one), _mm512_castsi512_ps(many), sum)
    }

    /// In place.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in super::super) unsafe fn store_weights(scores: *mut f32, at: usize, weight: __m512) {
        // SAFETY: the caller owns `at..at + 16`.
        unsafe { _mm512_storeu_ps(scores.add(at), weight) }
    }
}

/// bf16: a word is two numbers, sums are f32.
pub(super) mod brain {
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(in super::super) fn multiply_add(sum: __m512, one: __m512i, many: __m512i) -> __m512 {
        // SAFETY: all three types are 64 bytes of plain bits.
        unsafe {
            _mm512_dpbf16_ps(
                sum,
                std::mem::transmute::<__m512i, __m512bh>(one),
                std::mem::transmute::<__m512i, __m512bh>(many),
            )
        }
    }

    /// As bf16 over the first half of the row: what is overwritten was read before.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(in super::super) unsafe fn store_weights(scores: *mut f32, at: usize, weight: __m512) {
        // SAFETY: 16 bf16 take the bytes `2 * at..2 * at + 32` of a row whose f32 up to `at + 16` were read; both
        // register types are 32 bytes of plain bits.
        unsafe {
            let halves = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(weight));
            _mm256_storeu_si256(scores.cast::<u16>().add(at).cast(), halves);
        }
    }
}
