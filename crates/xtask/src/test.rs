//! `cargo xtask test`: every test on one running stack, shared by all test binaries.

use std::convert::Infallible;

use crate::{
    provision,
    step::{Failure, become_it, cargo, openly, target},
};

/// Tests that run at the same time, for each core: they wait for servers more than they compute.
const TESTS_A_CORE: usize = 2;
/// By which the test binaries are told; whoever has set it is not overruled.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

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
    if std::env::var_os(TEST_THREADS).is_none() {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        command.env(TEST_THREADS, (cores * TESTS_A_CORE).to_string());
    }
    Err(become_it("run the tests", &mut command))
}

/// The arguments that say what is compiled, without the ones for the test binaries.
fn selection(args: &[String]) -> impl Iterator<Item = &String> {
    args.iter().take_while(|arg| *arg != "--")
}
