//! Attention of one head of one sequence with AVX-512: blocks of keys, running maximum and sum (online softmax,
//! arXiv:1805.02867), eight queries at a time. f32 multiplies by FMA, bf16 by `vdpbf16ps` with f32 sums.
//!
//! Floor, in vector instructions for eight queries and sixteen keys at head width `k`: `8 k` (f32) or `4 k` (bf16) for
//! the scores, the same for the mix with `k` rounded up to 16, and about 110 (f32) or 90 for the exponentials, most of which are
//! additions and not products.

#![expect(unsafe_code, reason = "calls behind a feature test")]

mod aligned;
#[cfg(target_arch = "x86_64")]
mod arithmetic;
#[cfg(target_arch = "x86_64")]
mod blocks;
#[cfg(target_arch = "x86_64")]
mod transpose;

use aligned::Aligned;
use tch::Kind;

/// Queries that are worked on together.
pub(super) const ROW_TILE: usize = 8;
/// Keys in one register tile of scores.
pub(super) const KEY_TILE: usize = 32;
/// Keys in one block of the online softmax: its scores (8 x 512 f32) stay in the first-level cache.
const KEY_BLOCK: usize = 512;
/// A row of scores: rows a power of two apart would meet in the same places of the cache.
const ROW: usize = KEY_BLOCK + LANES;
pub(super) const LANES: usize = 16;
/// The score of a key that is not there; finite, so that its weight is 0 and not NaN.
const NOTHING: f32 = -1e30;
const WIDEST: usize = 128;

/// One head of one sequence in the kernel's layout; words are f32 bits or bf16 pairs.
#[derive(Debug)]
pub(super) struct Head {
    /// `[query][word]`.
    pub(super) queries: Aligned<u32>,
    /// `[key tile][word][KEY_TILE]`.
    pub(super) keys: Aligned<u32>,
    /// `[key / per word][columns]`.
    pub(super) values: Aligned<u32>,
    /// What was mixed: `[query][width]`.
    pub(super) output: Vec<f32>,
    /// Words per query or key.
    pub(super) words: usize,
    /// Head width rounded up to whole registers.
    pub(super) columns: usize,
    /// Head width.
    pub(super) width: usize,
    per_word: usize,
    /// What a product of query and key is multiplied with, for powers of 2: `log2(e) / sqrt(k)`.
    scale: f32,
    /// Of the step at hand, then its weights: `[ROW_TILE][ROW]`.
    scores: Aligned<f32>,
    /// What was mixed of the queries at hand: `[ROW_TILE][columns]`.
    mixed: Aligned<f32>,
    /// For each of these queries: its highest scores, what its scores are lowered by, what becomes of what was mixed before, the
    /// sum of its weights.
    highest: [Register; ROW_TILE],
    shifts: Register,
    fades: Register,
    sums: Register,
}

/// A register in memory, in one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Register([f32; LANES]);

/// Eight queries and a block of keys.
#[derive(Clone, Copy, Debug)]
struct Step {
    query: usize,
    block: usize,
    count: usize,
}

impl Head {
    pub(super) fn new(width: usize, per_word: usize) -> Self {
        let columns = width.next_multiple_of(LANES);
        Self {
            queries: Aligned::new(0),
            keys: Aligned::new(0),
            values: Aligned::new(0),
            output: Vec::new(),
            words: width.div_ceil(per_word),
            columns,
            width,
            per_word,
            scale: std::f32::consts::LOG2_E / (width as f32).sqrt(),
            scores: Aligned::new(ROW_TILE * ROW),
            mixed: Aligned::new(ROW_TILE * columns),
            highest: [Register([NOTHING; LANES]); ROW_TILE],
            shifts: Register([0.0; LANES]),
            fades: Register([0.0; LANES]),
            sums: Register([0.0; LANES]),
        }
    }

    /// Makes room for a sequence of `length`, to be filled: tokens beyond it may hold anything, a missing half of a word of
    /// values must be zero.
    pub(super) fn make_room(&mut self, length: usize) {
        self.queries.resize(length.next_multiple_of(ROW_TILE) * self.words);
        self.keys.resize(length.next_multiple_of(KEY_TILE) * self.words);
        self.values.resize(length.div_ceil(self.per_word) * self.columns);
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
        // SAFETY: the processor has AVX-512F and AVX-512DQ.
        unsafe { blocks::single::attend(head, queries) }
    }
}

/// As [`attend_f32`], for bf16.
pub(super) fn attend_bf16(head: &mut Head, queries: usize) {
    #[cfg(target_arch = "x86_64")]
    if instructions::bf16() {
        // SAFETY: the processor has AVX-512F, AVX-512DQ and AVX-512 BF16.
        unsafe { blocks::brain::attend(head, queries) }
    }
}

/// A tile of keys, `[KEY_TILE][stride]` words, into the kernel's order, `[word][KEY_TILE]`. Call only where [`supports`] said yes.
pub(super) fn lay_keys(rows: &[u32], stride: usize, words: usize, tile: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if instructions::f32() {
        // SAFETY: the processor has AVX-512F.
        unsafe { transpose::transpose(rows, stride, words, tile) }
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
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")
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
