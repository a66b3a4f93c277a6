//! What the data say of a model before it is trained.

use tch::Tensor;

use super::{Lesson, Run};
use crate::{Result, model::PairModel};

/// Bits that no molecule of the training pairs has begin at 0 and stay there: they say nothing of another molecule.
pub(super) fn silence_unseen_bits(model: &PairModel, run: &Run, lesson: &Lesson) -> Result<()> {
    let mut seen = vec![false; lesson.model.fingerprints.as_ref().map_or(0, |config| config.bits as usize)];
    for &i in &lesson.split.train {
        for &bit in run.drugs[run.data.pairs[i].drug].fingerprint() {
            if let Some(seen) = seen.get_mut(usize::from(bit)) {
                *seen = true;
            }
        }
    }
    let unseen: Vec<i64> = (0..).zip(&seen).filter(|(_, seen)| !**seen).map(|(bit, _)| bit).collect();
    if let (Some(mut table), false) = (part(model, "fingerprints.table.weight"), unseen.is_empty()) {
        let _guard = tch::no_grad_guard();
        let _ = table.f_index_fill_(0, &Tensor::f_from_slice(&unseen)?.f_to_device(run.device)?, 0.0)?;
    }
    Ok(())
}

/// Mean and standard deviation of each column over the proteins that rows are compared with, where the model wants them.
pub(super) fn standardize_rows(model: &PairModel, run: &Run, lesson: &Lesson) -> Result<()> {
    let parts = (part(model, "protein_rows.center"), part(model, "protein_rows.factor"));
    let (Some(mut center), Some(mut factor)) = parts else { return Ok(()) };
    let mut known: Vec<usize> = lesson.split.train.iter().map(|&i| run.data.pairs[i].protein).collect();
    known.sort_unstable();
    known.dedup();
    let n = known.len().max(1) as f64;
    let mut sums = vec![(0.0, 0.0); lesson.rows.width];
    for row in known.iter().filter_map(|&which| lesson.rows.rows.get(which)) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum = (sum.0 + f64::from(value), sum.1 + f64::from(value).powi(2));
        }
    }
    // A column that hardly varies is not blown up.
    let deviation = |(sum, squares): &(f64, f64)| (squares / n - (sum / n).powi(2)).max(0.0).sqrt().max(1e-3);
    let means: Vec<f32> = sums.iter().map(|(sum, _)| (sum / n) as f32).collect();
    let factors: Vec<f32> = sums.iter().map(|sums| (1.0 / deviation(sums)) as f32).collect();
    let _guard = tch::no_grad_guard();
    center.f_copy_(&Tensor::f_from_slice(&means)?)?;
    factor.f_copy_(&Tensor::f_from_slice(&factors)?)?;
    Ok(())
}

/// A handle on the tensor of this name.
fn part(model: &PairModel, name: &str) -> Option<Tensor> {
    model.parts().all().into_iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor.shallow_clone())
}
