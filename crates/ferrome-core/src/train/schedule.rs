/// Learning rate over the steps: linear warm-up to the peak, then half a cosine down to a share of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// Steps of the warm-up.
    pub warmup: u64,
    /// All steps.
    pub steps: u64,
    /// The last rate, as a share of the peak.
    pub floor: f64,
}

impl Schedule {
    /// The rate of step `step`, counted from 0.
    ///
    /// ```
    /// use ferrome_core::train::Schedule;
    /// let schedule = Schedule { peak: 1.0, warmup: 4, steps: 104, floor: 0.1 };
    /// assert_eq!([0, 3, 4].map(|step| schedule.rate(step)), [0.25, 1.0, 1.0]);
    /// assert!((schedule.rate(54) - 0.55).abs() < 1e-12);
    /// assert!((schedule.rate(104) - 0.1).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let rest = self.steps.saturating_sub(self.warmup).max(1);
        let done = ((step - self.warmup) as f64 / rest as f64).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        self.peak * (self.floor + (1.0 - self.floor) * cosine)
    }
}
