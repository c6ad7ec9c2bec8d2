//! Free loopback ports.

use std::{
    collections::HashSet,
    fs,
    net::{Ipv4Addr, TcpListener},
    sync::{LazyLock, Mutex, PoisonError},
};

use rand::Rng as _;

/// Below it live well-known services.
const LOWEST: u16 = 15_000;

/// A port on the loopback interface that nobody listens on. No two calls in one process yield the
/// same one.
///
/// It lies below the range from which the system takes the ports of outgoing connections: those
/// could steal it before its server has started, or while a [`Link`](crate::Link) is cut.
///
/// # Panics
/// When the machine has no free port left.
pub fn free_port() -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let below = ephemeral_start().clamp(LOWEST + 1_000, 60_000);
    for _ in 0..10_000 {
        let port = rand::rng().random_range(LOWEST..below);
        let unheard = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if unheard && given.insert(port) {
            return port;
        }
    }
    panic!("no free port on the loopback interface between {LOWEST} and {below}");
}

fn ephemeral_start() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(32_768)
}
