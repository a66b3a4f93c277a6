//! How good a classification is: accuracy, F1 of each class, and the confusion matrix, also as a picture.

mod confusion;

use serde::{Deserialize, Serialize};

pub use confusion::draw as draw_confusion;

/// Counts of a classification: `matrix[truth][predicted]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Confusion {
    /// The classes, in order.
    pub classes: Vec<String>,
    /// Rows are the truth, columns what was predicted.
    pub matrix: Vec<Vec<u64>>,
}

/// How good a classification is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Quality {
    /// Share that is right.
    pub accuracy: f64,
    /// Mean of the F1 of all classes that occur in the truth or in the predictions.
    pub macro_f1: f64,
    /// Mean recall of the classes that occur in the truth.
    pub balanced_accuracy: f64,
}

/// One class of a classification.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ClassQuality {
    /// Its name.
    pub class: String,
    /// How often it is the truth.
    pub support: u64,
    /// Share of its predictions that are right; 0 without predictions.
    pub precision: f64,
    /// Share of it that is found; 0 without support.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

impl Confusion {
    /// Counts pairs of true and predicted class; a class outside `classes` is not counted.
    ///
    /// ```
    /// use ferrome_cell::classification::Confusion;
    /// let confusion = Confusion::new(&["B", "T"], &[0, 0, 1, 1], &[0, 1, 1, 1]);
    /// assert_eq!(confusion.matrix, [[1, 1], [0, 2]]);
    /// let quality = confusion.quality();
    /// assert_eq!(quality.accuracy, 0.75);
    /// assert!((quality.macro_f1 - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn new<S: AsRef<str>>(classes: &[S], truth: &[usize], predicted: &[usize]) -> Self {
        let mut matrix = vec![vec![0; classes.len()]; classes.len()];
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            if let Some(count) = matrix.get_mut(truth).and_then(|row: &mut Vec<u64>| row.get_mut(predicted)) {
                *count += 1;
            }
        }
        Self { classes: classes.iter().map(|class| class.as_ref().to_owned()).collect(), matrix }
    }

    /// Number of pairs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.matrix.iter().flatten().sum()
    }

    /// Each class on its own.
    #[must_use]
    pub fn of_classes(&self) -> Vec<ClassQuality> {
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let class = |(i, row): (usize, &Vec<u64>)| {
            let hits = row.get(i).copied().unwrap_or(0);
            let support: u64 = row.iter().sum();
            let predicted: u64 = self.matrix.iter().filter_map(|row| row.get(i)).sum();
            ClassQuality {
                class: self.classes.get(i).cloned().unwrap_or_default(),
                support,
                precision: share(hits, predicted),
                recall: share(hits, support),
                f1: share(2 * hits, support + predicted),
            }
        };
        self.matrix.iter().enumerate().map(class).collect()
    }

    /// All classes together.
    #[must_use]
    pub fn quality(&self) -> Quality {
        let classes = self.of_classes();
        let hits: u64 = self.matrix.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum();
        let predicted = |i: usize| self.matrix.iter().filter_map(|row| row.get(i)).sum::<u64>() > 0;
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let occurring = classes.iter().enumerate().filter(|(i, class)| class.support > 0 || predicted(*i));
        Quality {
            accuracy: hits as f64 / self.total().max(1) as f64,
            macro_f1: mean(occurring.map(|(_, class)| class.f1).collect()),
            balanced_accuracy: mean(classes.iter().filter(|c| c.support > 0).map(|c| c.recall).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_that_is_nowhere_counts_in_no_mean() {
        let confusion = Confusion::new(&["a", "b", "c"], &[0, 0, 1], &[0, 0, 0]);
        let quality = confusion.quality();
        // As scikit-learn: `c` is in neither list, `b` has an F1 of 0.
        assert!((quality.macro_f1 - 0.4).abs() < 1e-12);
        assert!((quality.balanced_accuracy - 0.5).abs() < 1e-12);
        assert_eq!(confusion.of_classes()[1].precision, 0.0);
    }

    #[test]
    fn nothing_to_count() {
        assert_eq!(Confusion::new(&["a"], &[], &[]).quality(), Quality::default());
    }
}
