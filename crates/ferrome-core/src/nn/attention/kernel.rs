//! Attention of one head of one sequence with AVX-512: blocks of keys, running maximum and sum (online softmax,
//! arXiv:1805.02867), eight queries at a time. f32 multiplies by FMA, bf16 by `vdpbf16ps` with f32 sums.
//!
//! Floor, in vector instructions for eight queries and sixteen keys at head width `k`: `8 k` (f32) or `4 k` (bf16) for
//! the scores, the same for the mix with `k` rounded up to 16, and about 160 for the exponentials.

#![expect(unsafe_code, reason = "SIMD loads and stores through pointers, and calls behind a feature test")]

use tch::Kind;

/// Queries that are worked on together.
pub(super) const ROW_TILE: usize = 8;
/// Keys in one register tile of scores.
pub(super) const KEY_TILE: usize = 32;
/// Keys in one block of the online softmax: its scores (8 x 512 f32) stay in the first-level cache.
const KEY_BLOCK: usize = 512;
const LANES: usize = 16;
const WIDEST: usize = 128;

/// One head of one sequence in the kernel's layout; words are f32 bits or bf16 pairs.
#[derive(Debug)]
pub(super) struct Head {
    /// `[row tile][word][ROW_TILE]`.
    pub(super) queries: Vec<u32>,
    /// `[key tile][word][KEY_TILE]`.
    pub(super) keys: Vec<u32>,
    /// `[key / per word][columns]`.
    pub(super) values: Vec<u32>,
    /// What was mixed: `[query][width]`.
    pub(super) output: Vec<f32>,
    /// Words per query or key.
    pub(super) words: usize,
    /// Head width rounded up to whole registers.
    pub(super) columns: usize,
    /// Head width.
    pub(super) width: usize,
    per_word: usize,
    scores: Vec<f32>,
    mixed: Vec<f32>,
}

impl Head {
    pub(super) fn new(width: usize, per_word: usize) -> Self {
        let columns = width.next_multiple_of(LANES);
        Self {
            queries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            output: Vec::new(),
            words: width.div_ceil(per_word),
            columns,
            width,
            per_word,
            scores: vec![0.0; ROW_TILE * KEY_BLOCK],
            mixed: vec![0.0; ROW_TILE * columns],
        }
    }

    /// Makes room for a sequence of `length`, all zero.
    pub(super) fn clear(&mut self, length: usize) {
        for (words, len) in [
            (&mut self.queries, length.next_multiple_of(ROW_TILE) * self.words),
            (&mut self.keys, length.next_multiple_of(KEY_TILE) * self.words),
            (&mut self.values, length.div_ceil(self.per_word) * self.columns),
        ] {
            words.clear();
            words.resize(len, 0);
        }
        self.output.resize(length * self.width, 0.0);
    }
}

/// Whether this processor runs the kernel for `kind` and head width `k`.
pub(super) fn supports(kind: Kind, head_width: i64) -> bool {
    let fits = head_width % 2 == 0 && (2..=WIDEST as i64).contains(&head_width);
    fits && match kind {
        Kind::Float => instructions::f32(),
        Kind::BFloat16 => instructions::bf16(),
        _ => false,
    }
}

/// Fills `head.output` for so many queries and as many keys. Call only where [`supports`] said yes to f32.
pub(super) fn attend_f32(head: &mut Head, queries: usize) {
    #[cfg(target_arch = "x86_64")]
    if instructions::f32() {
        // SAFETY: the processor has AVX-512F.
        unsafe { single::attend(head, queries) }
    }
}

/// As [`attend_f32`], for bf16.
pub(super) fn attend_bf16(head: &mut Head, queries: usize) {
    #[cfg(target_arch = "x86_64")]
    if instructions::bf16() {
        // SAFETY: the processor has AVX-512F and AVX-512 BF16.
        unsafe { brain::attend(head, queries) }
    }
}

/// Runs `work` compiled for AVX-512 where the processor has it; call with a closure whose callees are `inline(always)`.
pub(super) fn with_wide_registers(work: impl FnOnce()) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
        fn wide(work: impl FnOnce()) {
            work();
        }
        if is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
        {
            // SAFETY: the processor has these instruction sets.
            return unsafe { wide(work) };
        }
    }
    work();
}

