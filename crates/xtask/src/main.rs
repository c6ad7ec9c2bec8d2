//! `cargo xtask …`: every command a person or the CI types.
//!
//! It has no dependencies, because it must compile in seconds on a machine that cannot compile the
//! rest yet: it is what installs the C tools, and the servers that tests and demo run on.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks on its terminal")]

mod bench;
mod chaos;
mod ci;
mod disk;
mod example;
mod onsale;
mod provision;
mod sabotage;
mod step;
mod test;

// What testkit looks for and what is installed here must be the same: one file, two crates.
#[path = "../../testkit/src/cache.rs"]
mod cache;
#[path = "../../testkit/src/source.rs"]
mod source;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  install          install what is missing: C tools, PostgreSQL, Redis, RabbitMQ, Kafka, a mail server, pgbench
  demo [args]      set everything up, run one onsale over HTTP, print the report, audit it
  up [args]        the same local stack and a seeded event, kept running
  test [args]      every test, on real servers; args go to `cargo test`
  bench booking [--report FILE] [--seconds N] [--runs N] [--only NAME,…]
                   bookings decided per second, as ratios to limits measured in the same run
  bench queue [the same] [--fans N]
                   what waiting rooms cost
  chaos [args]     a sale while servers and processes die, hang and lose answers, then the judges (docs/CHAOS.md)
  sabotage [names] take protections out of a copy of the tree and see the checks go red; --list names them
  ci               formatting, lints with warnings as errors, then every test
  help             this text

Environment
  GOTICKET_CACHE=folder        where installed servers are kept
  GOTICKET_DOCKER=0            do not use Docker although an engine answers
  GOTICKET_DEMO_PROFILE=dev    demo, up and chaos from a debug build, which is compiled sooner
  GOTICKET_TEST_POSTGRES_URL, …_REDIS_URL, …_AMQP_URL, …_AMQP_MANAGEMENT_URL,
  …_KAFKA_BROKERS, …_SMTP_URL, …_MAILBOX_URL
                               use these servers and install none
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    // Commands that end in another program become that program: they return only to say why not.
    let failure = match command.as_deref() {
        Some("install") => match provision::everything().and_then(|()| provision::pgbench()) {
            Ok(_) => return ExitCode::SUCCESS,
            Err(failure) => failure,
        },
        Some("demo") => onsale::run("demo", &rest),
        Some("up") => onsale::run("up", &rest),
        Some("test") => test::run(&rest),
        Some("bench") => bench::run(&rest),
        Some("chaos") => match chaos::run(&rest) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(failure) => failure,
        },
        Some("sabotage") => match sabotage::run(&rest) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(failure) => failure,
        },
        Some("ci") => ci::run(),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("There is no command {other:?}.\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    eprintln!("\n{failure}");
    ExitCode::FAILURE
}
