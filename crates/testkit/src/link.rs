//! A TCP proxy that can be cut, go silent, be slow, or stop at a certain word: fault injection for any server.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
    task::JoinSet,
    time::sleep,
};

use crate::{addresses::host_and_port, ports::free_port};

/// How long [`Link::restore`] tries to get its port back.
const RESTORE_TRIES: u32 = 200;
const RESTORE_PAUSE: Duration = Duration::from_millis(25);

/// Passed on at once, at most.
const BUFFER_BYTES: usize = 16 * 1024;

/// A loopback port whose connections are passed on to a server, until they are cut.
///
/// It works on a thread of its own, so that [`cut`](Self::cut) has happened when it returns,
/// whatever the caller's runtime does. Dropping it cuts for good.
#[derive(Debug)]
pub struct Link {
    addr: SocketAddr,
    orders: UnboundedSender<Order>,
    pace: watch::Sender<Pace>,
    seen: Arc<Seen>,
}

/// How bytes are passed on.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    silent: bool,
    delay: Duration,
}

/// What has happened on a link.
#[derive(Debug, Default)]
struct Seen {
    accepted: AtomicUsize,
    held_up: AtomicUsize,
    caught: AtomicUsize,
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
enum Then {
    /// The server hears it; when it answers, the connection is closed instead.
    LoseAnswer,
    /// The server hears it; its answer waits, and is never passed on.
    HoldAnswer,
    /// The server never hears it; the client waits.
    HoldRequest,
}

#[derive(Debug)]
struct Order {
    what: What,
    /// How many connections were closed.
    done: SyncSender<io::Result<usize>>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Open,
    /// Closes every connection, and the door.
    Cut,
    /// Closes every connection; the door stays as it is.
    Drop,
}

impl Link {
    /// A link to `target` (`host:port`) on a free port.
    pub async fn to(target: &str) -> Result<Self> {
        Self::on(SocketAddr::from(([127, 0, 0, 1], free_port())), target).await
    }

    /// A link to the server that `url` names; `url` leads through it afterwards.
    pub async fn before(url: &mut String) -> Result<Self> {
        let (host, port) = host_and_port(url)?;
        let link = Self::to(&format!("{host}:{port}")).await?;
        let mut through = url::Url::parse(url)?;
        through.set_host(Some(&link.addr.ip().to_string()))?;
        if through.set_port(Some(link.addr.port())).is_err() {
            bail!("{url:?} cannot have a port");
        }
        *url = through.into();
        Ok(link)
    }

    /// A link that listens at `addr`.
    pub(crate) async fn on(addr: SocketAddr, target: &str) -> Result<Self> {
        let target = target.to_owned();
        let (orders, inbox) = unbounded_channel();
        let (pace, paced) = watch::channel(Pace::default());
        let seen = Arc::new(Seen::default());
        let line = Line { target, pace: paced, seen: Arc::clone(&seen) };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name(format!("link {}", addr.port())).spawn(move || runtime.block_on(serve(addr, line, inbox)))?;
        let link = Self { addr, orders, pace, seen };
        let opened = {
            let orders = link.orders.clone();
            tokio::task::spawn_blocking(move || order(&orders, What::Open)).await?
        };
        opened.with_context(|| format!("listen on {addr}"))?;
        Ok(link)
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes every connection and refuses new ones. Has happened on return, which tells how many connections there were.
    ///
    /// # Panics
    /// When the link's thread is dead, which is a bug.
    pub fn cut(&self) -> usize {
        self.carry_out(What::Cut, "cut")
    }

    /// Closes every connection, at whatever they are; new ones are welcome. Has happened on return, which tells how many there were.
    ///
    /// # Panics
    /// When the link's thread is dead, which is a bug.
    pub fn drop_connections(&self) -> usize {
        self.carry_out(What::Drop, "drop the connections of")
    }

    /// Passes nothing on any more, in both directions, without closing anything, as a network that has lost its way. New connections
    /// are accepted and hear nothing either.
    pub fn hush(&self) {
        self.pace.send_replace(Pace { silent: true, ..Pace::default() });
    }

    /// Passes everything on, in both directions, but each piece only after so long.
    pub fn slow_down(&self, delay: Duration) {
        self.pace.send_replace(Pace { silent: false, delay });
    }

    /// The next client whose bytes hold `said` (anything, where it is empty) has them delivered, and its connection closed when the
    /// server answers: the server has done it, and the client cannot know. [`caught`](Self::caught) tells that it happened.
    /// [`restore`](Self::restore) takes the trap away.
    pub fn lose_answer_to(&self, said: &[u8]) {
        self.seen.set_trap(said, Then::LoseAnswer);
    }

    /// The same, but nothing is closed: the client waits for the answer, as long as it likes or until [`restore`](Self::restore),
    /// which closes the connection.
    pub fn hold_answer_to(&self, said: &[u8]) {
        self.seen.set_trap(said, Then::HoldAnswer);
    }

    /// The same, but the server never hears those bytes.
    pub fn hold_request(&self, said: &[u8]) {
        self.seen.set_trap(said, Then::HoldRequest);
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::Relaxed)
    }

