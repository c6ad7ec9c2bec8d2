//! The workers' promises, on real servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod booking;
mod ends;
mod hall;
mod shares;

use std::time::Duration;

use goticket_platform::config::load_from;
use goticket_testkit::TestBed;
use serde::de::DeserializeOwned;

/// Longer than any reconnection takes on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// The sections a test needs, pointed at its bed.
fn config<T: DeserializeOwned>(bed: &TestBed, extra: &[(&str, &str)]) -> T {
    goticket_platform::crypto::install();
    let bed = [
        ("GOTICKET__POSTGRES__URL", bed.postgres_url.as_str()),
        ("GOTICKET__REDIS__URL", &bed.redis_url),
        ("GOTICKET__REDIS__PREFIX", &bed.redis_prefix),
        ("GOTICKET__AMQP__URL", &bed.amqp_url),
        ("GOTICKET__WORKERS__LISTEN", "127.0.0.1:0"),
    ];
    let variables = bed.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load_from(None, variables).unwrap()
}
