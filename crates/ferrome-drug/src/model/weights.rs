use std::{cell::RefCell, fmt, rc::Rc};

use ferrome_core::nn::{Embedding, LayerNorm, Linear, Loader};
use tch::{Device, Kind, Tensor};

use crate::{Error, Result};

/// Hands out the tensors of a model under a prefix: from a checkpoint, or drawn at random. What it hands out it keeps in a
/// list by name, which is what an optimiser trains and a checkpoint saves.
pub struct Weights<'c> {
    source: Source<'c>,
    path: String,
    parts: Rc<RefCell<Vec<Part>>>,
}

enum Source<'c> {
    Checkpoint(Loader<'c>),
    Random(Device),
}

/// How a tensor is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    /// Uniform within this distance of 0.
    Uniform(f64),
    /// Normal with this standard deviation.
    Normal(f64),
    /// One number everywhere.
    Constant(f64),
}

#[derive(Debug)]
struct Part {
    name: String,
    tensor: Tensor,
    trained: bool,
    /// Whether a checkpoint holds only the rows that are not 0.
    sparse: bool,
}

/// The tensors of a model by name, in the order in which it took them.
#[derive(Debug)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// What training changes by gradients.
    #[must_use]
    pub fn trained(&self) -> Vec<(String, &Tensor)> {
        self.0.iter().filter(|part| part.trained).map(|part| (part.name.clone(), &part.tensor)).collect()
    }

    /// What stands in a model's file: as [`Parts::all`], but of a table of fingerprint bits only the rows that are not 0,
    /// and which those are.
    ///
    /// # Errors
    ///
    /// Fails when the device has no room.
    pub fn stored(&self) -> Result<Vec<(String, Tensor)>> {
        let _guard = tch::no_grad_guard();
        let mut stored = Vec::with_capacity(self.0.len() + 1);
        for Part { name, tensor, sparse, .. } in &self.0 {
            let rows =
                if *sparse { Some(tensor.f_ne(0)?.f_any_dim(1, false)?.f_nonzero()?.f_view([-1])?) } else { None };
            match rows {
                Some(rows) if rows.size1()? < tensor.size2()?.0 => {
                    stored.push((name.clone(), tensor.f_index_select(0, &rows)?));
                    stored.push((beside(name, ROWS), rows.f_to_kind(Kind::Int)?));
                }
                _ => stored.push((name.clone(), tensor.shallow_clone())),
            }
        }
        Ok(stored)
    }

    /// Everything that training changes or finds out: also running statistics.
    #[must_use]
    pub fn all(&self) -> Vec<(String, &Tensor)> {
        self.0.iter().map(|part| (part.name.clone(), &part.tensor)).collect()
    }
}

impl fmt::Debug for Weights<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Weights({})", self.path)
    }
}

impl<'c> Weights<'c> {
    /// Weights of a checkpoint, in f32.
    #[must_use]
    pub fn read(loader: Loader<'c>) -> Self {
        Self { source: Source::Checkpoint(loader), path: String::new(), parts: Rc::default() }
    }

    /// Random weights; libtorch's generator is seeded by `seed` first.
    #[must_use]
    pub fn random(seed: i64, device: Device) -> Self {
        tch::manual_seed(seed);
        Self { source: Source::Random(device), path: String::new(), parts: Rc::default() }
    }

    /// The same weights below `name`.
    #[must_use]
    pub fn pp(&self, name: impl fmt::Display) -> Self {
        let source = match &self.source {
            Source::Checkpoint(loader) => Source::Checkpoint(loader.pp(&name)),
            Source::Random(device) => Source::Random(*device),
        };
        Self { source, path: self.full(&name.to_string()), parts: Rc::clone(&self.parts) }
    }

    /// The list of everything that was handed out; a checkpoint must hold that and nothing else.
    ///
    /// # Errors
    ///
    /// Lists what is missing, of another shape, or left over.
    pub fn finish(self) -> Result<Parts> {
        if let Source::Checkpoint(loader) = self.source {
            loader.finish()?;
        }
        Ok(Parts(self.parts.take()))
    }

    /// A tensor that is trained.
    pub(super) fn tensor(&self, name: &str, shape: &[i64], draw: Draw) -> Result<Tensor> {
        self.take(name, shape, draw, true)
    }

    /// A table `[rows, width]` of which a checkpoint need not hold the rows that are 0: the others are `name`, `[n, width]`,
    /// and `rows`, `[n]` (i32), says which those are, ascending.
    pub(super) fn sparse(&self, name: &str, shape: [i64; 2], draw: Draw) -> Result<Tensor> {
        let tensor = match &self.source {
            Source::Checkpoint(loader) => match loader.shape(ROWS) {
                Some(found) => self.scattered(loader, (name, found.first().copied().unwrap_or(0)), shape)?,
                None => loader.tensor_of_kind(name, &shape, Kind::Float)?,
            },
            Source::Random(device) => draw.tensor(&shape)?.f_to_device(*device)?,
        };
        self.keep(name, &tensor, true, true);
        Ok(tensor)
    }

