//! Models that stay where they were loaded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tch::{Device, Kind};

/// The handles of one model, by precision and device: many jobs, also at once, load its weights once.
#[derive(Debug)]
pub struct Shelf<M>(Mutex<Vec<(Kind, Device, M)>>);

impl<M> Default for Shelf<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<M> Shelf<M> {
    /// Another handle (made by `share`) on the model in `kind` on `device`, which `load` loads when it is asked for first.
    ///
    /// # Errors
    ///
    /// That of `load`.
    pub fn handle<E>(
        &self,
        (kind, device): (Kind, Device),
        load: impl FnOnce() -> Result<M, E>,
        share: impl Fn(&M) -> M,
    ) -> Result<M, E> {
        let find = |loaded: &[(Kind, Device, M)]| {
            loaded.iter().find(|(k, d, _)| (*k, *d) == (kind, device)).map(|(.., model)| share(model))
        };
        if let Some(handle) = find(&self.loaded()) {
            return Ok(handle);
        }
        // Without the lock, so that devices load at the same time.
        let model = load()?;
        let handle = share(&model);
        self.loaded().push((kind, device, model));
        Ok(handle)
    }

    fn loaded(&self) -> MutexGuard<'_, Vec<(Kind, Device, M)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_is_loaded_once_for_each_precision_and_device() {
        let (shelf, mut loads) = (Shelf::<u32>::default(), 0);
        let mut handle = |kind| {
            let load = || {
                loads += 1;
                Ok::<_, ()>(loads)
            };
            shelf.handle((kind, Device::Cpu), load, |model| *model)
        };
        assert_eq!(handle(Kind::Float), Ok(1));
        assert_eq!(handle(Kind::BFloat16), Ok(2));
        assert_eq!(handle(Kind::Float), Ok(1));
    }

    #[test]
    fn model_that_did_not_load_is_tried_again() {
        let shelf = Shelf::<u32>::default();
        let place = (Kind::Float, Device::Cpu);
        assert_eq!(shelf.handle(place, || Err("no room"), |model| *model), Err("no room"));
        assert_eq!(shelf.handle(place, || Ok::<_, &str>(7), |model| *model), Ok(7));
    }
}
