//! A model for each device, and for each lane of a CPU.

use std::sync::Arc;

use tch::Device;

use super::{BoxError, Worker, WorkerFactory};

/// How the CPU is shared out: `lanes` batches at a time, each on `threads` threads of libtorch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lanes {
    /// Batches at a time.
    pub lanes: usize,
    /// Threads for each.
    pub threads: usize,
}

impl Lanes {
    /// One batch per thread, which needs no waiting for each other, as long as there are batches enough.
    ///
    /// ```
    /// use ferrome_core::engine::Lanes;
    ///
    /// assert_eq!(Lanes::share_out(8, 100), Lanes { lanes: 8, threads: 1 });
    /// assert_eq!(Lanes::share_out(8, 2), Lanes { lanes: 2, threads: 4 });
    /// ```
    #[must_use]
    pub fn share_out(threads: usize, batches: usize) -> Self {
        let lanes = threads.min(batches).max(1);
        Self { lanes, threads: (threads / lanes).max(1) }
    }

    fn set(self) {
        tch::set_num_threads(i32::try_from(self.threads).unwrap_or(1)); // OpenMP keeps this number per thread
    }
}

/// One worker per CUDA device, or one per CPU lane over the same weights: `load` makes a model on a device, `share` another
/// handle on its weights, and `worker` is called with a model in the worker's own thread.
///
/// # Errors
///
/// Fails when the weights do not load on the CPU; on CUDA each worker loads its own when it starts.
pub fn workers<M, I, E>(
    devices: &[Device],
    lanes: Lanes,
    load: impl Fn(Device) -> Result<M, E> + Send + Sync + 'static,
    share: impl Fn(&M) -> M,
    worker: impl Fn(M) -> Box<dyn Worker<Item = I>> + Send + Sync + 'static,
) -> Result<Vec<WorkerFactory<I>>, E>
where
    M: Send + 'static,
    I: 'static,
    E: Into<BoxError> + 'static,
{
    let (load, worker) = (Arc::new(load), Arc::new(worker));
    let mut factories: Vec<WorkerFactory<I>> = Vec::new();
    for &device in devices {
        if device != Device::Cpu {
            let (load, worker) = (Arc::clone(&load), Arc::clone(&worker));
            factories.push(Box::new(move || Ok(worker(load(device).map_err(Into::into)?))));
            continue;
        }
        lanes.set();
        let model = load(device)?;
        for _ in 0..lanes.lanes {
            let (model, worker) = (share(&model), Arc::clone(&worker));
            factories.push(Box::new(move || {
                lanes.set();
                Ok(worker(model))
            }));
        }
    }
    Ok(factories)
}
