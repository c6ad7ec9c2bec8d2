//! The verdict: a table of what was compared, and what contradicts.

use std::fmt;

/// Contradictions that are shown per check.
const SHOWN: usize = 5;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    compared: String,
    found: Found,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// What contradicts.
    Wrong(Vec<String>),
    /// Too little was seen, and this is how to ask for less.
    TooLittle(String),
}

/// What a run proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Right,
    Wrong,
    /// Nothing, because too little was compared.
    None,
}

impl Row {
    pub(crate) fn check(name: &str, compared: impl Into<String>, wrong: Vec<String>) -> Self {
        let found = if wrong.is_empty() { Found::Nothing } else { Found::Wrong(wrong) };
        Self { name: name.to_owned(), compared: compared.into(), found }
    }

    /// A run that saw less than this proves nothing.
    pub(crate) fn minimum(name: &str, seen: u64, least: u64) -> Self {
        let found =
            if seen < least { Found::TooLittle(format!("--min-{name} says how many are enough")) } else { Found::Nothing };
        Self { name: name.to_owned(), compared: format!("{seen}, at least {least}"), found }
    }
}

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Verdict(pub Vec<Row>);

impl Verdict {
    pub(crate) fn proof(&self) -> Proof {
        if self.0.iter().any(|row| matches!(row.found, Found::Wrong(_))) {
            Proof::Wrong
        } else if self.0.iter().any(|row| matches!(row.found, Found::TooLittle(_))) {
            Proof::None
        } else {
            Proof::Right
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Right => "Nothing is wrong.",
            Self::Wrong => "SOMETHING IS WRONG.",
            Self::None => "TOO LITTLE WAS COMPARED TO PROVE ANYTHING.",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { name, compared, found } in &self.0 {
            let (mark, shown, more) = match found {
                Found::Nothing => ("ok  ", &[][..], 0),
                Found::Wrong(wrong) => ("FAIL", &wrong[..wrong.len().min(SHOWN)], wrong.len().saturating_sub(SHOWN)),
                Found::TooLittle(less) => ("FEW ", std::slice::from_ref(less), 0),
            };
            writeln!(f, "  {mark}  {name:<26} {compared}")?;
            for what in shown {
                writeln!(f, "          ✗ {what}")?;
            }
            if more > 0 {
                writeln!(f, "          … and {more} more")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_proves_nothing_and_wrong_is_wrong() {
        let (right, wrong) = (Vec::new, || vec!["a seat was sold twice".to_owned()]);
        for (wrong, seen, least, proof) in [
            (right(), 0, 0, Proof::Right),
            (right(), 10, 10, Proof::Right),
            (right(), 9, 10, Proof::None),
            (wrong(), 10, 10, Proof::Wrong),
            (wrong(), 9, 10, Proof::Wrong),
        ] {
            let verdict = Verdict(vec![Row::check("one holder at a time", "", wrong), Row::minimum("held", seen, least)]);
            assert_eq!(verdict.proof(), proof, "{verdict}");
        }
    }
}
