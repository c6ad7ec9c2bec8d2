//! What one listener gives its clients: connections, time, and a pace.

use std::time::Duration;

/// See the fields. The defaults are those of listeners that only our own processes reach; who serves the public sets its own.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections. Without it streams would use up the process's files. At the limit those give way that ask for nothing.
    pub connections_max: usize,
    /// Connections of one network, a /24 of IPv4 or a /48 of IPv6; 0: as many as there are. One who has many must not have them all.
    pub of_network_max: usize,
    /// A new connection that says nothing for longer is let go.
    pub first_byte: Duration,
    /// From the first byte of a request's head to its last; in HTTP/2 until the first request's.
    pub head: Duration,
    /// A connection on which nothing is asked for longer is closed. Longer than those who keep connections to us keep them idle (balancers:
    /// 60 s), or they would ask on one that is just being closed.
    pub idle: Duration,
    /// A client that takes nothing of what waits for it for longer, or is not there any more, is let go.
    pub unread: Duration,
    /// A client that takes less than this is let go after `unread`, too: a byte now and then is no reading.
    pub bytes_per_s: u32,
    /// Requests at a time on one HTTP/2 connection.
    pub streams_max: u32,
    /// The head of a request: its lines in HTTP/1, its list of fields in HTTP/2.
    pub head_bytes_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            of_network_max: 0,
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            unread: Duration::from_secs(30),
            bytes_per_s: 240,
            streams_max: 1_024,
            head_bytes_max: 64 * 1024,
        }
    }
}

impl Limits {
    /// Looked at as often, a connection is never found to be late later than it is: whatever changes on it leaves it this time at least.
    pub(super) fn shortest(&self) -> Duration {
        self.first_byte.min(self.head).min(self.idle).min(self.unread)
    }
}
