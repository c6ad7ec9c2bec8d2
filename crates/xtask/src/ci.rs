//! `cargo xtask ci`: what must pass before a change is taken.

use crate::{
    provision,
    step::{Failure, cargo, openly},
    test,
};

pub(crate) fn run() -> Failure {
    match checks() {
        Ok(()) => test::run(&[]),
        Err(failure) => failure,
    }
}

fn checks() -> Result<(), Failure> {
    openly("formatting (`cargo fmt --all` repairs it)", cargo().args(["fmt", "--all", "--check"]))?;
    provision::everything()?;
    openly("lints", cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}
