//! Self-attention over a packed batch: sequences of different lengths lie one after another, without padding.

mod kernel;
mod layout;
mod number;
mod pack;
mod reference;

use tch::{Device, Kind, Tensor};

use crate::{Error, Result};

/// Where the sequences of a packed batch lie: sequence `i` takes the tokens `offsets[i]..offsets[i + 1]`.
#[derive(Debug)]
pub struct Sequences {
    offsets: Vec<i64>,
    positions: Tensor,
}

impl Sequences {
    /// Sequences of the given lengths, in order; position tables are made on `device`.
    ///
    /// # Errors
    ///
    /// Fails when the device has no memory for the positions.
    pub fn new(lengths: &[i64], device: Device) -> Result<Self> {
        let mut offsets = Vec::with_capacity(lengths.len() + 1);
        offsets.push(0);
        let mut end = 0;
        for length in lengths {
            end += length;
            offsets.push(end);
        }
        let positions: Vec<i64> = lengths.iter().flat_map(|&length| 0..length).collect();
        Ok(Self { offsets, positions: Tensor::f_from_slice(&positions)?.f_to_device(device)? })
    }

    /// Number of tokens of all sequences.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// Start and length of each sequence.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = (i64, i64)> + '_ {
        self.offsets
            .iter()
            .zip(self.offsets.iter().skip(1))
            .map(|(&start, &end)| (start, end - start))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The place of each token within its own sequence, from 0: `[t]` (i64).
    pub fn positions(&self) -> &Tensor {
        &self.positions
    }
}

/// `softmax(q k^T / sqrt(k)) v` within each sequence, after turning q and k by `rotary` where it is given.
///
/// `qkv` is `[t, 3 d]` (queries, keys, values, each `h` heads of width `k` side by side), `rotary` the cosines and sines
/// `[t, k / 2]` of [`crate::nn::Rotary::tables`]; the result is `[t, d]`. On a CPU with AVX-512 and without gradients a
/// kernel of our own does it (`k` up to 128); everything else goes through libtorch's fused attention.
///
/// # Errors
///
/// Fails when the shapes do not belong together.
pub fn self_attention(
    qkv: &Tensor,
    heads: i64,
    sequences: &Sequences,
    rotary: Option<(&Tensor, &Tensor)>,
) -> Result<Tensor> {
    let (t, width) = qkv.size2()?;
    if heads < 1 || width % (3 * heads) != 0 || t != sequences.tokens() {
        return Err(Error::Torch(format!(
            "attention: {heads} heads over {} tokens do not fit a tensor of shape [{t}, {width}]",
            sequences.tokens()
        )));
    }
    let head_width = width / (3 * heads);
    let graph = qkv.requires_grad();
    if qkv.device() == Device::Cpu && !graph && kernel::supports(qkv.f_kind()?, head_width) {
        return pack::run(qkv, heads, sequences, rotary);
    }
    reference::run(qkv, heads, sequences, rotary)
}

/// As [`self_attention`] without rotation, dropping this share of the attention weights: for the steps of a training. The
/// shares are drawn from libtorch's generator.
///
/// # Errors
///
/// As [`self_attention`].
pub fn self_attention_with_dropout(qkv: &Tensor, heads: i64, sequences: &Sequences, dropout: f64) -> Result<Tensor> {
    if dropout == 0.0 {
        return self_attention(qkv, heads, sequences, None);
    }
    reference::run_with_dropout(qkv, heads, sequences, None, dropout)
}

