//! The verdict: a table of what was compared, and what contradicts.

use std::fmt;

/// Contradictions that are shown per check.
const SHOWN: usize = 5;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    compared: String,
    wrong: Vec<String>,
}

impl Row {
    pub(crate) fn check(name: &str, compared: impl Into<String>, wrong: Vec<String>) -> Self {
        Self { name: name.to_owned(), compared: compared.into(), wrong }
    }

    /// A run that saw less than this proves nothing.
    pub(crate) fn minimum(name: &str, seen: u64, least: u64) -> Self {
        let short = || format!("{seen} are too few to prove anything: {least} are the least (--min-{})", name.replace(' ', "-"));
        let wrong = if seen < least { vec![short()] } else { Vec::new() };
        Self::check(name, format!("{seen}, at least {least}"), wrong)
    }

    fn passes(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Verdict(pub Vec<Row>);

impl Verdict {
    pub(crate) fn passes(&self) -> bool {
        self.0.iter().all(Row::passes)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { name, compared, wrong } in &self.0 {
            let mark = if wrong.is_empty() { "ok  " } else { "FAIL" };
            writeln!(f, "  {mark}  {name:<26} {compared}")?;
            for what in wrong.iter().take(SHOWN) {
                writeln!(f, "          ✗ {what}")?;
            }
            if wrong.len() > SHOWN {
                writeln!(f, "          … and {} more", wrong.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_a_failure() {
        for (seen, least, passes) in [(0, 0, true), (9, 10, false), (10, 10, true), (0, 1, false)] {
            let verdict = Verdict(vec![Row::check("all is well", "", Vec::new()), Row::minimum("held", seen, least)]);
            assert_eq!(verdict.passes(), passes, "{verdict}");
        }
    }
}
