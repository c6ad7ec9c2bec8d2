//! The connections of one listener: how many there are, of which networks, and who gives way to a new one.
//!
//! Connections are accepted whatever comes: a listener that waits for a place is stopped by whoever takes all of them. At the limit those
//! give way that have not asked for anything yet, the oldest first, and after them those on which nothing is asked any more, as nginx does
//! with its reusable connections. Where all are of use the new one is closed at once.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

use super::{limits::Limits, meter::Meter, network::network};

/// So many give way together, as a part of the limit: finding the oldest takes a look at all of them.
const TOGETHER: usize = 64;

/// See the module.
pub(super) struct Connections {
    limits: Limits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Connection>,
    of_network: HashMap<IpAddr, usize>,
}

struct Connection {
    network: IpAddr,
    meter: Arc<Meter>,
    /// None for the moment before it is served.
    task: Option<AbortHandle>,
}

/// A connection's place, until it is dropped.
pub(super) struct Place {
    id: u64,
    connections: Arc<Connections>,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None: there is no place for it.
    pub(super) fn admit(self: &Arc<Self>, peer: SocketAddr, meter: &Arc<Meter>) -> Option<Place> {
        let (network, all) = (network(peer.ip()), self.limits.connections_max);
        let of_network = self.limits.of_network_max;
        let mut gone = Vec::new();
        let mut open = self.open();
        if of_network > 0 && open.of_network.get(&network).is_some_and(|count| *count >= of_network) {
            gone.extend(open.give_way(of_network, Some(network)));
            if gone.is_empty() {
                return refused("network_full");
            }
        }
        if open.connections.len() >= all {
            gone.extend(open.give_way(all, None));
            if open.connections.len() >= all {
                return refused("full");
            }
        }
        let id = open.next;
        open.next += 1;
        *open.of_network.entry(network).or_default() += 1;
        open.connections.insert(id, Connection { network, meter: Arc::clone(meter), task: None });
        drop(open);
        end(&gone);
        Some(Place { id, connections: Arc::clone(self) })
    }

    /// The place is served by this task, which ends when another one needs it more.
    pub(super) fn served_by(&self, place: u64, task: AbortHandle) {
        if let Some(connection) = self.open().connections.get_mut(&place) {
            connection.task = Some(task);
        }
    }

    /// The process is out of files.
    pub(super) fn make_room(&self) {
        let gone = self.open().give_way(self.limits.connections_max, None);
        end(&gone);
    }
}

/// Not while the lock is held: a task that ends gives its place back.
fn end(gone: &[Connection]) {
    metrics::counter!("http_connections_ended_total", "why" => "gave_way").increment(gone.len() as u64);
    gone.iter().filter_map(|connection| connection.task.as_ref()).for_each(AbortHandle::abort);
}

fn refused(why: &'static str) -> Option<Place> {
    metrics::counter!("http_connections_refused_total", "why" => why).increment(1);
    None
}

impl Open {
    /// Takes out some of so many connections, of this network or of all: those of the least use.
    fn give_way(&mut self, of: usize, network: Option<IpAddr>) -> Vec<Connection> {
        let concerned = self.connections.iter().filter(|(_, connection)| network.is_none_or(|of| connection.network == of));
        let unused = concerned.filter_map(|(id, connection)| Some((connection.meter.idleness()?, *id)));
        let mut unused: Vec<_> = unused.collect();
        let most = (of / TOGETHER).max(1);
        if unused.len() > most {
            unused.select_nth_unstable(most);
            unused.truncate(most);
        }
        // One that has begun to ask meanwhile stays.
        unused.retain(|(_, id)| self.connections.get(id).is_some_and(|connection| connection.meter.give_up()));
        unused.iter().filter_map(|(_, id)| self.remove(*id)).collect()
    }

    fn remove(&mut self, id: u64) -> Option<Connection> {
        let connection = self.connections.remove(&id)?;
        if let Some(count) = self.of_network.get_mut(&connection.network) {
            *count -= 1;
            if *count == 0 {
                self.of_network.remove(&connection.network);
            }
        }
        Some(connection)
    }
}

impl Place {
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::time::Instant;

    use super::*;
    use crate::http::meter::InWork;

    struct Listener(Arc<Connections>, Limits);

    impl Listener {
        fn new(connections_max: usize, of_network_max: usize) -> Self {
            let limits = Limits { connections_max, of_network_max, ..Limits::default() };
            Self(Arc::new(Connections::new(limits)), limits)
        }

        fn call(&self, from: &str) -> Option<(Place, Arc<Meter>)> {
            let meter = Arc::new(Meter::new(self.1, Instant::now()));
            let place = self.0.admit(SocketAddr::new(from.parse().unwrap(), 1), &meter)?;
            Some((place, meter))
        }

        fn count(&self) -> usize {
            self.0.open().connections.len()
        }
    }

    fn asks(meter: &Arc<Meter>) -> InWork {
        meter.begin().unwrap()
    }

    #[tokio::test]
    async fn at_the_limit_the_oldest_that_asks_nothing_gives_way_and_none_that_waits_for_us() {
        let listener = Listener::new(3, 0);
        let (waiting, silent, kept) = (listener.call("1.1.1.1").unwrap(), listener.call("2.2.2.2"), listener.call("3.3.3.3"));
        let _asked = asks(&waiting.1);
        let (silent, kept) = (silent.unwrap(), kept.unwrap());
        drop(asks(&kept.1));
        let next = listener.call("4.4.4.4").unwrap();
        assert_eq!(listener.count(), 3);
        assert!(silent.1.begin().is_none(), "it was the silent one");
        let _asks = asks(&next.1);
        let last = listener.call("5.5.5.5").unwrap();
        assert!(kept.1.begin().is_none(), "then the one that was kept");
        let _asks_too = asks(&last.1);
        assert!(listener.call("6.6.6.6").is_none(), "all three are of use");
        drop(last);
        assert!(listener.call("6.6.6.6").is_some());
    }

    #[tokio::test]
    async fn one_network_has_its_share_and_the_others_theirs() {
        let listener = Listener::new(10, 2);
        let (one, two) = (listener.call("1.1.1.1").unwrap(), listener.call("1.1.1.2").unwrap());
        let _asked = (asks(&one.1), asks(&two.1));
        assert!(listener.call("1.1.1.3").is_none());
        let other = listener.call("1.1.2.1").unwrap();
        drop(one);
        let third = listener.call("1.1.1.3").unwrap();
        let _fourth = listener.call("1.1.1.4").unwrap();
        assert!(third.1.begin().is_none(), "of its own network the silent one gives way");
        assert!(other.1.begin().is_some());
        let free = Listener::new(10, 0);
        let all: Vec<_> = (0..10).filter_map(|_| free.call("1.1.1.1")).collect();
        assert_eq!((all.len(), free.count()), (10, 10));
    }
}
