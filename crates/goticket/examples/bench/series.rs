//! The runs of one thing that is measured: their median, and how far they lie apart.

use crate::rates::Rates;

/// Runs that lie further apart are said to.
const VARIANCE_MAX: f64 = 0.1;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub value: f64,
    pub rates: Rates,
    /// Whatever else makes it worthless.
    pub flaws: Vec<String>,
    /// What a reader should know beside the value.
    pub note: String,
}

/// All runs of one thing; at least one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(pub Vec<Run>);

impl Series {
    /// The middle one; of an even number the mean of the two in the middle.
    pub(crate) fn median(&self) -> Option<f64> {
        let values = self.sorted();
        let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
        Some(f64::midpoint(*low, *high))
    }

    /// From the lowest to the highest, as a part of the median.
    pub(crate) fn variance(&self) -> f64 {
        let values = self.sorted();
        match (values.first(), values.last(), self.median()) {
            (Some(low), Some(high), Some(median)) if median > 0.0 => (high - low) / median,
            _ => 0.0,
        }
    }

    /// The variance, if it is large enough to be said.
    pub(crate) fn scatter(&self) -> Option<String> {
        let variance = self.variance();
        (variance > VARIANCE_MAX).then(|| {
            let values: Vec<String> = self.0.iter().map(|run| format!("{:.1}", run.value)).collect();
            format!("variance {:.0} %: {}", variance * 100.0, values.join(", "))
        })
    }

    /// What is wrong with which run.
    pub(crate) fn flaws(&self) -> Vec<String> {
        let of_run = |(n, run): (usize, &Run)| -> Vec<String> {
            let unsteady = run.rates.check().err().map(|unsteady| unsteady.to_string());
            unsteady.into_iter().chain(run.flaws.iter().cloned()).map(|flaw| format!("run {}: {flaw}", n + 1)).collect()
        };
        self.0.iter().enumerate().flat_map(of_run).collect()
    }

    /// What the last run has to say.
    pub(crate) fn note(&self) -> Option<String> {
        self.0.last().map(|run| run.note.clone()).filter(|note| !note.is_empty())
    }

    fn sorted(&self) -> Vec<f64> {
        let mut values: Vec<f64> = self.0.iter().map(|run| run.value).collect();
        values.sort_by(f64::total_cmp);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        let run = |&value| Run { value, rates: Rates(vec![value, value]), flaws: Vec::new(), note: String::new() };
        Series(values.iter().map(run).collect())
    }

    #[test]
    fn the_value_is_the_median() {
        for (values, median) in [
            (&[][..], None),
            (&[7.0], Some(7.0)),
            (&[1.0, 9.0], Some(5.0)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
            (&[4.0, 1.0, 3.0, 100.0], Some(3.5)),
        ] {
            assert_eq!(series(values).median(), median, "{values:?}");
        }
    }

    #[test]
    fn a_variance_above_a_tenth_is_said() {
        for (values, said) in
            [(&[100.0][..], false), (&[95.0, 100.0, 105.0], false), (&[94.0, 100.0, 105.0], true), (&[100.0, 100.0, 111.0], true)]
        {
            assert_eq!(series(values).scatter().is_some(), said, "{values:?}");
        }
        assert_eq!(series(&[80.0, 100.0, 110.0]).scatter().as_deref(), Some("variance 30 %: 80.0, 100.0, 110.0"));
    }

    #[test]
    fn one_run_that_slows_down_is_a_flaw() {
        let mut three = series(&[100.0, 100.0, 100.0]);
        assert!(three.flaws().is_empty());
        three.0[1].rates = Rates(vec![100.0, 89.0]);
        let flaws = three.flaws();
        assert_eq!(flaws.len(), 1);
        assert!(flaws[0].starts_with("run 2: slows down"), "{flaws:?}");
    }
}