    fn scattered(&self, loader: &Loader, (name, n): (&str, i64), [rows, width]: [i64; 2]) -> Result<Tensor> {
        let which = loader.tensor_of_kind(ROWS, &[n], Kind::Int64)?;
        let some = loader.tensor_of_kind(name, &[n, width], Kind::Float)?;
        let list = Vec::<i64>::try_from(which.f_to_device(Device::Cpu)?)?;
        let ascending = list.windows(2).all(|two| two[0] < two[1]);
        if !ascending || list.iter().any(|row| !(0..rows).contains(row)) {
            let full = self.full(ROWS);
            return Err(Error::Model(format!("`{full}`: expected ascending rows of a table of {rows}")));
        }
        let _guard = tch::no_grad_guard();
        Ok(Tensor::f_zeros([rows, width], (Kind::Float, some.device()))?.f_index_copy(0, &which, &some)?)
    }

    /// A tensor that is kept in checkpoints and has no gradient.
    pub(super) fn buffer(&self, name: &str, shape: &[i64], value: f64) -> Result<Tensor> {
        self.take(name, shape, Draw::Constant(value), false)
    }

    /// `weight` and `bias`, drawn as PyTorch does.
    pub(super) fn linear(&self, name: &str, inputs: i64, outputs: i64) -> Result<Linear> {
        let (this, draw) = (self.pp(name), Draw::fan_in(inputs));
        Ok(Linear {
            weight: this.tensor("weight", &[outputs, inputs], draw)?,
            bias: Some(this.tensor("bias", &[outputs], draw)?),
        })
    }

    /// `weight` alone.
    pub(super) fn linear_without_bias(&self, name: &str, inputs: i64, outputs: i64) -> Result<Linear> {
        Ok(Linear { weight: self.pp(name).tensor("weight", &[outputs, inputs], Draw::fan_in(inputs))?, bias: None })
    }

    /// `weight`, normal: the sum of `together` rows has the variance 1.
    pub(super) fn embedding(&self, name: &str, rows: i64, width: i64, together: usize) -> Result<Embedding> {
        let deviation = 1.0 / (together.max(1) as f64).sqrt();
        Ok(Embedding { weight: self.pp(name).tensor("weight", &[rows, width], Draw::Normal(deviation))? })
    }

    /// `weight` and `bias`, 1 and 0.
    pub(super) fn layer_norm(&self, name: &str, width: i64) -> Result<LayerNorm> {
        let this = self.pp(name);
        let (weight, bias) = (
            this.tensor("weight", &[width], Draw::Constant(1.0))?,
            this.tensor("bias", &[width], Draw::Constant(0.0))?,
        );
        Ok(LayerNorm::new(weight, bias, 1e-5))
    }

    fn take(&self, name: &str, shape: &[i64], draw: Draw, trained: bool) -> Result<Tensor> {
        let tensor = match &self.source {
            Source::Checkpoint(loader) => loader.tensor_of_kind(name, shape, Kind::Float)?,
            Source::Random(device) => draw.tensor(shape)?.f_to_device(*device)?,
        };
        self.keep(name, &tensor, trained, false);
        Ok(tensor)
    }

    fn keep(&self, name: &str, tensor: &Tensor, trained: bool, sparse: bool) {
        let part = Part { name: self.full(name), tensor: tensor.shallow_clone(), trained, sparse };
        self.parts.borrow_mut().push(part);
    }

    fn full(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// The tensor that says which rows a sparse table has.
const ROWS: &str = "rows";

/// The name of a tensor beside another one.
fn beside(name: &str, other: &str) -> String {
    name.rsplit_once('.').map_or_else(|| other.to_owned(), |(path, _)| format!("{path}.{other}"))
}

impl Draw {
    /// As PyTorch draws linear and convolution layers with so many inputs.
    pub(super) fn fan_in(inputs: i64) -> Self {
        Self::Uniform(1.0 / (inputs.max(1) as f64).sqrt())
    }

    fn tensor(self, shape: &[i64]) -> Result<Tensor> {
        let options = (Kind::Float, Device::Cpu); // the same numbers whatever the device
        Ok(match self {
            Self::Uniform(far) => Tensor::f_rand(shape, options)?.f_mul_scalar(2.0 * far)?.f_sub_scalar(far)?,
            Self::Normal(deviation) => Tensor::f_randn(shape, options)?.f_mul_scalar(deviation)?,
            Self::Constant(value) => Tensor::f_full(shape, value, options)?,
        })
    }
}
