//! What a link's thread does: accepts, passes on, waits, closes.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::SyncSender,
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc::UnboundedReceiver, watch},
    task::JoinSet,
    time::sleep,
};

/// How long a link tries to get its port back.
const RESTORE_TRIES: u32 = 200;
const RESTORE_PAUSE: Duration = Duration::from_millis(25);

/// Passed on at once, at most.
const BUFFER_BYTES: usize = 16 * 1024;

/// How bytes are passed on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    pub(super) silent: bool,
    pub(super) delay: Duration,
}

/// What has happened on a link.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) accepted: AtomicUsize,
    pub(super) held_up: AtomicUsize,
    pub(super) caught: AtomicUsize,
    trap: Mutex<Option<Trap>>,
}

/// For the next client who says something.
#[derive(Debug)]
struct Trap {
    said: Vec<u8>,
    then: Then,
}

/// What happens to the client who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The server hears it; when it answers, the connection is closed instead.
    LoseAnswer,
    /// The server hears it; its answer waits, and is never passed on.
    HoldAnswer,
    /// The server never hears it; the client waits.
    HoldRequest,
    /// The server hears it late: once the link is restored.
    DelayRequest,
}

#[derive(Debug)]
pub(super) struct Order {
    pub(super) what: What,
    /// How many connections were closed.
    pub(super) done: SyncSender<io::Result<usize>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Open,
    /// Closes every connection, and the door.
    Cut,
    /// Closes every connection; the door stays as it is.
    Drop,
}

impl Seen {
    pub(super) fn set_trap(&self, said: &[u8], then: Then) {
        *self.trap.lock().unwrap_or_else(PoisonError::into_inner) = Some(Trap { said: said.to_vec(), then });
    }

    pub(super) fn take_trap_away(&self) {
        *self.trap.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the trap is set for these bytes, and what then; it springs once.
    fn springs_on(&self, bytes: &[u8]) -> Option<Then> {
        let mut trap = self.trap.lock().unwrap_or_else(PoisonError::into_inner);
        let found = |said: &[u8]| said.is_empty() || bytes.windows(said.len()).any(|window| window == said);
        trap.take_if(|trap| found(&trap.said)).map(|trap| trap.then)
    }
}

/// Where connections go, and how they are.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) target: String,
    pub(super) pace: watch::Receiver<Pace>,
    pub(super) seen: Arc<Seen>,
}

/// Runs until the [`Link`] is dropped; then everything here is dropped, and so closed.
pub(super) async fn serve(addr: SocketAddr, line: Line, mut inbox: UnboundedReceiver<Order>) {
    let mut listener: Option<TcpListener> = None;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            received = inbox.recv() => {
                let Some(Order { what, done }) = received else { return };
                let outcome = match what {
                    What::Open => reopen(addr, &mut listener).await.map(|()| 0),
                    What::Cut => {
                        listener = None;
                        Ok(close_all(&mut connections).await)
                    }
                    What::Drop => Ok(close_all(&mut connections).await),
                };
                let _ = done.send(outcome);
            }
            Ok(client) = accept(listener.as_ref()) => {
                line.seen.accepted.fetch_add(1, Ordering::Relaxed);
                connections.spawn(pass_on(client, line.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Returns how many there were.
async fn close_all(connections: &mut JoinSet<()>) -> usize {
    while connections.try_join_next().is_some() {}
    let open = connections.len();
    connections.shutdown().await;
    open
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(client, _)| client),
        None => std::future::pending().await,
    }
}

async fn reopen(addr: SocketAddr, listener: &mut Option<TcpListener>) -> io::Result<()> {
    let mut tries = 0;
    while listener.is_none() {
        match TcpListener::bind(addr).await {
            Ok(bound) => *listener = Some(bound),
            Err(error) if tries == RESTORE_TRIES => return Err(error),
            Err(_) => sleep(RESTORE_PAUSE).await,
        }
        tries += 1;
    }
    Ok(())
}

async fn pass_on(client: TcpStream, line: Line) {
    let Ok(server) = TcpStream::connect(&line.target).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let doom = OnceLock::new();
    // The first error ends both ways.
    let _ = tokio::try_join!(there(from_client, to_server, &line, &doom), back(from_server, to_client, &line, &doom));
}

/// Until the client has said everything; then the server hears that, too.
async fn there(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    line: &Line,
    doom: &OnceLock<Then>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        line.keep_pace().await?;
        if read == 0 {
            return to.shutdown().await;
        }
        let then = line.seen.springs_on(&buffer[..read]);
        match then {
            Some(Then::HoldRequest) => return line.catch(true).await,
            Some(Then::DelayRequest) => line.hold().await?,
            Some(Then::LoseAnswer | Then::HoldAnswer) | None => {}
        }
        to.write_all(&buffer[..read]).await?;
        // Only now: an answer to what was said before must not end it.
        if let Some(then @ (Then::LoseAnswer | Then::HoldAnswer)) = then {
            let _ = doom.set(then);
        }
    }
}

/// Until the server has said everything, or says what its client must not hear.
async fn back(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    line: &Line,
    doom: &OnceLock<Then>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if let Some(then) = doom.get() {
            return line.catch(*then == Then::HoldAnswer).await;
        }
        line.keep_pace().await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

impl Line {
    /// Waits as long as the link is silent, or makes one wait.
    async fn keep_pace(&self) -> io::Result<()> {
        let Pace { silent, delay } = *self.pace.borrow();
        if silent || !delay.is_zero() {
            self.seen.held_up.fetch_add(1, Ordering::Relaxed);
            sleep(delay).await;
        }
        self.pace.clone().wait_for(|pace| !pace.silent).await.map_err(io::Error::other)?;
        Ok(())
    }

    /// The end of a connection that a trap has caught; held until the link is restored.
    async fn catch(&self, held: bool) -> io::Result<()> {
        if held {
            self.hold().await?;
        } else {
            self.seen.caught.fetch_add(1, Ordering::Relaxed);
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Caught by a trap, until the link is restored.
    async fn hold(&self) -> io::Result<()> {
        let mut pace = self.pace.clone();
        pace.mark_unchanged();
        self.seen.caught.fetch_add(1, Ordering::Relaxed);
        pace.changed().await.map_err(io::Error::other)
    }
}
