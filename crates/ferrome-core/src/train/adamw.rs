use tch::{Kind, Tensor};

use crate::{Error, Result, nn::Loader, weights::Checkpoint};

/// The constants of AdamW (Loshchilov and Hutter, arXiv:1711.05101).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWOptions {
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Keeps the quotient finite.
    pub eps: f64,
    /// Shrinks matrices by this times the learning rate at every step; biases and LayerNorms are left alone.
    pub weight_decay: f64,
    /// The longest gradient over all parameters; longer ones are scaled down to it.
    pub clip: f64,
}

/// Numbers that are updated together on a CPU: what belongs to them stays in its cache from one operation to the next.
const TOGETHER: i64 = 1 << 15;

/// AdamW over named parameters that require gradients.
#[derive(Debug)]
pub struct AdamW {
    options: AdamWOptions,
    step: i32,
    slots: Vec<Slot>,
}

/// What [`AdamW::read_means`] gave.
#[derive(Debug)]
pub struct Means(Vec<Tensor>);

#[derive(Debug)]
struct Slot {
    name: String,
    parameter: Tensor,
    mean: Tensor,
    square: Tensor,
}

impl AdamW {
    /// Takes hold of `parameters`, which from now on require gradients; the means start at 0.
    ///
    /// # Errors
    ///
    /// Fails when there is no room for the means.
    pub fn new(parameters: Vec<(String, &Tensor)>, options: AdamWOptions) -> Result<Self> {
        let slots = parameters.into_iter().map(|(name, parameter)| {
            let parameter = parameter.set_requires_grad(true);
            let (mean, square) =
                tch::no_grad(|| Ok::<_, Error>((parameter.f_zeros_like()?, parameter.f_zeros_like()?)))?;
            Ok(Slot { name, parameter, mean, square })
        });
        Ok(Self { options, step: 0, slots: slots.collect::<Result<_>>()? })
    }

    /// One step at this learning rate from the gradients that are there, which are then forgotten. Gives the length of
    /// the gradient before clipping.
    ///
    /// # Errors
    ///
    /// [`Error::Torch`] when a parameter has no gradient, or when the gradient is not a number: nothing is changed then.
    pub fn step(&mut self, rate: f64) -> Result<f64> {
        let _guard = tch::no_grad_guard();
        let gradients = self.slots.iter().map(Slot::gradient).collect::<Result<Vec<_>>>()?;
        let squares = gradients.iter().map(|g| Ok(g.f_norm()?.f_square()?)).collect::<Result<Vec<_>>>()?;
        let length = Tensor::f_stack(&squares, 0)?.f_sum(Kind::Double)?.f_double_value(&[])?.sqrt();
        if !length.is_finite() {
            return Err(Error::Diverged);
        }
        let scale = if length > self.options.clip { self.options.clip / length } else { 1.0 };
        self.step += 1;
        for (slot, gradient) in self.slots.iter_mut().zip(gradients) {
            slot.step(&gradient, (scale, rate), self.step, &self.options)?;
            slot.parameter.zero_grad();
        }
        Ok(length)
    }

    /// The means of all parameters, for a checkpoint: `mean.NAME` and `square.NAME`.
    #[must_use]
    pub fn state(&self) -> Vec<(String, &Tensor)> {
        let means = self.slots.iter().map(|slot| (format!("mean.{}", slot.name), &slot.mean));
        means.chain(self.slots.iter().map(|slot| (format!("square.{}", slot.name), &slot.square))).collect()
    }

    /// Goes on from a checkpoint: parameters under their own names, and what [`AdamW::state`] gave.
    ///
    /// # Errors
    ///
    /// Lists what is missing, of another shape or left over.
    pub fn restore(&mut self, checkpoint: &Checkpoint, step: i32) -> Result<()> {
        let device = self.slots.first().map_or(tch::Device::Cpu, |slot| slot.parameter.device());
        let loader = Loader::new(checkpoint, Kind::Float, device);
        let parameters = self.slots.iter().map(|slot| loader.tensor(&slot.name, &slot.parameter.size()));
        let parameters = parameters.collect::<Result<Vec<_>>>()?;
        let means = self.read_means(&loader)?;
        loader.finish()?;
        let _guard = tch::no_grad_guard();
        for (slot, parameter) in self.slots.iter_mut().zip(&parameters) {
            slot.parameter.f_copy_(parameter)?;
        }
        self.take_means(&means, step)
    }

