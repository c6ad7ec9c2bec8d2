//! A crowd of fans behind a bounded number of connections.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::try_join_all;
use tokio::{task::JoinSet, time::Instant, time::sleep_until};

use super::{
    seen::Seen,
    shop::{Errand, Shop},
};
use crate::{booking::requests::Request, client::Client, rates::count};

/// Connections made at once: more would overflow the gateway's queue of those it has not accepted.
const CONNECTED_AT_ONCE: usize = 100;

/// When fans come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// The next as soon as a connection is free.
    Closed,
    /// So many per second, evenly, whatever becomes of those before. One that finds no connection free is sent late.
    Open(f64),
}

pub(crate) struct Crowd {
    shop: Arc<Shop>,
    clients: Vec<Client>,
    /// In the last run there was time for one more request than there were.
    pub ran_dry: bool,
}

impl Crowd {
    pub(crate) async fn gather(shop: Arc<Shop>, gateway: SocketAddr, connections: usize) -> anyhow::Result<Self> {
        let mut clients = Vec::with_capacity(connections);
        while clients.len() < connections {
            let some = CONNECTED_AT_ONCE.min(connections - clients.len());
            clients.extend(try_join_all((0..some).map(|_| Client::connect(gateway))).await?);
        }
        Ok(Self { shop, clients, ran_dry: false })
    }

    /// Sends these requests, in their order, until there are no more or the time is over; then waits for what is under way. One that is
    /// turned away for the moment is put behind the others, under its key.
    pub(crate) async fn run(
        &mut self,
        errand: Errand,
        pace: Pace,
        requests: VecDeque<Request>,
        for_: Duration,
    ) -> anyhow::Result<Vec<Seen>> {
        let waiting = Mutex::new(requests);
        let turns =
            Turns { begun: Instant::now(), for_, pace, waiting, given: AtomicU64::new(0), ran_dry: AtomicBool::new(false) };
        let turns = Arc::new(turns);
        let mut tasks = JoinSet::new();
        for client in self.clients.drain(..) {
            tasks.spawn(serve(Arc::clone(&self.shop), client, errand, Arc::clone(&turns)));
        }
        let mut all = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            let (client, seen) = ended?;
            self.clients.push(client);
            all.extend(seen);
        }
        self.ran_dry = turns.ran_dry.load(Ordering::Relaxed);
        Ok(all)
    }
}

/// Who is next on any of the connections.
struct Turns {
    begun: Instant,
    for_: Duration,
    pace: Pace,
    waiting: Mutex<VecDeque<Request>>,
    given: AtomicU64,
    ran_dry: AtomicBool,
}

impl Turns {
    /// The next request, and when it is due.
    fn next(&self) -> Option<(Request, Duration)> {
        let now = self.begun.elapsed();
        let due = match self.pace {
            Pace::Closed => now,
            Pace::Open(per_second) => Duration::from_secs_f64(count(self.given.fetch_add(1, Ordering::Relaxed)) / per_second),
        };
        if now >= self.for_ || due >= self.for_ {
            return None;
        }
        let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if next.is_none() {
            self.ran_dry.store(true, Ordering::Relaxed);
        }
        next.map(|request| (request, due))
    }

    fn come_back(&self, request: Request) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(request);
    }
}

/// One connection, fan after fan.
async fn serve(shop: Arc<Shop>, mut client: Client, errand: Errand, turns: Arc<Turns>) -> (Client, Vec<Seen>) {
    let mut all = Vec::new();
    while let Some((request, due)) = turns.next() {
        if due > turns.begun.elapsed() {
            sleep_until(turns.begun + due).await;
        }
        let sent = turns.begun.elapsed();
        let told = shop.carry_out(&mut client, errand, request).await;
        let answered = turns.begun.elapsed();
        all.push(Seen { no: request.no, told, due, sent, answered });
        if told.may_come_back() {
            turns.come_back(request);
        }
    }
    (client, all)
}
