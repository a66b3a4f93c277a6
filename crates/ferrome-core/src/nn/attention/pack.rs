//! Lays one head of one sequence out for the kernel: rotated, scaled, and in the order in which it is read.

use std::panic::resume_unwind;

use half::bf16;
use tch::{Kind, Tensor};

use super::kernel::{self, Head, KEY_TILE, ROW_TILE};
use crate::{
    Error, Result,
    ffi::{Element, elements, elements_mut},
    nn::Sequences,
};

/// See [`super::self_attention`]; `qkv` lies on the CPU.
pub(super) fn run(
    qkv: &Tensor,
    heads: i64,
    sequences: &Sequences,
    rotary: Option<(&Tensor, &Tensor)>,
) -> Result<Tensor> {
    let qkv = qkv.f_contiguous()?;
    let tables =
        rotary.map(|(cos, sin)| -> Result<_> { Ok((elements::<f32>(cos)?, elements::<f32>(sin)?)) }).transpose()?;
    let (t, width) = qkv.size2()?;
    let angles = size(t) * size(width / (6 * heads));
    if tables.is_some_and(|(cos, sin)| cos.len() != angles || sin.len() != angles) {
        return Err(Error::Torch(format!("attention: expected rotary tables of {angles} angles for {t} tokens")));
    }
    let mut output = Tensor::f_empty([t, width / 3], (qkv.f_kind()?, qkv.device()))?;
    let shape = (size(heads), size(width));
    match qkv.f_kind()? {
        Kind::BFloat16 => each_head::<bf16>(elements(&qkv)?, elements_mut(&mut output)?, shape, sequences, tables),
        _ => each_head::<f32>(elements(&qkv)?, elements_mut(&mut output)?, shape, sequences, tables),
    }
    Ok(output)
}

/// A number that the kernel can be fed with.
trait Number: Element + Send + Sync {
    /// How many numbers of this kind one 32-bit word holds.
    const PER_WORD: usize;
    fn widen(self) -> f32;
    fn narrow(value: f32) -> Self;
    /// The word of one or two neighbours.
    fn word(first: f32, second: f32) -> u32;
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
    fn attend(head: &mut Head, queries: usize) {
        kernel::attend_bf16(head, queries);
    }
}

// The nearest bf16, ties to even, in the upper half; NaN stays NaN.
#[inline]
fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    let up = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    if value.is_nan() { bits | 0x0040_0000 } else { up }
}

type Tables<'a> = Option<(&'a [f32], &'a [f32])>;

/// The same for all heads of a batch: `[t, 3 d]`, and the turns of its tokens.
struct Packed<'a, T> {
    qkv: &'a [T],
    width: usize,
    k: usize,
    tables: Tables<'a>,
}

/// One head of one sequence.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    length: usize,
    head: usize,
}

fn each_head<T: Number>(
    qkv: &[T],
    output: &mut [T],
    (heads, width): (usize, usize),
    sequences: &Sequences,
    tables: Tables,
) {
    let d = width / 3;
    let packed = Packed { qkv, width, k: d / heads, tables };
    let spans = sequences.spans().map(|(start, length)| (size(start), size(length)));
    let pieces = spans.flat_map(|(start, length)| (0..heads).map(move |head| Piece { start, length, head }));
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1);
    if threads > 1 {
        return in_parallel(&packed, output, &pieces.collect::<Vec<_>>(), threads);
    }
    let mut head = Head::new(packed.k, T::PER_WORD);
    for piece in pieces {
        packed.attend(piece, &mut head);
        kernel::with_wide_registers(|| packed.write(piece, &head.output, output));
    }
}

// One batch at a time on all threads: each takes every so-manyth piece, and what they mixed is put in place afterwards.
fn in_parallel<T: Number>(packed: &Packed<T>, output: &mut [T], pieces: &[Piece], threads: usize) {
    std::thread::scope(|scope| {
        let share = move |first: usize| {
            let mut head = Head::new(packed.k, T::PER_WORD);
            let mixed = pieces.iter().skip(first).step_by(threads).map(|&piece| {
                packed.attend(piece, &mut head);
                (piece, head.output.clone())
            });
            mixed.collect::<Vec<_>>()
        };
        let running: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        let finished = running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        for (piece, mixed) in finished.flatten() {
            packed.write(piece, &mixed, output);
        }
    });
}

impl<T: Number> Packed<'_, T> {
    fn attend(&self, piece: Piece, head: &mut Head) {
        head.clear(piece.length);
        let (d, end) = (self.width / 3, piece.start + piece.length);
        let tokens = self.qkv.get(piece.start * self.width..end * self.width).unwrap_or_default();
        let half = piece.start * (self.k / 2)..end * (self.k / 2);
        let turns = self.tables.and_then(|(cos, sin)| Some((cos.get(half.clone())?, sin.get(half)?)));
        let columns = [0, 1, 2].map(|part| part * d + piece.head * self.k);
        kernel::with_wide_registers(|| {
            fill::<T>(head, tokens, self.width, columns, (turns, (self.k as f32).sqrt().recip()));
        });
        T::attend(head, piece.length);
    }

    // What the kernel mixed, into the columns of this head.
    #[inline(always)]
    fn write(&self, piece: Piece, mixed: &[f32], output: &mut [T]) {
        let d = self.width / 3;
        let rows = output.chunks_exact_mut(d).skip(piece.start);
        for (row, values) in rows.zip(mixed.chunks_exact(self.k)) {
            let cells = row.iter_mut().skip(piece.head * self.k);
            for (cell, &value) in cells.zip(values) {
                *cell = T::narrow(value);
            }
        }
    }
}

// One head of one sequence: queries turned and scaled, keys turned, values as they are.
#[inline(always)]
fn fill<T: Number>(head: &mut Head, tokens: &[T], width: usize, columns: [usize; 3], (turns, scale): (Tables, f32)) {
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

fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}
