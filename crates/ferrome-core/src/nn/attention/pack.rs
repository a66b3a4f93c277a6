//! Lays one head of one sequence out for the kernel: rotated, scaled, and in the order in which it is read.

use half::bf16;
use tch::{Kind, Tensor};

use super::kernel::{self, Head, KEY_TILE, ROW_TILE};
use crate::{
    Result,
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
    let mut output = Tensor::f_empty([t, width / 3], (qkv.f_kind()?, qkv.device()))?;
    let shape = (size(heads), size(width));
    match qkv.f_kind()? {
        Kind::BFloat16 => each_head::<bf16>(elements(&qkv)?, elements_mut(&mut output)?, shape, sequences, tables),
        _ => each_head::<f32>(elements(&qkv)?, elements_mut(&mut output)?, shape, sequences, tables),
    }
    Ok(output)
}

/// A number that the kernel can be fed with.
trait Number: Element {
    /// How many numbers of this kind one 32-bit word holds.
    const PER_WORD: usize;
    fn widen(self) -> f32;
    fn narrow(value: f32) -> Self;
    fn word(values: &[f32]) -> u32;
    fn attend(head: &mut Head, queries: usize, emit: &mut dyn FnMut(usize, &[f32]));
}

impl Number for f32 {
    const PER_WORD: usize = 1;
    fn widen(self) -> f32 {
        self
    }
    fn narrow(value: f32) -> Self {
        value
    }
    fn word(values: &[f32]) -> u32 {
        values.first().copied().unwrap_or(0.0).to_bits()
    }
    fn attend(head: &mut Head, queries: usize, emit: &mut dyn FnMut(usize, &[f32])) {
        kernel::attend_f32(head, queries, emit);
    }
}

impl Number for bf16 {
    const PER_WORD: usize = 2;
    fn widen(self) -> f32 {
        self.to_f32()
    }
    fn narrow(value: f32) -> Self {
        bf16::from_f32(value)
    }
    fn word(values: &[f32]) -> u32 {
        let bits = |i: usize| u32::from(bf16::from_f32(values.get(i).copied().unwrap_or(0.0)).to_bits());
        bits(0) | bits(1) << 16
    }
    fn attend(head: &mut Head, queries: usize, emit: &mut dyn FnMut(usize, &[f32])) {
        kernel::attend_bf16(head, queries, emit);
    }
}

type Tables<'a> = Option<(&'a [f32], &'a [f32])>;

fn each_head<T: Number>(
    qkv: &[T],
    output: &mut [T],
    (heads, width): (usize, usize),
    sequences: &Sequences,
    tables: Tables,
) {
    let d = width / 3;
    let k = d / heads;
    let mut head = Head::new(k, T::PER_WORD);
    let mut row = vec![0.0; k];
    for (start, length) in sequences.spans() {
        let (start, length) = (size(start), size(length));
        let Some(tokens) = qkv.get(start * width..(start + length) * width) else { return };
        let Some(mixed) = output.get_mut(start * d..(start + length) * d) else { return };
        for h in 0..heads {
            let columns = |part: usize| part * d + h * k;
            head.clear(length);
            for (i, token) in tokens.chunks_exact(width).enumerate() {
                let turn = tables.and_then(|(cos, sin)| {
                    let at = (start + i) * (k / 2)..(start + i + 1) * (k / 2);
                    Some((cos.get(at.clone())?, sin.get(at)?))
                });
                read_head(token, columns(0), turn, (k as f32).sqrt().recip(), &mut row);
                store_words::<T>(&mut head.queries, &row, i / ROW_TILE * ROW_TILE * head.words, i % ROW_TILE, ROW_TILE);
                read_head(token, columns(1), turn, 1.0, &mut row);
                store_words::<T>(&mut head.keys, &row, i / KEY_TILE * KEY_TILE * head.words, i % KEY_TILE, KEY_TILE);
                read_head(token, columns(2), None, 1.0, &mut row);
                store_value::<T>(&mut head, &row, i);
            }
            T::attend(&mut head, length, &mut |i, values| {
                if let Some(cells) = mixed.get_mut(i * d + h * k..i * d + h * k + k) {
                    for (cell, &value) in cells.iter_mut().zip(values) {
                        *cell = T::narrow(value);
                    }
                }
            });
        }
    }
}

// One head's numbers of one token, as f32, turned and scaled.
fn read_head<T: Number>(token: &[T], column: usize, turn: Option<(&[f32], &[f32])>, scale: f32, row: &mut [f32]) {
    let k = row.len();
    let Some(numbers) = token.get(column..column + k) else { return };
    let Some((cos, sin)) = turn else {
        for (cell, number) in row.iter_mut().zip(numbers) {
            *cell = number.widen() * scale;
        }
        return;
    };
    let (first, second) = row.split_at_mut(k / 2);
    let (a, b) = numbers.split_at(k / 2);
    let turned = first.iter_mut().zip(second).zip(a.iter().zip(b)).zip(cos.iter().zip(sin));
    for (((x, y), (a, b)), (cos, sin)) in turned {
        let (a, b) = (a.widen() * scale, b.widen() * scale);
        *x = a * cos - b * sin;
        *y = b * cos + a * sin;
    }
}

// Tile layout: [tile][word of the head][place in the tile].
fn store_words<T: Number>(words: &mut [u32], row: &[f32], tile: usize, place: usize, stride: usize) {
    let places = words.iter_mut().skip(tile + place).step_by(stride);
    for (cell, values) in places.zip(row.chunks(T::PER_WORD)) {
        *cell = T::word(values);
    }
}

// [key / PER_WORD][column], neighbouring keys in one word.
fn store_value<T: Number>(head: &mut Head, row: &[f32], key: usize) {
    let stride = head.columns;
    let Some(words) = head.values.get_mut(key / T::PER_WORD * stride..) else { return };
    let high = key % T::PER_WORD == 1;
    for (cell, &value) in words.iter_mut().zip(row) {
        let word = T::word(&[value]);
        *cell = if high { *cell | word << 16 } else { word };
    }
}

fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}
