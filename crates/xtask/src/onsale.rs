//! `cargo xtask demo` and `cargo xtask up`: builds GoTicket and hands over to the example `onsale`,
//! which starts the servers and drives the sale.

use std::{convert::Infallible, process::Command};

use crate::{
    provision,
    step::{Failure, become_it, cargo, openly, target},
};

const PROFILE: &str = "GOTICKET_DEMO_PROFILE";

pub(crate) fn run(what: &str, args: &[String]) -> Failure {
    build_and_run(what, args).map_or_else(|failure| failure, |never| match never {})
}

fn build_and_run(what: &str, args: &[String]) -> Result<Infallible, Failure> {
    provision::everything()?;
    let dev = std::env::var(PROFILE).is_ok_and(|profile| profile == "dev");
    let (profile, folder) = if dev { ("dev", "debug") } else { ("release", "release") };
    openly(
        "build GoTicket",
        cargo().args(["build", "-p", "goticket", "--bin", "goticket", "--example", "onsale"]).args(["--profile", profile]),
    )?;
    let built = target()?.join(folder);
    let mut onsale = Command::new(built.join("examples/onsale"));
    onsale.arg(what).args(args).env("GOTICKET_BIN", built.join("goticket"));
    Err(become_it(what, &mut onsale))
}
