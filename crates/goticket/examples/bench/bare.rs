//! A handler that does nothing: the comparator of what is served over HTTP. It is axum as anyone would write it, in a process of its own,
//! and answers every request with the same bytes.

use std::{
    io,
    net::SocketAddr,
    process::{self, Stdio},
    thread,
};

use anyhow::Context as _;
use axum::{Router, routing::any};
use bytes::Bytes;
use http::{HeaderValue, header};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

/// The process.
pub(crate) struct Bare {
    process: Child,
    pub address: SocketAddr,
}

impl Bare {
    /// Starts it; it ends when this is dropped.
    pub(crate) async fn start(body_bytes: usize) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let mut process = Command::new(program)
            .args(["bare", "--body-bytes", &body_bytes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start the bare handler")?;
        let said = process.stdout.take().context("the bare handler has no output")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line).await?;
        let address = line.trim().parse().with_context(|| format!("the bare handler said {line:?} for its address"))?;
        Ok(Self { process, address })
    }

    pub(crate) fn process_id(&self) -> anyhow::Result<u32> {
        self.process.id().context("the bare handler has ended")
    }
}

/// Says where it listens, and answers until whoever started it is gone: then its input ends.
pub(crate) async fn serve(body_bytes: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let body = Bytes::from(vec![b'x'; body_bytes]);
    let answer = any(move || {
        let answer = ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body.clone());
        async move { answer }
    });
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    Ok(axum::serve(listener, Router::new().route("/{*path}", answer)).await?)
}
