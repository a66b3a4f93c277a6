//! What a training keeps in its checkpoint, so that it can go on: a state beside the tensors, and copies of tensors.

use serde::{Serialize, de::DeserializeOwned};
use tch::Tensor;

use crate::{Result, nn::Loader, weights::Checkpoint};

/// The key of a checkpoint's metadata under which the state stands.
const STATE: &str = "ferrome.state";

/// `state` as an entry of a checkpoint's metadata.
///
/// # Errors
///
/// It cannot be written as JSON; a defect of ferrome.
pub fn state_entry(state: &impl Serialize) -> Result<(String, String)> {
    Ok((STATE.to_owned(), serde_json::to_string(state).map_err(std::io::Error::from)?))
}

/// The state that [`state_entry`] wrote.
///
/// # Errors
///
/// The checkpoint has none, or another's.
pub fn read_state<S: DeserializeOwned>(checkpoint: &Checkpoint) -> serde_json::Result<S> {
    serde_json::from_str(checkpoint.metadata().get(STATE).and_then(|value| value.as_str()).unwrap_or_default())
}

/// Seeds libtorch's generator for a step: it draws the same when it is done again.
pub fn seed_step(seed: u64, step: u64) {
    tch::manual_seed((seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ step).cast_signed());
}

/// Copies of tensors, such as those of a model at its best; of none by default.
#[derive(Debug, Default)]
pub struct Kept(Vec<(String, Tensor)>);

impl Kept {
    /// Copies tensors as they are now.
    ///
    /// # Errors
    ///
    /// The device has no room.
    pub fn of(tensors: Vec<(String, &Tensor)>) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let copy = |(name, tensor): (String, &Tensor)| {
            let mut kept = tensor.f_zeros_like()?;
            kept.f_copy_(tensor)?;
            Ok((name, kept))
        };
        Ok(Self(tensors.into_iter().map(copy).collect::<Result<_>>()?))
    }

    /// Reads copies of `tensors`, by their names and shapes, from a checkpoint.
    ///
    /// # Errors
    ///
    /// The file cannot be read; [`Loader::finish`] lists what is missing.
    pub fn read(loader: &Loader, tensors: Vec<(String, &Tensor)>) -> Result<Self> {
        let one = |(name, tensor): (String, &Tensor)| {
            let read = loader.tensor(&name, &tensor.size())?;
            Ok((name, read))
        };
        Ok(Self(tensors.into_iter().map(one).collect::<Result<_>>()?))
    }

    /// Puts the copies back into the tensors that they were made of; nothing where nothing was kept.
    ///
    /// # Errors
    ///
    /// The tensors are others.
    pub fn put_back(&self, tensors: Vec<(String, &Tensor)>) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for ((_, kept), (_, tensor)) in self.0.iter().zip(tensors) {
            tensor.shallow_clone().f_copy_(kept)?;
        }
        Ok(())
    }

    /// The copies, under `prefix.NAME`, to be written.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (String, &'a Tensor)> {
        self.0.iter().map(move |(name, tensor)| (format!("{prefix}.{name}"), tensor))
    }
}
