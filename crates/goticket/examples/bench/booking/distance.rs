//! A server further away: a TCP proxy that delays whatever the server answers, by the same time, without holding up what follows.
//!
//! The delay is added to every round trip, a commit's among them. (PostgreSQL's own `commit_delay` waits only while siblings are about
//! to commit, so it adds nothing to a single writer's.) Threads instead of tasks: the runtime's timers are good for a millisecond, a
//! sleeping thread for a twentieth of that.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use url::Url;

/// Passed on at once, at most.
const BUFFER_BYTES: usize = 64 * 1024;

/// A listener before a server; connections that are made through it last until one of their ends closes them.
pub(crate) struct Distance {
    addr: SocketAddr,
    closed: Arc<AtomicBool>,
}

impl Distance {
    /// Puts `delay` before the server that `url` names; `url` leads through it afterwards.
    pub(crate) fn before(url: &mut String, delay: Duration) -> anyhow::Result<Self> {
        let mut through = Url::parse(url)?;
        let host = through.host_str().context("an address without a host")?;
        let server = format!("{host}:{}", through.port().unwrap_or(5432));
        let distance = Self::to(server, delay)?;
        through.set_host(Some(&distance.addr.ip().to_string()))?;
        ensure!(through.set_port(Some(distance.addr.port())).is_ok(), "{url:?} cannot have a port");
        *url = through.into();
        Ok(distance)
    }

    fn to(server: String, delay: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let distance = Self { addr: listener.local_addr()?, closed: Arc::default() };
        let closed = Arc::clone(&distance.closed);
        thread::Builder::new().name("distance".to_owned()).spawn(move || {
            for client in listener.incoming().flatten() {
                if closed.load(Ordering::Relaxed) {
                    return;
                }
                // A client whose server cannot be reached sees its connection closed.
                let _ = connect(client, &server, delay);
            }
        })?;
        Ok(distance)
    }
}

impl Drop for Distance {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees it.
        let _ = TcpStream::connect(self.addr);
    }
}

fn connect(client: TcpStream, server: &str, delay: Duration) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    spawn("there", move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    })?;
    let (pieces, later) = channel();
    spawn("back", move || {
        let (mut server, mut buffer) = (server, vec![0; BUFFER_BYTES]);
        while let Ok(read) = server.read(&mut buffer) {
            if read == 0 || pieces.send((Instant::now() + delay, buffer[..read].to_vec())).is_err() {
                return;
            }
        }
    })?;
    spawn("later", move || {
        let _ = pass_on(&later, &client);
        let _ = client.shutdown(Shutdown::Both);
    })
}

fn pass_on(later: &Receiver<(Instant, Vec<u8>)>, mut client: &TcpStream) -> io::Result<()> {
    for (due, piece) in later {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        client.write_all(&piece)?;
    }
    Ok(())
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An echo, and the address it is reached at from further away.
    fn echo(delay: Duration) -> (Distance, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = listener.local_addr().unwrap();
        spawn("echo", move || {
            let (stream, _) = listener.accept().unwrap();
            let _ = io::copy(&mut stream.try_clone().unwrap(), &mut &stream);
            let _ = stream.shutdown(Shutdown::Both);
        })
        .unwrap();
        let mut url = format!("postgres://user@{server}/name");
        let distance = Distance::before(&mut url, delay).unwrap();
        let through = Url::parse(&url).unwrap();
        let client = TcpStream::connect(("127.0.0.1", through.port().unwrap())).unwrap();
        (distance, client)
    }

    #[test]
    fn a_round_trip_takes_the_delay_longer() {
        let delay = Duration::from_millis(20);
        let (_distance, mut client) = echo(delay);
        let mut answer = [0; 4];
        for _ in 0..3 {
            let begun = Instant::now();
            client.write_all(b"ping").unwrap();
            client.read_exact(&mut answer).unwrap();
            assert!(begun.elapsed() >= delay, "{:?}", begun.elapsed());
        }
        assert_eq!(&answer, b"ping");
    }

    #[test]
    fn what_follows_is_not_held_up() {
        let delay = Duration::from_millis(300);
        let (_distance, mut client) = echo(delay);
        let sent: Vec<u8> = (0..=u8::MAX).cycle().take(40 * BUFFER_BYTES).collect();
        let (mut from, expected) = (client.try_clone().unwrap(), sent.clone());
        let begun = Instant::now();
        let reader = thread::spawn(move || {
            let mut received = vec![0; expected.len()];
            from.read_exact(&mut received).unwrap();
            received == expected
        });
        client.write_all(&sent).unwrap();
        assert!(reader.join().unwrap());
        // One after the other, forty pieces would take twelve seconds.
        let took = begun.elapsed();
        assert!(took >= delay && took < 10 * delay, "{took:?}");
    }

    #[test]
    fn an_end_is_passed_on() {
        let (_distance, mut client) = echo(Duration::from_millis(1));
        client.write_all(b"bye").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        client.read_to_end(&mut said).unwrap();
        assert_eq!(said, b"bye");
    }
}
