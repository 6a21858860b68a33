//! The same thing measured again and again: its median, and how far the measurements lie apart.

/// Measurements of one thing in one unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds a measurement.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one.
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The distance between the quartiles, as a part of the median: 0.1 means that half of the measurements lie within
    /// about 5 % of it.
    pub(crate) fn spread(&self) -> f64 {
        (self.quantile(0.75) - self.quantile(0.25)) / self.median()
    }

    /// The smallest value that is not exceeded by this part of the measurements.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1).expect("something was measured");
        sorted[(part * last as f64).round() as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_quartiles_do_not_feel_outliers() {
        let mut samples = Samples::default();
        [100.0, 104.0, 96.0, 98.0, 1e9, 102.0, 100.0, 98.0, 102.0].into_iter().for_each(|value| samples.push(value));
        assert_eq!((samples.median(), samples.spread()), (100.0, 0.04));
    }
}
