//! `cargo xtask demo` and `cargo xtask up`: builds GoTicket and hands over to the example `onsale`,
//! which starts the servers and drives the sale.

use std::convert::Infallible;

use crate::{
    example::Built,
    provision,
    step::{Failure, become_it},
};

pub(crate) fn run(what: &str, args: &[String]) -> Failure {
    build_and_run(what, args).map_or_else(|failure| failure, |never| match never {})
}

fn build_and_run(what: &str, args: &[String]) -> Result<Infallible, Failure> {
    provision::everything()?;
    Err(become_it(what, Built::here("onsale")?.command().arg(what).args(args)))
}
