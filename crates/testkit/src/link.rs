//! A TCP proxy that can be cut, or go silent: fault injection for any server.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
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
    silence: watch::Sender<bool>,
    accepted: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Order {
    open: bool,
    done: SyncSender<io::Result<()>>,
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
        let (silence, silent) = watch::channel(false);
        let accepted = Arc::new(AtomicUsize::new(0));
        let line = Line { target, silent, accepted: Arc::clone(&accepted) };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name(format!("link {}", addr.port())).spawn(move || runtime.block_on(serve(addr, line, inbox)))?;
        let link = Self { addr, orders, silence, accepted };
        let opened = {
            let orders = link.orders.clone();
            tokio::task::spawn_blocking(move || order(&orders, true)).await?
        };
        opened.with_context(|| format!("listen on {addr}"))?;
        Ok(link)
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Closes every connection and refuses new ones. Has happened on return.
    ///
    /// # Panics
    /// When the link's thread is dead, which is a bug.
    pub fn cut(&self) {
        if let Err(error) = order(&self.orders, false) {
            panic!("cut the link at {}: {error}", self.addr);
        }
    }

    /// Passes nothing on any more, in both directions, without closing anything, as a network that has lost its way. New connections
    /// are accepted and hear nothing either.
    pub fn hush(&self) {
        self.silence.send_replace(true);
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Accepts connections again, and passes on what waited. Has happened on return.
    ///
    /// # Panics
    /// When someone else has taken the port in the meantime.
    pub fn restore(&self) {
        self.silence.send_replace(false);
        if let Err(error) = order(&self.orders, true) {
            panic!("restore the link at {}: {error}", self.addr);
        }
    }
}

/// Sends the order and waits until it has been carried out.
fn order(orders: &UnboundedSender<Order>, open: bool) -> io::Result<()> {
    let (done, outcome) = sync_channel(1);
    let dead = || io::Error::other("its thread is gone");
    orders.send(Order { open, done }).map_err(|_| dead())?;
    outcome.recv().map_err(|_| dead())?
}

/// Where connections go, and how they are.
#[derive(Clone)]
struct Line {
    target: String,
    silent: watch::Receiver<bool>,
    accepted: Arc<AtomicUsize>,
}

/// Runs until the [`Link`] is dropped; then everything here is dropped, and so closed.
async fn serve(addr: SocketAddr, line: Line, mut inbox: UnboundedReceiver<Order>) {
    let mut listener: Option<TcpListener> = None;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            received = inbox.recv() => {
                let Some(Order { open, done }) = received else { return };
                let outcome = if open {
                    reopen(addr, &mut listener).await
                } else {
                    listener = None;
                    connections.shutdown().await;
                    Ok(())
                };
                let _ = done.send(outcome);
            }
            Ok(client) = accept(listener.as_ref()) => {
                line.accepted.fetch_add(1, Ordering::Relaxed);
                connections.spawn(pass_on(client, line.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
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
    let (there, back) = (pass(from_client, to_server, line.silent.clone()), pass(from_server, to_client, line.silent));
    let _ = tokio::join!(there, back);
}

/// Until the sender has said everything; then the receiver hears that, too.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut silent: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        silent.wait_for(|silent| !silent).await.map_err(io::Error::other)?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}
