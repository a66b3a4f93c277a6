//! The kernel itself, written once for f32 and bf16: scores of a block of keys, their softening, the mix of the values.

#![expect(unsafe_code, reason = "SIMD loads and stores through pointers")]

use super::{Head, KEY_BLOCK, KEY_TILE, LANES, ROW_TILE, arithmetic};

// The same kernel twice: the two differ in the features that must be on, and in their arithmetic.
macro_rules! kernel {
    ($name:ident, $features:literal, $per_word:literal) => {
        pub(super) mod $name {
            use std::arch::x86_64::*;

            use super::arithmetic::{
                exp,
                $name::{multiply_add, store_weights},
            };
            use super::{Head, KEY_BLOCK, KEY_TILE, LANES, ROW_TILE};

            #[target_feature(enable = $features)]
            pub(in super::super) fn attend(head: &mut Head, queries: usize) {
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

kernel!(single, "avx512f", 1);
kernel!(brain, "avx512f,avx512bf16", 2);
