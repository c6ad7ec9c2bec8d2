//! `cargo xtask test`: every test on one running stack, shared by all test binaries.

use std::convert::Infallible;

use crate::{
    provision,
    step::{Failure, become_it, cargo, openly, target},
};

pub(crate) fn run(args: &[String]) -> Failure {
    prepare_and_test(args).map_or_else(|failure| failure, |never| match never {})
}

fn prepare_and_test(args: &[String]) -> Result<Infallible, Failure> {
    provision::everything()?;
    openly("compile what starts the servers", cargo().args(["build", "--quiet", "-p", "goticket-testkit", "--bin", "stack"]))?;
    // Everything is compiled before the servers start: they would only compete for the cores.
    openly("compile the tests", cargo().args(["test", "--workspace", "--no-run", "--quiet"]).args(selection(args)))?;
    let mut command = std::process::Command::new(target()?.join("debug/stack"));
    command.args(["run", "--"]).arg(cargo().get_program()).args(["test", "--workspace", "--no-fail-fast"]).args(args);
    Err(become_it("run the tests", &mut command))
}

/// The arguments that say what is compiled, without the ones for the test binaries.
fn selection(args: &[String]) -> impl Iterator<Item = &String> {
    args.iter().take_while(|arg| *arg != "--")
}
