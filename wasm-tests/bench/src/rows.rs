//! What is found out: a row for each measure, with a column for each Envoy.

use crate::stats::Spread;

/// How a gateway's figure is held against that of the bare Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// By how many times it is larger, round by round.
    Ratio,
    /// By how much it is larger, round by round.
    Difference,
    /// Not at all: the figure speaks for itself.
    Alone,
}

/// A measure.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// How it is compared.
    pub compare: Compare,
    /// The figures of all rounds: of the bare Envoy (perhaps none), then of each gateway.
    pub columns: Vec<Vec<f64>>,
    /// The most that is wished of each gateway, as it is compared.
    pub targets: Vec<Option<f64>>,
}

impl Row {
    /// A row without figures, with the targets that gateways of these names have.
    pub fn new(
        name: impl Into<String>,
        unit: &'static str,
        compare: Compare,
        gateways: &[String],
        targets: Targets,
    ) -> Self {
        let columns = vec![Vec::new(); gateways.len() + 1];
        let targets = gateways.iter().map(|gateway| targets.of(gateway)).collect();
        Self {
            name: name.into(),
            unit,
            compare,
            columns,
            targets,
        }
    }

    /// Adds a figure to a column.
    pub fn push(&mut self, column: usize, figure: f64) {
        if let Some(figures) = self.columns.get_mut(column) {
            figures.push(figure);
        }
    }

    /// The figures of a column.
    pub fn spread(&self, column: usize) -> Option<Spread> {
        Spread::of(self.columns.get(column)?.iter().copied())
    }

    /// How a gateway compares.
    pub fn compared(&self, column: usize) -> Option<Spread> {
        let (bare, figures) = (self.columns.first()?, self.columns.get(column)?);
        let pairs = figures.iter().zip(bare);
        match self.compare {
            Compare::Ratio => Spread::of(pairs.map(|(figure, bare)| figure / bare)),
            Compare::Difference => Spread::of(pairs.map(|(figure, bare)| figure - bare)),
            Compare::Alone => self.spread(column),
        }
    }

    /// A gateway's target, and whether it is met.
    pub fn verdict(&self, column: usize) -> Option<(f64, bool)> {
        let target = (*self.targets.get(column.checked_sub(1)?)?)?;
        Some((target, self.compared(column)?.median <= target))
    }
}

/// The targets of one row for the gateways that have any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Targets {
    portable: Option<f64>,
    native: Option<f64>,
}

impl Targets {
    /// For the portable configuration of seven modules, and for the native one of fused modules.
    pub fn new(portable: f64, native: f64) -> Self {
        Self {
            portable: Some(portable),
            native: Some(native),
        }
    }

    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    fn of(self, gateway: &str) -> Option<f64> {
        match gateway {
            "envoy" => self.portable,
            "native-fused" => self.native,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_compared_with_the_same_round() {
        let names = ["envoy".to_owned(), "fused".to_owned()];
        let mut row = Row::new("CPU", "µs", Compare::Ratio, &names, Targets::new(2.0, 1.0));
        for (bare, envoy, fused) in [(1.0, 2.5, 1.0), (2.0, 4.0, 1.0), (10.0, 15.0, 1.0)] {
            row.push(0, bare);
            row.push(1, envoy);
            row.push(2, fused);
        }
        assert_eq!(
            row.compared(1),
            Some(Spread {
                median: 2.0,
                min: 1.5,
                max: 2.5
            })
        );
        assert_eq!(row.verdict(1), Some((2.0, true)));
        assert_eq!(row.verdict(2), None);
        row.targets = vec![Some(1.9), None];
        assert_eq!(row.verdict(1), Some((1.9, false)));
        row.compare = Compare::Difference;
        assert_eq!(row.compared(1).map(|spread| spread.median), Some(2.0));
        row.compare = Compare::Alone;
        assert_eq!(row.compared(1).map(|spread| spread.median), Some(4.0));
    }
}
