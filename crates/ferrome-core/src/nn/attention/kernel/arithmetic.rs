//! The arithmetic of the kernel: the exponential, and how f32 and bf16 multiply and how they store weights.

#![expect(unsafe_code, reason = "SIMD stores through pointers, and registers taken for others of the same size")]

use std::arch::x86_64::*;

/// `2^x` for finite `x <= 0`, by a polynomial over what is above the next lower whole number, highest power first; what is below
/// the smallest f32 gives 0.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn exp2<const N: usize>(x: __m512, polynomial: [f32; N]) -> __m512 {
    let r = _mm512_reduce_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(x); // x - floor(x), exact
    let [highest, rest @ ..] = polynomial.as_slice() else { return x };
    let p = rest.iter().fold(_mm512_set1_ps(*highest), |p, &c| _mm512_fmadd_ps(p, r, _mm512_set1_ps(c)));
    _mm512_scalef_ps(p, x) // p 2^floor(x)
}

/// f32: a word is one number.
pub(super) mod single {
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in super::super) fn multiply_add(sum: __m512, one: __m512i, many: __m512i) -> __m512 {
        _mm512_fmadd_ps(_mm512_castsi512_ps(one), _mm512_castsi512_ps(many), sum)
    }

    /// To two units in the last place: the polynomial of least relative error, 7e-9.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(in super::super) fn exp2(x: __m512) -> __m512 {
        const POLYNOMIAL: [f32; 7] =
            [2.170_255_5e-4, 1.243_968_8e-3, 9.678_841e-3, 5.548_334e-2, 0.240_229_83, 0.693_147_06, 1.0];
        super::exp2(x, POLYNOMIAL)
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

    /// To a relative 7.5e-5, a twenty-fifth of the rounding to bf16 that follows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(in super::super) fn exp2(x: __m512) -> __m512 {
        const POLYNOMIAL: [f32; 4] = [7.802_452e-2, 0.226_067_16, 0.695_833_56, 0.999_925_2];
        super::exp2(x, POLYNOMIAL)
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
