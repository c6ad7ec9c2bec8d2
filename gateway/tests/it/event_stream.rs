//! Server-sent events as a client reads them.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::world::{Person, SOON, World};

/// A stream that is open.
pub(crate) struct EventStream {
    source: Source,
    unread: String,
    /// When to come back, in milliseconds.
    pub(crate) retry_ms: Option<u64>,
}

enum Source {
    Response(Response),
    /// Past the headers.
    Connection(TcpStream),
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Event(Event),
    /// A comment, or nothing but a hint.
    Silent,
}

/// Asks for a stream.
pub(crate) async fn ask(world: &World, path: &str, person: Option<&Person>, last: Option<&str>) -> Response {
    let request = world.request(Method::GET, path, person).header("Accept", "text/event-stream");
    let request = match last {
        Some(last) => request.header("Last-Event-ID", last),
        None => request,
    };
    request.send().await.unwrap()
}

impl EventStream {
    pub(crate) async fn open(world: &World, path: &str, person: Option<&Person>, last: Option<&str>) -> Self {
        Self::of(ask(world, path, person, last).await)
    }

    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "private, no-store");
        assert!(!response.headers().contains_key("content-encoding"), "compressed, it would be kept back");
        Self { source: Source::Response(response), unread: String::new(), retry_ms: None }
    }

    /// On a connection that takes little of what is not read. HTTP/1.0: the body is not in chunks, and its end is the connection's.
    pub(crate) async fn narrow(world: &World, path: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let address = world.url("").strip_prefix("http://").unwrap().parse().unwrap();
        let mut connection = socket.connect(address).await.unwrap();
        connection.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut headers = Vec::new();
        while !headers.ends_with(b"\r\n\r\n") {
            headers.push(timeout(SOON, connection.read_u8()).await.expect("headers").unwrap());
        }
        let headers = String::from_utf8(headers).unwrap();
        assert!(headers.starts_with("HTTP/1.0 200 ") && !headers.contains("chunked"), "{headers}");
        Self { source: Source::Connection(connection), unread: String::new(), retry_ms: None }
    }

    /// The next event; None at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            match self.block(SOON).await? {
                Block::Event(event) => return Some(event),
                Block::Silent => {}
            }
        }
    }

    /// The next block, up to an empty line; None at the end.
    pub(crate) async fn block(&mut self, within: Duration) -> Option<Block> {
        let end = loop {
            if let Some(end) = self.unread.find("\n\n") {
                break end;
            }
            let Some(chunk) = timeout(within, self.source.chunk()).await.expect("something in time") else {
                assert_eq!(self.unread, "", "cut in the middle");
                return None;
            };
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        };
        let block: String = self.unread.drain(..end + 2).collect();
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned);
        if let Some(retry) = field("retry") {
            self.retry_ms = Some(retry.parse().unwrap());
        }
        let Some(data) = field("data") else { return Some(Block::Silent) };
        let data = serde_json::from_str(&data).unwrap();
        Some(Block::Event(Event { name: field("event").unwrap(), id: field("id").unwrap(), data }))
    }
}

impl Source {
    async fn chunk(&mut self) -> Option<Bytes> {
        match self {
            Self::Response(response) => response.chunk().await.unwrap(),
            Self::Connection(connection) => {
                let mut chunk = BytesMut::with_capacity(64 * 1024);
                let read = connection.read_buf(&mut chunk).await.unwrap();
                (read > 0).then(|| chunk.freeze())
            }
        }
    }
}
