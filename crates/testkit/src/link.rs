//! A TCP proxy that can be cut: fault injection for any server.

use std::{
    io,
    net::SocketAddr,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::sleep,
};

use crate::ports::free_port;

/// How long [`Link::restore`] tries to get its port back.
const RESTORE_TRIES: u32 = 200;
const RESTORE_PAUSE: Duration = Duration::from_millis(25);

/// A loopback port whose connections are passed on to a server, until they are cut.
///
/// It works on a thread of its own, so that [`cut`](Self::cut) has happened when it returns,
/// whatever the caller's runtime does. Dropping it cuts for good.
#[derive(Debug)]
pub struct Link {
    addr: SocketAddr,
    orders: UnboundedSender<Order>,
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

    /// A link that listens at `addr`.
    pub(crate) async fn on(addr: SocketAddr, target: &str) -> Result<Self> {
        let target = target.to_owned();
        let (orders, inbox) = unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name(format!("link {}", addr.port()))
            .spawn(move || runtime.block_on(serve(addr, target, inbox)))?;
        let link = Self { addr, orders };
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

    /// Accepts connections again. Has happened on return.
    ///
    /// # Panics
    /// When someone else has taken the port in the meantime.
    pub fn restore(&self) {
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

/// Runs until the [`Link`] is dropped; then everything here is dropped, and so closed.
async fn serve(addr: SocketAddr, target: String, mut inbox: UnboundedReceiver<Order>) {
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
                connections.spawn(pass_on(client, target.clone()));
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

async fn pass_on(mut client: TcpStream, target: String) {
    let Ok(mut server) = TcpStream::connect(&target).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
