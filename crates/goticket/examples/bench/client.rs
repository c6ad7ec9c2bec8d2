//! One kept connection to the gateway. As little as possible around the protocol: it shares its cores with what it measures.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// How long a fan believes in a request; longer than any wait they ask for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Made again after it broke.
pub(crate) struct Client {
    gateway: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    pub(crate) async fn connect(gateway: SocketAddr) -> anyhow::Result<Self> {
        let mut client = Self { gateway, sender: None };
        client.sender().await?;
        Ok(client)
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let answer = timeout(PATIENCE, self.try_send(request)).await.context("no answer in time");
        let answer = answer.and_then(|answer| answer);
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn try_send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let sender = self.sender().await?;
        sender.ready().await?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn sender(&mut self) -> anyhow::Result<&mut SendRequest<Full<Bytes>>> {
        let sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => connect(self.gateway).await?,
        };
        Ok(self.sender.insert(sender))
    }
}

async fn connect(gateway: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(gateway).await.context("connect to the gateway")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; what breaks it is the sender's error, too.
    tokio::spawn(connection);
    Ok(sender)
}
