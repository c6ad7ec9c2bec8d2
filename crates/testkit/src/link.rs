//! A TCP proxy that can be cut, go silent, be slow, or stop at a certain word: fault injection for any server.

mod line;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering, mpsc::sync_channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    runtime::Builder,
    sync::{
        mpsc::{UnboundedSender, unbounded_channel},
        watch,
    },
};

use self::line::{Line, Order, Pace, Seen, Then, What, serve};
use crate::{addresses::host_and_port, ports::free_port};

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

    /// The same, but the server hears those bytes in the end: they wait on their way until [`restore`](Self::restore), which passes
    /// them on and closes nothing.
    pub fn delay_request(&self, said: &[u8]) {
        self.seen.set_trap(said, Then::DelayRequest);
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::Relaxed)
    }

    /// Pieces that had to wait so far, because the link was silent or slow.
    pub fn held_up(&self) -> usize {
        self.seen.held_up.load(Ordering::Relaxed)
    }

    /// How many clients the traps have caught so far: the answer is lost, or there and held, or the request is held or late.
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

/// Sends the order and waits until it has been carried out.
fn order(orders: &UnboundedSender<Order>, what: What) -> io::Result<usize> {
    let (done, outcome) = sync_channel(1);
    let dead = || io::Error::other("its thread is gone");
    orders.send(Order { what, done }).map_err(|_| dead())?;
    outcome.recv().map_err(|_| dead())?
}
