//! Ten thousand fans who follow the board on a connection each: the gateway's memory, and when the last of them reads a change.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use goticket_domain::identity::Role;
use http::{HeaderValue, Method, header};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    Ground, Measured,
    rooms::Onsale,
    world::{GATEWAY, World, standing_still},
};
use crate::{client::Client, latency::Latencies, memory::resident_kib, rates::count};

/// Watchers, of a million fans.
const WATCHERS_PART: usize = 100;

/// Fewer than a server's queue of connections that are not accepted yet.
const CONNECTED_AT_ONCE: usize = 100;

/// What a watcher reads at once.
const CHUNK: usize = 8 * 1_024;

/// How long a change may take to come to all.
const PATIENCE: Duration = Duration::from_secs(30);

/// The message that operators set: short, and in no other board.
const NEWS: &str = "the doors open at eight";

/// `sse_kib_per_watcher`
pub(super) async fn kib(ground: Ground) -> anyhow::Result<Measured> {
    let Watched { kib_each, note, .. } = watch(ground).await?;
    Ok(Measured::of(kib_each, note))
}

/// `sse_last_ms`: from the operator's request to the last reader.
pub(super) async fn last_ms(ground: Ground) -> anyhow::Result<Measured> {
    let Watched { last_ms, note, .. } = watch(ground).await?;
    Ok(Measured::of(last_ms, note))
}

struct Watched {
    kib_each: f64,
    last_ms: f64,
    note: String,
}

async fn watch(ground: Ground) -> anyhow::Result<Watched> {
    let number = ground.fans / WATCHERS_PART;
    let mut world = World::start(ground.bed, 1, &standing_still(), Onsale::HasBegun).await?;
    let event = world.events[0];
    let fans = world.queue_up(event, number).await?;
    let gateway = world.open_gateway().await?;
    let (_, tickets) = world.place_tickets(&fans, number)?;
    let process = world.deployment.process_id(GATEWAY)?;

    let before = resident_kib(process)?;
    let (heard, mut watchers) = (Arc::new(Mutex::new(Vec::with_capacity(number))), JoinSet::new());
    for some in tickets.chunks(CONNECTED_AT_ONCE) {
        let open = some.iter().map(|ticket| open(gateway, event.0, ticket));
        for stream in try_join_all(open).await.context("open the streams (`ulimit -n` must allow for twice as many files)")? {
            let heard = Arc::clone(&heard);
            watchers.spawn(read(stream, move |at| heard.lock().unwrap_or_else(PoisonError::into_inner).push(at)));
        }
    }
    let operator = world.access_tokens(&fans.accounts()[..1], Role::Admin)?;
    let change = world.ask(Method::PATCH, event, "/control")?.showing(header::AUTHORIZATION, operator);
    let change = change.with_json(&json!({ "message": NEWS, "reason": "benchmark" }));
    let mut client = Client::connect(gateway).await?;
    let changed = Instant::now();
    change.answer(&mut client).await?;
    let all = || heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    while all().len() < number {
        ensure!(changed.elapsed() < PATIENCE, "only {} of {number} watchers have heard the news", all().len());
        ensure!(watchers.try_join_next().is_none(), "a stream has ended; the logs:\n{}", world.deployment.logs());
        sleep(Duration::from_millis(10)).await;
    }
    let after = resident_kib(process)?;
    watchers.shutdown().await;
    world.deployment.stop().await?;

    let heard = all();
    let last = heard.iter().max().context("no one watched")?.duration_since(changed);
    let since = Latencies::of(heard.iter().map(|at| at.duration_since(changed)));
    let kib_each = count(after.saturating_sub(before)) / count(number as u64);
    let note = format!("the gateway has {} KiB, {before} before {number} came; a change: {}", after, since.summary());
    Ok(Watched { kib_each, last_ms: last.as_secs_f64() * 1e3, note })
}

/// Asks for the stream, and reads until it has begun.
async fn open(gateway: SocketAddr, event: uuid::Uuid, ticket: &HeaderValue) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(gateway).await?;
    let ticket = ticket.to_str()?;
    let request = format!("GET /v1/events/{event}/queue/stream HTTP/1.1\r\nhost: {gateway}\r\nplace-ticket: {ticket}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut begun = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut begun)).await.context("no answer in time")??;
    ensure!(&begun == b"HTTP/1.1 200", "the stream was answered {}", String::from_utf8_lossy(&begun));
    Ok(stream)
}

/// Reads for ever; `hears` is called when the news have come.
async fn read(mut stream: TcpStream, hears: impl FnOnce(Instant)) -> anyhow::Result<()> {
    let (mut hears, mut chunk, mut kept) = (Some(hears), vec![0; CHUNK], 0);
    loop {
        let read = stream.read(&mut chunk[kept..]).await?;
        ensure!(read > 0, "the stream has ended");
        let filled = kept + read;
        if hears.is_some() && chunk[..filled].windows(NEWS.len()).any(|part| part == NEWS.as_bytes()) {
            let at = Instant::now();
            hears.take().into_iter().for_each(|hears| hears(at));
        }
        // The news may begin in one chunk and end in the next.
        kept = filled.min(NEWS.len() - 1);
        chunk.copy_within(filled - kept..filled, 0);
    }
}
