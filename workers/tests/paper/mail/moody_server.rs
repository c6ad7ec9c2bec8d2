//! A mail server on a real socket that fails where it is told to: what no well-behaved server can be made to do.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use goticket_platform::config::SmtpConfig;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How one connection goes: where the command begins so, it is answered so. The greeting's command is "".
/// An empty answer is silence, for ever.
pub(super) type Mood = Vec<(&'static str, &'static str)>;

#[derive(Clone)]
pub(super) struct MoodyServer {
    port: u16,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    moods: Mutex<VecDeque<Mood>>,
    heard: Mutex<Vec<String>>,
    messages: Mutex<Vec<String>>,
    open: AtomicUsize,
    open_max: AtomicUsize,
}

impl MoodyServer {
    pub(super) async fn friendly() -> Self {
        Self::with([]).await
    }

    /// The moods of the first connections; later ones are friendly.
    pub(super) async fn with(moods: impl IntoIterator<Item = Mood>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner { moods: Mutex::new(moods.into_iter().collect()), ..Inner::default() });
        let server = Self { port: listener.local_addr().unwrap().port(), inner };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&accepting.inner);
                let mood = inner.moods.lock().unwrap().pop_front().unwrap_or_default();
                tokio::spawn(async move {
                    let open = inner.open.fetch_add(1, Ordering::SeqCst) + 1;
                    inner.open_max.fetch_max(open, Ordering::SeqCst);
                    converse(stream, &mood, &inner).await;
                    inner.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    pub(super) fn config(&self) -> SmtpConfig {
        super::config("127.0.0.1", self.port)
    }

    /// Every command of every connection.
    pub(super) fn heard(&self) -> Vec<String> {
        self.inner.heard.lock().unwrap().clone()
    }

    /// Every message that was ended and accepted.
    pub(super) fn messages(&self) -> Vec<String> {
        self.inner.messages.lock().unwrap().clone()
    }

    pub(super) fn connections_max(&self) -> usize {
        self.inner.open_max.load(Ordering::SeqCst)
    }
}

async fn converse(stream: TcpStream, mood: &Mood, inner: &Inner) -> Option<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut command = String::new();
    loop {
        let moody = mood.iter().find(|(when, _)| if when.is_empty() { command.is_empty() } else { command.starts_with(when) });
        let answer = moody.map_or_else(|| friendly(&command), |(_, answer)| answer);
        if answer.is_empty() {
            // Silence, until the other side has gone.
            while lines.next_line().await.ok()?.is_some() {}
            return None;
        }
        writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        if answer.starts_with("354") {
            let mut message = String::new();
            loop {
                let line = lines.next_line().await.ok()??;
                if line == "." {
                    break;
                }
                message.push_str(&line);
                message.push('\n');
            }
            inner.messages.lock().unwrap().push(message);
            "the end of the data".clone_into(&mut command);
        } else {
            command = lines.next_line().await.ok()??;
            inner.heard.lock().unwrap().push(command.clone());
        }
    }
}

fn friendly(command: &str) -> &'static str {
    match command.split([' ', ':']).next() {
        Some("") => "220 moody",
        Some("EHLO") => "250-moody\r\n250 AUTH PLAIN",
        Some("DATA") => "354 go ahead",
        Some("AUTH") => "235 welcome",
        _ => "250 ok",
    }
}
