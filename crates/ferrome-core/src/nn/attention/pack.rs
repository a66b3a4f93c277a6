//! Runs the kernel over every head of a packed batch, on as many threads as libtorch has.

use std::panic::resume_unwind;

use half::bf16;
use tch::{Kind, Tensor};

use super::kernel::{self, Head};
use super::layout::{Tables, fill};
use super::number::Number;
use crate::{
    Error, Result,
    ffi::{elements, elements_mut},
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
        head.make_room(piece.length);
        let (d, end) = (self.width / 3, piece.start + piece.length);
        let tokens = self.qkv.get(piece.start * self.width..end * self.width).unwrap_or_default();
        let half = piece.start * (self.k / 2)..end * (self.k / 2);
        let turns = self.tables.and_then(|(cos, sin)| Some((cos.get(half.clone())?, sin.get(half)?)));
        let columns = [0, 1, 2].map(|part| part * d + piece.head * self.k);
        kernel::with_wide_registers(|| {
            fill::<T>(head, tokens, self.width, columns, turns);
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

fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}
