//! One head of one sequence in the order in which the kernel reads it: queries rotated and scaled, keys rotated.

use super::kernel::{Head, KEY_TILE, ROW_TILE};
use super::number::Number;

/// Cosines and sines of the turns of so many tokens.
pub(super) type Tables<'a> = Option<(&'a [f32], &'a [f32])>;

/// Fills `head` from `tokens`, each `width` numbers, of which the head has those from `columns` on: queries turned and scaled,
/// keys turned, values as they are.
#[inline(always)]
pub(super) fn fill<T: Number>(
    head: &mut Head,
    tokens: &[T],
    width: usize,
    columns: [usize; 3],
    (turns, scale): (Tables, f32),
) {
    let k = head.width;
    let (mut row, mut words) = (vec![0.0_f32; k], vec![0_u32; head.words]);
    for (i, token) in tokens.chunks_exact(width).enumerate() {
        let turn = turns.and_then(|(cos, sin)| {
            let at = i * (k / 2)..(i + 1) * (k / 2);
            Some((cos.get(at.clone())?, sin.get(at)?))
        });
        let [query, key, value] = columns.map(|column| token.get(column..column + k).unwrap_or_default());
        read_row(query, turn, scale, &mut row);
        to_words::<T>(&row, &mut words);
        scatter(&words, &mut head.queries, ROW_TILE, i);
        read_row(key, turn, 1.0, &mut row);
        to_words::<T>(&row, &mut words);
        scatter(&words, &mut head.keys, KEY_TILE, i);
        store_value::<T>(value, head, i);
    }
}

// One head's numbers of one token, as f32, turned and scaled.
#[inline(always)]
fn read_row<T: Number>(numbers: &[T], turn: Option<(&[f32], &[f32])>, scale: f32, row: &mut [f32]) {
    let half = numbers.len() / 2;
    let Some((cos, sin)) = turn else {
        for (cell, number) in row.iter_mut().zip(numbers) {
            *cell = number.widen() * scale;
        }
        return;
    };
    let (first, second) = row.split_at_mut(half);
    let (a, b) = numbers.split_at(half);
    for (((x, y), (a, b)), (cos, sin)) in first.iter_mut().zip(second).zip(a.iter().zip(b)).zip(cos.iter().zip(sin)) {
        let (a, b) = (a.widen() * scale, b.widen() * scale);
        *x = a * cos - b * sin;
        *y = b * cos + a * sin;
    }
}

#[inline(always)]
fn to_words<T: Number>(row: &[f32], words: &mut [u32]) {
    if T::PER_WORD == 1 {
        for (word, &value) in words.iter_mut().zip(row) {
            *word = T::word(value, 0.0);
        }
        return;
    }
    for (word, pair) in words.iter_mut().zip(row.as_chunks::<2>().0) {
        *word = T::word(pair[0], pair[1]);
    }
}

// Row `i` into its place in its tile: [tile][word][place].
#[inline(always)]
fn scatter(words: &[u32], tiles: &mut [u32], tile: usize, i: usize) {
    let Some(home) = tiles.get_mut(i / tile * tile * words.len()..) else { return };
    for (cells, &word) in home.chunks_exact_mut(tile).zip(words) {
        if let Some(cell) = cells.get_mut(i % tile) {
            *cell = word;
        }
    }
}

// [key / PER_WORD][column], neighbouring keys in one word.
#[inline(always)]
fn store_value<T: Number>(numbers: &[T], head: &mut Head, key: usize) {
    let Some(words) = head.values.get_mut(key / T::PER_WORD * head.columns..) else { return };
    let high = key % T::PER_WORD == 1;
    for (cell, number) in words.iter_mut().zip(numbers) {
        let value = number.widen();
        *cell = if high { *cell | T::word(0.0, value) } else { T::word(value, 0.0) };
    }
}