/// Whether the CPU kernel serves this kind here; `ferrome doctor` tells.
#[must_use]
pub fn kernel_serves(kind: Kind) -> bool {
    kernel::supports(kind, 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Rotary;

    fn compare(kind: Kind, heads: i64, k: i64, lengths: &[i64], rotary: bool) -> f64 {
        let _guard = tch::no_grad_guard();
        tch::manual_seed(7 + k);
        let sequences = Sequences::new(lengths, Device::Cpu).unwrap();
        let qkv = (Tensor::randn([sequences.tokens(), 3 * heads * k], (Kind::Float, Device::Cpu)) * 1.5).to_kind(kind);
        let rotary = rotary.then(|| {
            let inv_freq = Tensor::rand([k / 2], (Kind::Float, Device::Cpu));
            Rotary { inv_freq }.tables(sequences.positions()).unwrap()
        });
        let rotary = rotary.as_ref().map(|(cos, sin)| (cos, sin));
        let ours = pack::run(&qkv, heads, &sequences, rotary).unwrap();
        let exact = reference::run(&qkv.to_kind(Kind::Double), heads, &sequences, rotary).unwrap();
        assert_eq!(ours.kind(), kind);
        (ours.to_kind(Kind::Double) - exact).abs().max().double_value(&[])
    }

    #[test]
    fn kernel_agrees_with_libtorch_for_every_length_and_width() {
        if !kernel_serves(Kind::Float) {
            eprintln!("skipped: this processor has no AVX-512");
            return;
        }
        for k in [2, 6, 10, 16, 24, 32, 34, 48, 64, 128] {
            for lengths in [vec![1], vec![2, 1, 3], vec![8, 31, 32, 33, 7], vec![511, 512, 513], vec![1100, 5]] {
                for rotary in [false, true] {
                    let worst = compare(Kind::Float, 3, k, &lengths, rotary);
                    assert!(worst < 2e-5, "k {k}, lengths {lengths:?}, rotary {rotary}: {worst}");
                }
            }
        }
    }

    #[test]
    fn threads_give_what_one_thread_gives() {
        if !kernel_serves(Kind::Float) {
            eprintln!("skipped: this processor has no AVX-512");
            return;
        }
        let _guard = tch::no_grad_guard();
        let sequences = Sequences::new(&[40, 3, 70], Device::Cpu).unwrap();
        let qkv = Tensor::randn([113, 3 * 4 * 24], (Kind::Float, Device::Cpu));
        let run = |threads| {
            tch::set_num_threads(threads);
            pack::run(&qkv, 4, &sequences, None).unwrap()
        };
        assert!(run(1).equal(&run(3)));
    }

    #[test]
    fn not_a_number_stays_in_its_sequence() {
        for kind in [Kind::Float, Kind::BFloat16].into_iter().filter(|&kind| kernel_serves(kind)) {
            let _guard = tch::no_grad_guard();
            let sequences = Sequences::new(&[45, 7, 33], Device::Cpu).unwrap();
            let qkv = Tensor::randn([85, 3 * 2 * 24], (kind, Device::Cpu));
            let alone = pack::run(&qkv, 2, &sequences, None).unwrap();
            let _ = qkv.narrow(0, 0, 45).fill_(f64::NAN);
            let beside = pack::run(&qkv, 2, &sequences, None).unwrap();
            assert!(beside.narrow(0, 45, 40).equal(&alone.narrow(0, 45, 40)), "{kind:?}");
        }
    }

    #[test]
    fn rotary_tables_of_another_length() {
        let sequences = Sequences::new(&[4], Device::Cpu).unwrap();
        let qkv = Tensor::zeros([4, 24], (Kind::Float, Device::Cpu));
        let table = Tensor::zeros([3, 2], (Kind::Float, Device::Cpu));
        let refused = pack::run(&qkv, 2, &sequences, Some((&table, &table))).unwrap_err();
        assert_eq!(refused.to_string(), "libtorch: attention: expected rotary tables of 8 angles for 4 tokens");
    }

    #[test]
    fn bf16_kernel_agrees_within_its_rounding() {
        if !kernel_serves(Kind::BFloat16) {
            eprintln!("skipped: this processor has no AVX-512 BF16");
            return;
        }
        for k in [2, 6, 24, 32, 64] {
            for lengths in [vec![1], vec![8, 31, 32, 33, 7], vec![513], vec![1100, 5]] {
                let worst = compare(Kind::BFloat16, 3, k, &lengths, true);
                assert!(worst < 0.15, "k {k}, lengths {lengths:?}: {worst}");
            }
        }
    }

    #[test]
    fn heads_that_do_not_divide_the_width() {
        let sequences = Sequences::new(&[4], Device::Cpu).unwrap();
        let qkv = Tensor::zeros([4, 12], (Kind::Float, Device::Cpu));
        let refused = self_attention(&qkv, 5, &sequences, None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "libtorch: attention: 5 heads over 4 tokens do not fit a tensor of shape [4, 12]"
        );
    }
}
