//! One head of one sequence in the order in which the kernel reads it: queries and keys rotated.

use super::kernel::{Head, KEY_TILE, LANES, lay_keys};
use super::number::Number;

/// Cosines and sines of the turns of so many tokens.
pub(super) type Tables<'a> = Option<(&'a [f32], &'a [f32])>;

/// Fills `head` from `tokens`, each `width` numbers, of which the head has those from `columns` on: queries and keys turned, values
/// as they are.
#[inline(always)]
pub(super) fn fill<T: Number>(head: &mut Head, tokens: &[T], width: usize, columns: [usize; 3], turns: Tables) {
    let (k, words) = (head.width, head.words);
    let stride = words.next_multiple_of(LANES);
    let (mut row, mut rows) = (vec![0.0_f32; k], vec![0_u32; KEY_TILE * stride]);
    let tiles = tokens.chunks(KEY_TILE * width).zip(head.keys.chunks_exact_mut(KEY_TILE * words));
    for (first, (tokens, tile)) in (0..).step_by(KEY_TILE).zip(tiles) {
        let [queries, keys, _] = columns.map(|column| of_head(tokens, width, column, k));
        let targets = head.queries.chunks_exact_mut(words).skip(first).zip(rows.chunks_exact_mut(stride));
        for (i, ((query, key), (query_words, key_words))) in (first..).zip(queries.zip(keys).zip(targets)) {
            let turn = turns.and_then(|(cos, sin)| {
                let at = i * (k / 2)..(i + 1) * (k / 2);
                Some((cos.get(at.clone())?, sin.get(at)?))
            });
            store_row(query, turn, &mut row, query_words);
            store_row(key, turn, &mut row, key_words);
        }
        lay_keys(&rows, stride, words, tile);
    }
    let nothing = vec![T::narrow(0.0); k];
    let mut values = of_head(tokens, width, columns[2], k);
    for words in head.values.chunks_exact_mut(head.columns) {
        let first = values.next().unwrap_or(&nothing);
        let second = if T::PER_WORD == 2 { values.next().unwrap_or(&nothing) } else { first };
        T::columns(first, second, words);
    }
}

// The numbers of one head in each token, from `column` on.
#[inline(always)]
fn of_head<T>(tokens: &[T], width: usize, column: usize, k: usize) -> impl Iterator<Item = &[T]> {
    tokens.chunks_exact(width).map(move |token| token.get(column..column + k).unwrap_or_default())
}

// One head's numbers of one token as words, turned where there is a turn.
#[inline(always)]
fn store_row<T: Number>(numbers: &[T], turn: Option<(&[f32], &[f32])>, row: &mut [f32], words: &mut [u32]) {
    let Some((cos, sin)) = turn else { return T::words(numbers, words) };
    let half = numbers.len() / 2;
    let (first, second) = row.split_at_mut(half);
    let (a, b) = numbers.split_at(half);
    for (((x, y), (a, b)), (cos, sin)) in first.iter_mut().zip(second).zip(a.iter().zip(b)).zip(cos.iter().zip(sin)) {
        let (a, b) = (a.widen(), b.widen());
        *x = a * cos - b * sin;
        *y = b * cos + a * sin;
    }
    if T::PER_WORD == 1 {
        words.iter_mut().zip(row).for_each(|(word, &mut value)| *word = T::word(value, 0.0));
        return;
    }
    for (word, pair) in words.iter_mut().zip(row.as_chunks::<2>().0) {
        *word = T::word(pair[0], pair[1]);
    }
}
