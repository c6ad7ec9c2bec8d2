//! What a checker said, read from its output.

use std::fmt;

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It found nothing wrong, in so many comparisons.
    Green { compared: String },
    /// It found something wrong: what.
    Red { found: String },
    /// Neither: whatever happened, it proves nothing.
    NoProof(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Green { compared } => write!(f, "GREEN: {compared}"),
            Self::Red { found } => write!(f, "red: {found}"),
            Self::NoProof(why) => write!(f, "NO PROOF: {why}"),
        }
    }
}

/// The output of `cargo test`. A run of no tests is no check; one that ends without a test's failure did not fail because of one.
pub(super) fn of_tests(success: bool, output: &str) -> Outcome {
    let counted = |word: &str| {
        let results = output.lines().filter(|line| line.starts_with("test result:"));
        let counts = results.filter_map(|line| {
            line.split([';', '.']).find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u32>().ok())
        });
        counts.sum::<u32>()
    };
    let (passed, failed) = (counted("passed"), counted("failed"));
    let names = || {
        let failed = output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        failed.collect::<Vec<_>>().join(", ")
    };
    match (success, passed, failed) {
        (true, 1.., 0) => Outcome::Green { compared: format!("{passed} tests pass") },
        (false, _, 1..) => Outcome::Red { found: names() },
        (true, 0, _) => Outcome::NoProof("no test has this name".to_owned()),
        _ => Outcome::NoProof("it ended without a test's verdict".to_owned()),
    }
}

/// The end of a `chaos` run. Too little to compare is no finding.
pub(super) fn of_chaos(code: Option<i32>, output: &str) -> Outcome {
    let failing = || {
        let rows = output.lines().filter_map(|line| line.trim_start().strip_prefix("FAIL"));
        // The name ends where two spaces begin.
        rows.filter_map(|row| row.trim_start().split("  ").next()).collect::<Vec<_>>().join(", ")
    };
    match code {
        Some(0) => Outcome::Green { compared: "nothing is wrong".to_owned() },
        Some(1) if !failing().is_empty() => Outcome::Red { found: failing() },
        Some(3) => Outcome::NoProof("too little was compared".to_owned()),
        _ => Outcome::NoProof("the run could not be carried out".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_test_is_red_and_only_a_passed_one_green() {
        let green = "running 1 test\ntest a::b ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.5s\n";
        let red = "running 2 tests\ntest a::b ... FAILED\ntest a::c ... ok\n\nfailures:\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; finished in 1.25s\n";
        let none =
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.00s\n";
        let crash =
            "running 1 test\nerror: test failed, to rerun pass `--test it`\n  process didn't exit successfully (signal: 11)\n";
        let rows = [
            (true, green, Outcome::Green { compared: "1 tests pass".to_owned() }),
            (false, red, Outcome::Red { found: "a::b".to_owned() }),
            (true, none, Outcome::NoProof("no test has this name".to_owned())),
            (false, crash, Outcome::NoProof("it ended without a test's verdict".to_owned())),
            (false, "error[E0308]: mismatched types", Outcome::NoProof("it ended without a test's verdict".to_owned())),
        ];
        for (success, output, expected) in rows {
            assert_eq!(of_tests(success, output), expected, "{output}");
        }
    }

    #[test]
    fn a_run_that_compared_too_little_finds_nothing() {
        let table = "  ok    audit                      16 checks\n  FAIL  one holder at a time       9 tenures\n          ✗ event e seat 1\n  FEW   held                       1, at least 40\n";
        let few = "  ok    audit                      16 checks\n  FEW   held                       1, at least 40\n";
        let rows = [
            (Some(0), few, Outcome::Green { compared: "nothing is wrong".to_owned() }),
            (Some(1), table, Outcome::Red { found: "one holder at a time".to_owned() }),
            (Some(1), few, Outcome::NoProof("the run could not be carried out".to_owned())),
            (Some(3), few, Outcome::NoProof("too little was compared".to_owned())),
            (Some(4), "", Outcome::NoProof("the run could not be carried out".to_owned())),
            (None, table, Outcome::NoProof("the run could not be carried out".to_owned())),
        ];
        for (code, output, expected) in rows {
            assert_eq!(of_chaos(code, output), expected, "{code:?}");
        }
    }
}
