//! What a benchmark reports, the same for all of them.
//!
//! For machines: a JSON list with one object per row,
//! `{"name", "value", "unit", "limit_name", "limit_value", "ratio"}`. `ratio` is `value / limit_value`, both measured in the same run;
//! the three are null where a row is compared to nothing. Rows that could not be measured are not in the list.
//! For people: [`crate::table`], which also knows the bars.

use std::{fmt, path::Path};

use anyhow::Context as _;
use serde::Serialize;

/// One row, for machines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: String,
    pub limit_name: Option<String>,
    pub limit_value: Option<f64>,
    pub ratio: Option<f64>,
}

impl Figure {
    pub(crate) fn new(name: &str, value: f64, unit: &str) -> Self {
        Self { name: name.to_owned(), value, unit: unit.to_owned(), limit_name: None, limit_value: None, ratio: None }
    }

    pub(crate) fn against(self, limit_name: &str, limit_value: f64) -> Self {
        let ratio = Some(self.value / limit_value).filter(|ratio| ratio.is_finite());
        Self { limit_name: Some(limit_name.to_owned()), limit_value: Some(limit_value), ratio, ..self }
    }
}

/// What the ratio must be, or the value where it is compared to nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    ValueAtMost(f64),
}

impl Bar {
    fn is_met(self, figure: &Figure) -> bool {
        match (self, figure.ratio) {
            (Self::AtLeast(bar), Some(ratio)) => ratio >= bar,
            (Self::AtMost(bar), Some(ratio)) => ratio <= bar,
            (Self::ValueAtMost(bar), _) => figure.value <= bar,
            (_, None) => false,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bar) => write!(f, "≥ {bar}"),
            Self::AtMost(bar) | Self::ValueAtMost(bar) => write!(f, "≤ {bar}"),
        }
    }
}

/// One row, with what it was measured for.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub name: String,
    /// None: it could not be measured, and `flaws` say why.
    pub figure: Option<Figure>,
    pub bar: Option<Bar>,
    /// Each of them makes the row NOT PASS, whatever its ratio.
    pub flaws: Vec<String>,
    pub notes: Vec<String>,
}

impl Row {
    pub(crate) fn passes(&self) -> bool {
        let is_met = |figure: &Figure| self.bar.is_none_or(|bar| bar.is_met(figure));
        self.flaws.is_empty() && self.figure.as_ref().is_some_and(is_met)
    }
}

/// Writes the figures of `rows` as JSON.
pub(crate) fn write(file: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let figures: Vec<&Figure> = rows.iter().filter_map(|row| row.figure.as_ref()).collect();
    std::fs::write(file, serde_json::to_vec_pretty(&figures)?).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_format_is_the_documented_one() {
        let figures = [
            Figure::new("pgbench", 5_000.0, "bookings/s"),
            Figure::new("worker", 15_000.0, "decisions/s").against("pgbench", 5_000.0),
        ];
        let expected = json!([
            { "name": "pgbench", "value": 5_000.0, "unit": "bookings/s", "limit_name": null, "limit_value": null, "ratio": null },
            { "name": "worker", "value": 15_000.0, "unit": "decisions/s", "limit_name": "pgbench", "limit_value": 5_000.0, "ratio": 3.0 },
        ]);
        assert_eq!(serde_json::to_value(figures).unwrap(), expected);
    }

    #[test]
    fn a_row_passes_at_its_bar_and_without_flaws() {
        let row = |value: f64, bar| Row {
            name: "row".to_owned(),
            figure: Some(Figure::new("row", value, "x").against("limit", 100.0)),
            bar,
            flaws: Vec::new(),
            notes: Vec::new(),
        };
        for (value, bar, passes) in [
            (250.0, Some(Bar::AtLeast(2.5)), true),
            (249.9, Some(Bar::AtLeast(2.5)), false),
            (120.0, Some(Bar::AtMost(1.2)), true),
            (120.1, Some(Bar::AtMost(1.2)), false),
            (250.0, Some(Bar::ValueAtMost(250.0)), true),
            (250.1, Some(Bar::ValueAtMost(250.0)), false),
            (1.0, None, true),
        ] {
            assert_eq!(row(value, bar).passes(), passes, "{value} {bar:?}");
        }
        assert!(!Row { flaws: vec!["slows down".to_owned()], ..row(300.0, Some(Bar::AtLeast(2.5))) }.passes());
        assert!(!Row { figure: None, ..row(300.0, None) }.passes());
        // A limit of nothing proves nothing.
        let nothing = Figure::new("row", 5.0, "x").against("limit", 0.0);
        assert!(!Row { figure: Some(nothing), ..row(1.0, Some(Bar::AtLeast(2.5))) }.passes());
    }
}