#[cfg(target_arch = "x86_64")]
mod instructions {
    pub(super) fn f32() -> bool {
        is_x86_feature_detected!("avx512f")
    }
    pub(super) fn bf16() -> bool {
        f32() && is_x86_feature_detected!("avx512bf16")
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod instructions {
    pub(super) fn f32() -> bool {
        false
    }
    pub(super) fn bf16() -> bool {
        false
    }
}

// The same kernel twice: the two differ in the features that must be on, in the multiply-add, and in how weights are
// stored for the mix.
#[cfg(target_arch = "x86_64")]
macro_rules! kernel {
    ($name:ident, $features:literal, $per_word:literal, $multiply_add:item, $store_weights:item) => {
        mod $name {
            use std::arch::x86_64::*;

            use super::{Head, KEY_BLOCK, KEY_TILE, LANES, ROW_TILE, exp};

            $multiply_add
            $store_weights

            #[target_feature(enable = $features)]
            pub(super) fn attend(head: &mut Head, queries: usize) {
                for first in (0..queries).step_by(ROW_TILE) {
                    let rows = ROW_TILE.min(queries - first);
                    row_tile(head, first, queries);
                    let mixed = head.mixed.chunks_exact(head.columns).take(rows);
                    for (row, values) in head.output.chunks_exact_mut(head.width).skip(first).zip(mixed) {
                        row.copy_from_slice(values.get(..head.width).unwrap_or_default());
                    }
                }
            }

            #[target_feature(enable = $features)]
            fn row_tile(head: &mut Head, first: usize, keys: usize) {
                head.mixed.fill(0.0);
                let mut maxima = [f32::NEG_INFINITY; ROW_TILE];
                let mut sums = [0.0f32; ROW_TILE];
                for block in (0..keys).step_by(KEY_BLOCK) {
                    let count = KEY_BLOCK.min(keys - block);
                    for tile in (0..count).step_by(KEY_TILE) {
                        score_tile(head, first, block + tile, tile);
                    }
                    soften(head, count, &mut maxima, &mut sums);
                    mix(head, block, count);
                }
                for (row, sum) in head.mixed.chunks_exact_mut(head.columns).zip(sums) {
                    let scale = sum.recip();
                    row.iter_mut().for_each(|value| *value *= scale);
                }
            }

            // scores[8][32 at `place`] = queries[8 x k] . keys[32 x k]
            #[target_feature(enable = $features)]
            fn score_tile(head: &mut Head, query: usize, key: usize, place: usize) {
                let words = head.words;
                debug_assert!((query + ROW_TILE) * words <= head.queries.len());
                debug_assert!((key + KEY_TILE) * words <= head.keys.len() && place + KEY_TILE <= KEY_BLOCK);
                let mut sums = [[_mm512_setzero_ps(); 2]; ROW_TILE];
                // SAFETY: `Head::clear` sized both buffers to whole tiles, and the scores hold ROW_TILE x KEY_BLOCK.
                unsafe {
                    let mut q = head.queries.as_ptr().add(query * words);
                    let mut k = head.keys.as_ptr().add(key * words);
                    for _ in 0..words {
                        let left = _mm512_loadu_si512(k.cast());
                        let right = _mm512_loadu_si512(k.add(LANES).cast());
                        for (row, sum) in sums.iter_mut().enumerate() {
                            let one = _mm512_set1_epi32(q.add(row).read().cast_signed());
                            sum[0] = multiply_add(sum[0], one, left);
                            sum[1] = multiply_add(sum[1], one, right);
                        }
                        q = q.add(ROW_TILE);
                        k = k.add(KEY_TILE);
                    }
                    let scores = head.scores.as_mut_ptr().add(place);
                    for (row, sum) in sums.iter().enumerate() {
                        _mm512_storeu_ps(scores.add(row * KEY_BLOCK), sum[0]);
                        _mm512_storeu_ps(scores.add(row * KEY_BLOCK + LANES), sum[1]);
                    }
                }
            }

            // Scores become weights exp(s - max); what was mixed before is brought to the new maximum.
            #[target_feature(enable = $features)]
            fn soften(head: &mut Head, count: usize, maxima: &mut [f32; ROW_TILE], sums: &mut [f32; ROW_TILE]) {
                let whole = count.next_multiple_of(LANES);
                let columns = head.columns;
                let rows = head.scores.chunks_exact_mut(KEY_BLOCK).zip(head.mixed.chunks_exact_mut(columns));
                for ((scores, mixed), (maximum, sum)) in rows.zip(maxima.iter_mut().zip(sums.iter_mut())) {
                    scores.iter_mut().take(whole).skip(count).for_each(|score| *score = f32::NEG_INFINITY);
                    // SAFETY: `whole` is a multiple of LANES, at most KEY_BLOCK, the length of `scores`.
                    unsafe {
                        let pointer = scores.as_mut_ptr();
                        let mut highest = _mm512_set1_ps(*maximum);
                        for at in (0..whole).step_by(LANES) {
                            highest = _mm512_max_ps(highest, _mm512_loadu_ps(pointer.add(at)));
                        }
                        let top = _mm512_reduce_max_ps(highest);
                        let shift = _mm512_set1_ps(top);
                        let mut total = _mm512_setzero_ps();
                        for at in (0..whole).step_by(LANES) {
                            let weight = exp(_mm512_sub_ps(_mm512_loadu_ps(pointer.add(at)), shift));
                            total = _mm512_add_ps(total, weight);
                            store_weights(pointer, at, weight);
                        }
                        let fade = (*maximum - top).exp();
                        if fade < 1.0 {
                            mixed.iter_mut().for_each(|value| *value *= fade);
                        }
                        *sum = *sum * fade + _mm512_reduce_add_ps(total);
                        *maximum = top;
                    }
                }
            }

            // mixed[8][columns] += weights[8][count] . values[count][columns]
            #[target_feature(enable = $features)]
            fn mix(head: &mut Head, block: usize, count: usize) {
                let mut column = 0;
                while column < head.columns {
                    let registers = ((head.columns - column) / LANES).min(2);
                    match registers {
                        2 => mix_columns::<2>(head, block, count, column),
                        _ => mix_columns::<1>(head, block, count, column),
                    }
                    column += registers * LANES;
                }
            }

            #[target_feature(enable = $features)]
            fn mix_columns<const N: usize>(head: &mut Head, block: usize, count: usize, column: usize) {
                let columns = head.columns;
                let words = count.div_ceil($per_word);
                debug_assert!((block / $per_word + words) * columns <= head.values.len());
                // SAFETY: the value rows of this block and ROW_TILE x `columns` mixed values were sized by `Head`;
                // `column + N * LANES <= columns`. An odd last key shares its word with a zero weight and value.
                unsafe {
                    let weights = head.scores.as_ptr().cast::<u32>();
                    let mixed = head.mixed.as_mut_ptr().add(column);
                    let mut sums = [[_mm512_setzero_ps(); N]; ROW_TILE];
                    for (row, sum) in sums.iter_mut().enumerate() {
                        for (n, register) in sum.iter_mut().enumerate() {
                            *register = _mm512_loadu_ps(mixed.add(row * columns + n * LANES));
                        }
                    }
                    let mut value = head.values.as_ptr().add(block / $per_word * columns + column);
                    for word in 0..words {
                        let mut loaded = [_mm512_setzero_si512(); N];
                        for (n, register) in loaded.iter_mut().enumerate() {
                            *register = _mm512_loadu_si512(value.add(n * LANES).cast());
                        }
                        for (row, sum) in sums.iter_mut().enumerate() {
                            let one = _mm512_set1_epi32(weights.add(row * KEY_BLOCK + word).read().cast_signed());
                            for (register, values) in sum.iter_mut().zip(loaded) {
                                *register = multiply_add(*register, one, values);
                            }
                        }
                        value = value.add(columns);
                    }
                    for (row, sum) in sums.iter().enumerate() {
                        for (n, register) in sum.iter().enumerate() {
                            _mm512_storeu_ps(mixed.add(row * columns + n * LANES), *register);
                        }
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernel!(
    single,
    "avx512f",
    1,
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn multiply_add(sum: __m512, one: __m512i, many: __m512i) -> __m512 {
        _mm512_fmadd_ps(_mm512_castsi512_ps(one), _mm512_castsi512_ps(many), sum)
    },
    /// In place.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn store_weights(scores: *mut f32, at: usize, weight: __m512) {
        // SAFETY: the caller owns `at..at + 16`.
        unsafe { _mm512_storeu_ps(scores.add(at), weight) }
    }
);

#[cfg(target_arch = "x86_64")]
kernel!(
    brain,
    "avx512f,avx512bf16",
    2,
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn multiply_add(sum: __m512, one: __m512i, many: __m512i) -> __m512 {
        // SAFETY: all three types are 64 bytes of plain bits.
        unsafe {
            _mm512_dpbf16_ps(
                sum,
                std::mem::transmute::<__m512i, __m512bh>(one),
                std::mem::transmute::<__m512i, __m512bh>(many),
            )
        }
    },
    /// As bf16 over the first half of the row: what is overwritten was read before.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn store_weights(scores: *mut f32, at: usize, weight: __m512) {
        // SAFETY: 16 bf16 take the bytes `2 * at..2 * at + 32` of a row whose f32 up to `at + 16` were read; both
        // register types are 32 bytes of plain bits.
        unsafe {
            let halves = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(weight));
            _mm256_storeu_si256(scores.cast::<u16>().add(at).cast(), halves);
        }
    }
);

/// `e^x` for `x <= 0`, to two units in the last place; `-inf` gives 0.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn exp(x: std::arch::x86_64::__m512) -> std::arch::x86_64::__m512 {
    use std::arch::x86_64::*;
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
