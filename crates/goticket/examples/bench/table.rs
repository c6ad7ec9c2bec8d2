//! The report for people: one line per row, and below it what must be known about it.

use std::fmt;

use crate::report::Row;

pub(crate) struct Table<'a>(pub &'a [Row]);

impl Table<'_> {
    pub(crate) fn passes(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(Row::passes)
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|row| row.name.len()).max().unwrap_or_default();
        for row in self.0 {
            line(f, row, width)?;
            for flaw in &row.flaws {
                writeln!(f, "      ✗ {flaw}")?;
            }
            for note in &row.notes {
                writeln!(f, "      {note}")?;
            }
        }
        let failed: Vec<&str> = self.0.iter().filter(|row| !row.passes()).map(|row| row.name.as_str()).collect();
        match failed.len() {
            0 => writeln!(f, "\n  PASS: {} rows", self.0.len()),
            n => writeln!(f, "\n  NOT PASS: {n} of {} rows ({})", self.0.len(), failed.join(", ")),
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, row: &Row, width: usize) -> fmt::Result {
    let name = &row.name;
    let Some(figure) = &row.figure else { return writeln!(f, "  {name:<width$}  NOT PASS: not measured") };
    let ratio = match (figure.ratio, &figure.limit_name) {
        (Some(ratio), Some(limit)) => format!("{ratio:.2} x {limit}"),
        _ => String::new(),
    };
    let bar = row.bar.map(|bar| bar.to_string()).unwrap_or_default();
    let verdict = match (row.passes(), row.bar) {
        (false, _) => "NOT PASS",
        (true, Some(_)) => "PASS",
        (true, None) => "",
    };
    let line = format!("  {name:<width$}  {:>10.1} {:<12}  {ratio:<34} {bar:<6}  {verdict}", figure.value, figure.unit);
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Bar, Figure};

    #[test]
    fn failures_are_said_on_their_line_and_at_the_end() {
        let row = |name: &str, value: f64, flaws: &[&str]| Row {
            name: name.to_owned(),
            figure: Some(Figure::new(name, value, "decisions/s").against("pgbench", 100.0)),
            bar: Some(Bar::AtLeast(2.5)),
            flaws: flaws.iter().map(ToString::to_string).collect(),
            notes: Vec::new(),
        };
        let rows = [row("good", 300.0, &[]), row("slow", 200.0, &[]), row("falls", 300.0, &["run 2: slows down"])];
        let table = Table(&rows);
        assert!(!table.passes());
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("3.00 x pgbench") && lines[0].contains("≥ 2.5") && lines[0].ends_with("  PASS"), "{text}");
        assert!(lines[1].ends_with("NOT PASS") && lines[2].ends_with("NOT PASS"), "{text}");
        assert_eq!(lines[3].trim(), "✗ run 2: slows down");
        assert_eq!(lines[5].trim(), "NOT PASS: 2 of 3 rows (slow, falls)");
        assert!(Table(&rows[..1]).passes());
        assert!(!Table(&[]).passes(), "a table without rows proves nothing");
    }
}
