use super::{ascending, ranks, ties};

/// Area under the ROC curve: how probably a positive scores higher than a negative, ties one half.
#[must_use]
pub fn auroc(positive: &[bool], score: &[f64]) -> Option<f64> {
    let (ones, zeros) = classes(positive, score)?;
    let sum: f64 = ranks(score).iter().zip(positive).filter(|(_, positive)| **positive).map(|(rank, _)| rank).sum();
    Some((sum - ones * (ones + 1.0) / 2.0) / (ones * zeros))
}

/// Area under the precision-recall curve as average precision: the sum of precision times the rise in recall, equal scores
/// taken together.
#[must_use]
pub fn auprc(positive: &[bool], score: &[f64]) -> Option<f64> {
    let (ones, _) = classes(positive, score)?;
    let (mut area, mut hits, mut taken) = (0.0, 0.0, 0.0);
    for group in Best::of(score).groups() {
        let found = count(group, positive);
        hits += found;
        taken += group.len() as f64;
        area += found * (hits / taken);
    }
    Some(area / ones)
}

/// Enrichment factor: the share of positives among the best `fraction` of the scores (rounded up to whole ones), over
/// their share in all. Equal scores at the edge count in proportion, so that the order of the input does not matter.
#[must_use]
pub fn enrichment(positive: &[bool], score: &[f64], fraction: f64) -> Option<f64> {
    let (ones, zeros) = classes(positive, score)?;
    let n = ones + zeros;
    let wanted = (n * fraction).ceil();
    if !(wanted >= 1.0 && wanted <= n) {
        return None;
    }
    let (mut hits, mut taken) = (0.0, 0.0);
    for group in Best::of(score).groups() {
        let size = group.len() as f64;
        let part = ((wanted - taken) / size).min(1.0);
        hits += count(group, positive) * part;
        taken += size * part;
        if taken >= wanted {
            break;
        }
    }
    Some(hits / wanted / (ones / n))
}

/// Boltzmann-enhanced discrimination of ROC (Truchon and Bayly, J. Chem. Inf. Model. 47, 2007): 1 when all positives come
/// first, 0 when they come last; `alpha` (20 in the literature) says how early. Equal scores share their weight.
#[must_use]
pub fn bedroc(positive: &[bool], score: &[f64], alpha: f64) -> Option<f64> {
    let (ones, zeros) = classes(positive, score)?;
    if !(alpha > 0.0 && alpha.is_finite()) {
        return None;
    }
    let n = ones + zeros;
    let weight = |rank: usize| (-alpha * rank as f64 / n).exp();
    let (mut sum, mut rank) = (0.0, 0);
    for group in Best::of(score).groups() {
        let all: f64 = (1..=group.len()).map(|i| weight(rank + i)).sum();
        sum += all * count(group, positive) / group.len() as f64;
        rank += group.len();
    }
    let share = ones / n;
    let random = share * (1.0 - (-alpha).exp()) / ((alpha / n).exp() - 1.0);
    let factor = share * (alpha / 2.0).sinh() / ((alpha / 2.0).cosh() - (alpha / 2.0 - alpha * share).cosh());
    Some(sum / random * factor + 1.0 / (1.0 - (alpha * (1.0 - share)).exp()))
}

/// Scores from the best to the worst.
struct Best<'a> {
    order: Vec<usize>,
    score: &'a [f64],
}

impl<'a> Best<'a> {
    fn of(score: &'a [f64]) -> Self {
        let mut order = ascending(score);
        order.reverse();
        Self { order, score }
    }

    fn groups(&self) -> impl Iterator<Item = &[usize]> {
        ties(&self.order, self.score)
    }
}

fn count(group: &[usize], positive: &[bool]) -> f64 {
    group.iter().filter(|&&i| positive[i]).count() as f64
}

/// How many positives and negatives; `None` unless there are both and the scores are usable.
fn classes(positive: &[bool], score: &[f64]) -> Option<(f64, f64)> {
    let ones = positive.iter().filter(|&&positive| positive).count();
    let zeros = positive.len() - ones;
    let usable = positive.len() == score.len() && ones > 0 && zeros > 0 && score.iter().all(|x| x.is_finite());
    usable.then_some((ones as f64, zeros as f64))
}
