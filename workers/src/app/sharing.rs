//! How the processes of a role share the lanes: see `goticket_storage::leases`.

use goticket_platform::config::U64In;
use serde::Deserialize;

/// `[workers.lanes]`: the ranges leave at least two ticks in a lease.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharesConfig {
    /// The lanes of a process that was not heard of for so long are taken over. Longer than the pauses a healthy process makes.
    pub lease_ms: U64In<2_000, 600_000>,
    /// How often a process is heard of, and how fast shares even out.
    pub tick_ms: U64In<50, 1_000>,
}