    /// Pieces that had to wait so far, because the link was silent or slow.
    pub fn held_up(&self) -> usize {
        self.seen.held_up.load(Ordering::Relaxed)
    }

    /// How many clients the traps have caught so far: the answer is lost, or there and held, or the request is held.
    pub fn caught(&self) -> usize {
        self.seen.caught.load(Ordering::Relaxed)
    }

    /// Accepts connections again, at full speed, and passes on what waited. Has happened on return.
    ///
    /// # Panics
    /// When someone else has taken the port in the meantime.
    pub fn restore(&self) {
        self.seen.take_trap_away();
        self.pace.send_replace(Pace::default());
        self.carry_out(What::Open, "restore");
    }

    fn carry_out(&self, what: What, name: &str) -> usize {
        match order(&self.orders, what) {
            Ok(closed) => closed,
            Err(error) => panic!("{name} the link at {}: {error}", self.addr),
        }
    }
}

impl Seen {
    fn set_trap(&self, said: &[u8], then: Then) {
        *self.trap.lock().unwrap_or_else(PoisonError::into_inner) = Some(Trap { said: said.to_vec(), then });
    }

    fn take_trap_away(&self) {
        *self.trap.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the trap is set for these bytes, and what then; it springs once.
    fn springs_on(&self, bytes: &[u8]) -> Option<Then> {
        let mut trap = self.trap.lock().unwrap_or_else(PoisonError::into_inner);
        let found = |said: &[u8]| said.is_empty() || bytes.windows(said.len()).any(|window| window == said);
        trap.take_if(|trap| found(&trap.said)).map(|trap| trap.then)
    }
}

/// Sends the order and waits until it has been carried out.
fn order(orders: &UnboundedSender<Order>, what: What) -> io::Result<usize> {
    let (done, outcome) = sync_channel(1);
    let dead = || io::Error::other("its thread is gone");
    orders.send(Order { what, done }).map_err(|_| dead())?;
    outcome.recv().map_err(|_| dead())?
}

/// Where connections go, and how they are.
#[derive(Clone)]
struct Line {
    target: String,
    pace: watch::Receiver<Pace>,
    seen: Arc<Seen>,
}

/// Runs until the [`Link`] is dropped; then everything here is dropped, and so closed.
async fn serve(addr: SocketAddr, line: Line, mut inbox: UnboundedReceiver<Order>) {
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
        if then == Some(Then::HoldRequest) {
            return line.catch(true).await;
        }
        to.write_all(&buffer[..read]).await?;
        // Only now: an answer to what was said before must not end it.
        if let Some(then) = then {
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
        let mut pace = self.pace.clone();
        pace.mark_unchanged();
        self.seen.caught.fetch_add(1, Ordering::Relaxed);
        if held {
            pace.changed().await.map_err(io::Error::other)?;
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}
