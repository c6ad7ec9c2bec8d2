//! `cargo xtask bench NAME`: builds GoTicket in release and hands over to the example `bench`, which starts the servers and measures.

use std::{convert::Infallible, process::Command};

use crate::{
    provision,
    step::{Failure, become_it, cargo, openly, target},
};

/// The benchmarks there are.
const NAMES: [&str; 2] = ["booking", "queue"];

pub(crate) fn run(args: &[String]) -> Failure {
    build_and_run(args).map_or_else(|failure| failure, |never| match never {})
}

fn build_and_run(args: &[String]) -> Result<Infallible, Failure> {
    // Before anything is installed and built for a name that is mistyped.
    check(args.first())?;
    provision::everything()?;
    let pgbench = provision::pgbench()?;
    openly("build GoTicket", cargo().args(["build", "-p", "goticket", "--bin", "goticket", "--example", "bench", "--release"]))?;
    let built = target()?.join("release");
    let mut bench = Command::new(built.join("examples/bench"));
    bench.args(args).env("GOTICKET_BIN", built.join("goticket")).env("GOTICKET_PGBENCH", pgbench);
    Err(become_it("measure", &mut bench))
}

fn check(name: Option<&String>) -> Result<(), Failure> {
    let cause = match name {
        Some(name) if NAMES.contains(&name.as_str()) => return Ok(()),
        Some(name) => format!("there is no benchmark {name:?}"),
        None => "no benchmark is named".to_owned(),
    };
    let known: Vec<String> = NAMES.iter().map(|name| format!("cargo xtask bench {name}")).collect();
    Err(Failure::new("choose a benchmark", cause, &known.join(", or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_benchmarks_that_exist_are_built() {
        let failure = |name: Option<&str>| check(name.map(str::to_owned).as_ref()).err().map(|failure| failure.to_string());
        assert_eq!((failure(Some("booking")), failure(Some("queue"))), (None, None));
        let unknown = failure(Some("bokking")).unwrap();
        assert!(
            unknown.contains("there is no benchmark \"bokking\"") && unknown.contains("cargo xtask bench booking"),
            "{unknown}"
        );
        assert!(failure(None).unwrap().contains("no benchmark is named"));
    }
}
