//! Attention of one head of one sequence with AVX-512: blocks of keys, running maximum and sum (online softmax,
//! arXiv:1805.02867), eight queries at a time. f32 multiplies by FMA, bf16 by `vdpbf16ps` with f32 sums.
//!
//! Floor, in vector instructions for eight queries and sixteen keys at head width `k`: `8 k` (f32) or `4 k` (bf16) for
//! the scores, the same for the mix with `k` rounded up to 16, and about 160 for the exponentials.

#![expect(unsafe_code, reason = "calls behind a feature test")]

#[cfg(target_arch = "x86_64")]
mod arithmetic;
#[cfg(target_arch = "x86_64")]
mod blocks;

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
        unsafe { blocks::single::attend(head, queries) }
    }
}

/// As [`attend_f32`], for bf16.
pub(super) fn attend_bf16(head: &mut Head, queries: usize) {
    #[cfg(target_arch = "x86_64")]
    if instructions::bf16() {
        // SAFETY: the processor has AVX-512F and AVX-512 BF16.
        unsafe { blocks::brain::attend(head, queries) }
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
