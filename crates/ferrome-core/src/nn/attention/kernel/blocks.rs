//! The kernel itself, written once for f32 and bf16: scores of a block of keys, their softening, the mix of the values.

#![expect(unsafe_code, reason = "SIMD loads and stores through pointers")]

use super::{Head, KEY_BLOCK, KEY_TILE, LANES, NOTHING, ROW, ROW_TILE, Register, Step, arithmetic};

// The same kernel twice: the two differ in the features that must be on, and in their arithmetic.
macro_rules! kernel {
    ($name:ident, $features:literal, $per_word:literal) => {
        pub(super) mod $name {
            use std::arch::x86_64::*;

            use super::arithmetic::single as precise;
            use super::arithmetic::$name::{exp2, multiply_add, store_weights};
            use super::{Head, KEY_BLOCK, KEY_TILE, LANES, NOTHING, ROW, ROW_TILE, Register, Step};

            #[target_feature(enable = $features)]
            pub(in super::super) fn attend(head: &mut Head, queries: usize) {
                for query in (0..queries).step_by(ROW_TILE) {
                    for block in (0..queries).step_by(KEY_BLOCK) {
                        let step = Step { query, block, count: KEY_BLOCK.min(queries - block) };
                        for tile in (0..step.count).step_by(KEY_TILE) {
                            score_tile(head, step, tile);
                        }
                        raise_shifts(head, step);
                        for row in 0..ROW_TILE {
                            soften(head, step, row);
                        }
                        mix(head, step);
                    }
                    let rows = head.mixed.chunks_exact(head.columns).zip(&head.sums.0);
                    for (row, (mixed, sum)) in head.output.chunks_exact_mut(head.width).skip(query).zip(rows) {
                        let scale = sum.recip();
                        row.iter_mut().zip(mixed).for_each(|(cell, value)| *cell = value * scale);
                    }
                }
            }

            // What the scores of a block are lowered by, and what that does to what was mixed before.
            #[target_feature(enable = $features)]
            fn raise_shifts(head: &mut Head, step: Step) {
                let mut highest = Register([NOTHING; LANES]);
                for (one, lanes) in highest.0.iter_mut().zip(&mut head.highest) {
                    // SAFETY: the highest scores of a query are as many f32 as a register holds.
                    *one = unsafe { _mm512_reduce_max_ps(_mm512_loadu_ps(lanes.0.as_ptr())) };
                    *lanes = Register([NOTHING; LANES]);
                }
                // SAFETY: all three are as many f32 as a register holds.
                unsafe {
                    let here = _mm512_mul_ps(_mm512_loadu_ps(highest.0.as_ptr()), _mm512_set1_ps(head.scale));
                    let before = _mm512_loadu_ps(head.shifts.0.as_ptr());
                    let shift = if step.block == 0 { here } else { _mm512_max_ps(before, here) };
                    _mm512_storeu_ps(head.shifts.0.as_mut_ptr(), shift);
                    let fade = precise::exp2(_mm512_min_ps(_mm512_sub_ps(before, shift), _mm512_setzero_ps()));
                    _mm512_storeu_ps(head.fades.0.as_mut_ptr(), fade);
                }
            }

            // scores[8][32 at `tile`] = queries[8 x k] . keys[32 x k]; keys beyond the last score nothing.
            #[target_feature(enable = $features)]
            fn score_tile(head: &mut Head, step: Step, tile: usize) {
                let (words, key) = (head.words, step.block + tile);
                debug_assert!((step.query + ROW_TILE) * words <= head.queries.len());
                debug_assert!((key + KEY_TILE) * words <= head.keys.len() && tile + KEY_TILE <= KEY_BLOCK);
                let mut sums = [[_mm512_setzero_ps(); 2]; ROW_TILE];
                // SAFETY: `Head::make_room` sized both buffers to whole tiles.
                unsafe {
                    let mut q = head.queries.as_ptr().add(step.query * words);
                    let mut k = head.keys.as_ptr().add(key * words);
                    for _ in 0..words {
                        let left = _mm512_loadu_si512(k.cast());
                        let right = _mm512_loadu_si512(k.add(LANES).cast());
                        for (row, sum) in sums.iter_mut().enumerate() {
                            let one = _mm512_set1_epi32(q.add(row * words).read().cast_signed());
                            sum[0] = multiply_add(sum[0], one, left);
                            sum[1] = multiply_add(sum[1], one, right);
                        }
                        q = q.add(1);
                        k = k.add(KEY_TILE);
                    }
                }
                if tile + KEY_TILE > step.count {
                    let present = u32::MAX >> (KEY_TILE - (step.count - tile));
                    for [left, right] in &mut sums {
                        let nothing = _mm512_set1_ps(NOTHING);
                        *left = _mm512_mask_mov_ps(nothing, present as u16, *left);
                        *right = _mm512_mask_mov_ps(nothing, (present >> LANES) as u16, *right);
                    }
                }
                let rows = head.scores.chunks_exact_mut(ROW).zip(&mut head.highest);
                for ([left, right], (scores, highest)) in sums.iter().zip(rows) {
                    // SAFETY: a row has more than `tile + KEY_TILE` scores; the highest are as many as a register holds.
                    unsafe {
                        let scores = scores.as_mut_ptr().add(tile);
                        let highest = highest.0.as_mut_ptr();
                        let higher = _mm512_max_ps(*left, *right);
                        _mm512_storeu_ps(highest, _mm512_max_ps(_mm512_loadu_ps(highest), higher));
                        _mm512_storeu_ps(scores, *left);
                        _mm512_storeu_ps(scores.add(LANES), *right);
                    }
                }
            }

            // The scores of one query become weights 2^(scale s - shift).
            #[target_feature(enable = $features)]
            fn soften(head: &mut Head, step: Step, row: usize) {
                let (scale, whole) = (_mm512_set1_ps(head.scale), step.count.next_multiple_of(KEY_TILE));
                debug_assert!(row < ROW_TILE && whole <= KEY_BLOCK);
                // SAFETY: the buffer has ROW_TILE rows, each of more than KEY_BLOCK scores.
                unsafe {
                    let shift = _mm512_set1_ps(*head.shifts.0.get_unchecked(row));
                    let scores = head.scores.as_mut_ptr().add(row * ROW);
                    let mut totals = [_mm512_setzero_ps(); 2];
                    for at in (0..whole).step_by(KEY_TILE) {
                        let left = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(scores.add(at)), scale, shift));
                        let right = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(scores.add(at + LANES)), scale, shift));
                        totals = [_mm512_add_ps(totals[0], left), _mm512_add_ps(totals[1], right)];
                        store_weights(scores, at, left);
                        store_weights(scores, at + LANES, right);
                    }
                    let sum = head.sums.0.get_unchecked_mut(row);
                    let before = if step.block == 0 { 0.0 } else { *sum * head.fades.0.get_unchecked(row) };
                    *sum = before + _mm512_reduce_add_ps(_mm512_add_ps(totals[0], totals[1]));
                }
            }

            // mixed[8][columns] = fade x mixed[8][columns] + weights[8][count] . values[count][columns]
            #[target_feature(enable = $features)]
            fn mix(head: &mut Head, step: Step) {
                let mut column = 0;
                while column < head.columns {
                    let registers = ((head.columns - column) / LANES).min(2);
                    match registers {
                        2 => mix_columns::<2>(head, step, column),
                        _ => mix_columns::<1>(head, step, column),
                    }
                    column += registers * LANES;
                }
            }

            #[target_feature(enable = $features)]
            fn mix_columns<const N: usize>(head: &mut Head, step: Step, column: usize) {
                let columns = head.columns;
                let words = step.count.div_ceil($per_word);
                debug_assert!((step.block / $per_word + words) * columns <= head.values.len());
                // SAFETY: the value rows of this block and ROW_TILE x `columns` mixed values were sized by `Head`;
                // `column + N * LANES <= columns`. An odd last key shares its word with a zero weight and value.
                unsafe {
                    let weights = head.scores.as_ptr().cast::<u32>();
                    let mixed = head.mixed.as_mut_ptr().add(column);
                    let mut sums = [[_mm512_setzero_ps(); N]; ROW_TILE];
                    if step.block > 0 {
                        for (row, (sum, fade)) in sums.iter_mut().zip(&head.fades.0).enumerate() {
                            for (n, register) in sum.iter_mut().enumerate() {
                                let before = _mm512_loadu_ps(mixed.add(row * columns + n * LANES));
                                *register = _mm512_mul_ps(before, _mm512_set1_ps(*fade));
                            }
                        }
                    }
                    let mut value = head.values.as_ptr().add(step.block / $per_word * columns + column);
                    for word in 0..words {
                        let mut loaded = [_mm512_setzero_si512(); N];
                        for (n, register) in loaded.iter_mut().enumerate() {
                            *register = _mm512_loadu_si512(value.add(n * LANES).cast());
                        }
                        for (row, sum) in sums.iter_mut().enumerate() {
                            let one = _mm512_set1_epi32(weights.add(row * ROW + word).read().cast_signed());
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

kernel!(single, "avx512f,avx512dq", 1);
kernel!(brain, "avx512f,avx512dq,avx512bf16", 2);
