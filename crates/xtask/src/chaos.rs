//! `cargo xtask chaos`: builds GoTicket and hands over to the example `chaos`; with `--sabotage NAME`, it does so in a copy of the tree
//! from which one protection was taken, and the run must find that out.

use std::convert::Infallible;

use crate::{
    example::Built,
    provision, sabotage,
    step::{Failure, become_it},
};

const SABOTAGE: &str = "--sabotage";

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut args = args.to_vec();
    if let Some(place) = args.iter().position(|arg| arg == SABOTAGE) {
        let name = args.drain(place..(place + 2).min(args.len())).nth(1);
        let name = name.ok_or_else(|| Failure::new("sabotage a run", format!("{SABOTAGE} names nothing"), sabotage::LIST))?;
        return sabotage::by_chaos(&name, &args);
    }
    build_and_run(&args).map(|never| match never {})
}

fn build_and_run(args: &[String]) -> Result<Infallible, Failure> {
    provision::everything()?;
    Err(become_it("chaos", Built::here("chaos")?.command().args(args)))
}