    /// What [`AdamW::state`] gave, from a checkpoint that may hold more; [`AdamW::take_means`] puts it in place once the
    /// loader has said yes.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read_means(&self, loader: &Loader) -> Result<Means> {
        let mut read = Vec::with_capacity(2 * self.slots.len());
        for slot in &self.slots {
            for kind in ["mean", "square"] {
                read.push(loader.tensor(&format!("{kind}.{}", slot.name), &slot.parameter.size())?);
            }
        }
        Ok(Means(read))
    }

    /// Goes on from what [`AdamW::read_means`] gave, after `step` steps.
    ///
    /// # Errors
    ///
    /// It was read for other parameters.
    pub fn take_means(&mut self, means: &Means, step: i32) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (slot, pair) in self.slots.iter_mut().zip(means.0.chunks_exact(2)) {
            for (target, source) in [&mut slot.mean, &mut slot.square].into_iter().zip(pair) {
                target.f_copy_(source)?;
            }
        }
        self.step = step;
        Ok(())
    }
}

impl Slot {
    fn gradient(&self) -> Result<Tensor> {
        let gradient = self.parameter.f_grad()?;
        if gradient.defined() {
            Ok(gradient)
        } else {
            Err(Error::Torch(format!("parameter `{}` has no gradient", self.name)))
        }
    }

    fn step(&self, gradient: &Tensor, (scale, rate): (f64, f64), step: i32, options: &AdamWOptions) -> Result<()> {
        let flat = |tensor: &Tensor| tensor.f_view([-1_i64].as_slice());
        let (gradient, parameter) = (gradient.f_reshape([-1])?, flat(&self.parameter)?);
        let (mean, square) = (flat(&self.mean)?, flat(&self.square)?);
        let n = parameter.size1()?;
        let together = if parameter.device() == tch::Device::Cpu { TOGETHER } else { n.max(1) };
        for first in (0..n).step_by(together as usize) {
            let some = |tensor: &Tensor| tensor.f_narrow(0, first, together.min(n - first));
            let (mut parameter, mut mean, mut square) = (some(&parameter)?, some(&mean)?, some(&square)?);
            let gradient = some(&gradient)?.f_mul_scalar(scale)?;
            let _ = mean.f_lerp_(&gradient, 1.0 - options.beta1)?;
            let _ = square.f_lerp_(&gradient.f_square()?, 1.0 - options.beta2)?;
            let spread = square.f_div_scalar(1.0 - options.beta2.powi(step))?.f_sqrt()?.f_add_scalar(options.eps)?;
            let change = mean.f_div(&spread)?.f_mul_scalar(rate / (1.0 - options.beta1.powi(step)))?;
            if self.parameter.dim() > 1 {
                let _ = parameter.f_mul_scalar_(1.0 - rate * options.weight_decay)?;
            }
            let _ = parameter.f_sub_(&change)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    const OPTIONS: AdamWOptions = AdamWOptions { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, clip: 1e9 };

    fn descend(x: &Tensor, optimiser: &mut AdamW) -> f64 {
        let loss = (x - 3.0).square().sum(Kind::Float);
        loss.backward();
        optimiser.step(0.1).unwrap()
    }

    #[test]
    fn first_step_moves_by_the_learning_rate() {
        let x = Tensor::zeros([2], (Kind::Float, Device::Cpu));
        let mut optimiser = AdamW::new(vec![("x".into(), &x)], OPTIONS).unwrap();
        let length = descend(&x, &mut optimiser);
        assert!((length - 72.0_f64.sqrt()).abs() < 1e-5);
        assert!((x.double_value(&[0]) - 0.1).abs() < 1e-6);
    }

    #[test]
    fn finds_the_minimum() {
        let x = Tensor::zeros([1], (Kind::Float, Device::Cpu));
        let mut optimiser = AdamW::new(vec![("x".into(), &x)], OPTIONS).unwrap();
        for _ in 0..300 {
            descend(&x, &mut optimiser);
        }
        assert!((x.double_value(&[0]) - 3.0).abs() < 1e-2);
    }

    #[test]
    fn gradient_that_is_no_number_changes_nothing() {
        let x = Tensor::ones([1], (Kind::Float, Device::Cpu));
        let mut optimiser = AdamW::new(vec![("x".into(), &x)], OPTIONS).unwrap();
        (&x * f64::NAN).sum(Kind::Float).backward();
        let refused = optimiser.step(0.1).unwrap_err().to_string();
        assert_eq!(refused, "training diverged: the gradient is not a number; lower learning_rate");
        assert_eq!(x.double_value(&[0]), 1.0);
    }

    #[test]
    fn weight_decay_spares_vectors() {
        let (matrix, vector) =
            (Tensor::ones([1, 1], (Kind::Float, Device::Cpu)), Tensor::ones([1], (Kind::Float, Device::Cpu)));
        let options = AdamWOptions { weight_decay: 0.5, ..OPTIONS };
        let mut optimiser = AdamW::new(vec![("m".into(), &matrix), ("v".into(), &vector)], options).unwrap();
        ((&matrix * 0.0).sum(Kind::Float) + (&vector * 0.0).sum(Kind::Float)).backward();
        optimiser.step(0.1).unwrap();
        assert!((matrix.double_value(&[0, 0]) - 0.95).abs() < 1e-6);
        assert_eq!(vector.double_value(&[0]), 1.0);
    }
}
