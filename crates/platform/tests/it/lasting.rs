//! Answers that last: sent as they come, to their end or their reader's.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Extension, Router, body::Body, response::IntoResponse as _, routing::get};
use bytes::Bytes;
use futures::stream;
use goticket_platform::http::{self, Lasting, Limits};
use goticket_testkit::eventually;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::SOON;

/// A server of one answer, whose body is what is sent here.
struct Served {
    address: SocketAddr,
    news: mpsc::UnboundedSender<&'static str>,
    /// Bodies that are being sent.
    bodies: Arc<AtomicUsize>,
    shutdown: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(lasts: bool) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (news, heard) = mpsc::unbounded_channel();
    let (heard, bodies) = (Arc::new(Mutex::new(Some(heard))), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&bodies);
    let answer = async move || {
        let Some(heard) = heard.lock().unwrap().take() else { return "again".into_response() };
        let counted = Counted::new(&counted);
        let body = stream::unfold((heard, counted), |(mut heard, counted)| async move {
            let text: &str = heard.recv().await?;
            Some((Ok::<_, Infallible>(Bytes::from_static(text.as_bytes())), (heard, counted)))
        });
        let body = Body::from_stream(body);
        if lasts { (Extension(Lasting), body).into_response() } else { body.into_response() }
    };
    let shutdown = CancellationToken::new();
    let router = Router::new().route("/", get(answer));
    let server = tokio::spawn(http::serve(listener, router, shutdown.clone(), SOON));
    Served { address, news, bodies, shutdown, server }
}

impl Served {
    async fn ask(&self, version: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        let again = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        client.write_all(format!("GET / {version}\r\nhost: x\r\n\r\n{again}").as_bytes()).await.unwrap();
        client
    }
}

/// All that comes until this.
async fn read_until(client: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !read.ends_with(end.as_bytes()) {
            read.push(client.read_u8().await.unwrap());
        }
    };
    timeout(SOON, reading).await.expect(end);
    String::from_utf8(read).unwrap()
}

async fn read_to_end(client: &mut TcpStream) -> String {
    let mut rest = String::new();
    timeout(SOON, client.read_to_string(&mut rest)).await.unwrap().unwrap();
    rest
}

#[tokio::test]
async fn each_part_comes_at_once_and_the_connection_ends_with_the_last() {
    let served = serve(true).await;
    let mut client = served.ask("HTTP/1.1").await;
    let head = read_until(&mut client, "\r\n\r\n").await.to_lowercase();
    assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
    assert!(head.contains("transfer-encoding: chunked\r\n") && head.contains("connection: close\r\n"), "{head}");
    for (news, chunk) in [("one", "3\r\none\r\n"), ("", ""), ("the sixteenth of", "10\r\nthe sixteenth of\r\n")] {
        served.news.send(news).unwrap();
        assert_eq!(read_until(&mut client, chunk).await, chunk);
    }
    let Served { news, bodies, .. } = served;
    drop(news);
    assert_eq!(read_to_end(&mut client).await, "0\r\n\r\n", "what was asked after it is not answered");
    assert_eq!(bodies.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_does_not_last_or_is_not_sent_in_chunks_is_left_to_hyper() {
    for (lasts, version, end) in [(false, "HTTP/1.1", "again"), (true, "HTTP/1.0", "all")] {
        let served = serve(lasts).await;
        let mut client = served.ask(version).await;
        let head = read_until(&mut client, "\r\n\r\n").await.to_lowercase();
        assert!(!(head.contains("connection: close") && head.contains("chunked")), "{version}: {head}");
        served.news.send("all").unwrap();
        drop(served.news);
        read_until(&mut client, end).await;
    }
}

#[tokio::test]
async fn clients_read_it_as_any_answer_in_http_1_and_2() {
    for client in [reqwest::Client::builder(), reqwest::Client::builder().http2_prior_knowledge()] {
        let served = serve(true).await;
        let asked = client.build().unwrap().get(format!("http://{}", served.address)).send();
        let mut answer = timeout(SOON, asked).await.unwrap().unwrap();
        for news in ["one", "two"] {
            served.news.send(news).unwrap();
            assert_eq!(timeout(SOON, answer.chunk()).await.unwrap().unwrap().unwrap(), news);
        }
        drop(served.news);
        assert_eq!(timeout(SOON, answer.bytes()).await.unwrap().unwrap(), "", "its end");
    }
}

#[tokio::test]
async fn a_reader_who_goes_is_noticed_before_there_is_news() {
    let served = serve(true).await;
    let mut client = TcpStream::connect(served.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut client, "\r\n\r\n").await;
    served.news.send("news").unwrap();
    read_until(&mut client, "news\r\n").await;
    assert_eq!(served.bodies.load(Ordering::Relaxed), 1);
    drop(client);
    let none = async || (served.bodies.load(Ordering::Relaxed) == 0).then_some(());
    eventually("the body is let go of", SOON, none).await;
}

#[tokio::test]
async fn at_the_end_what_lasts_is_waited_for_and_cut_after_that() {
    let served = serve(true).await;
    let mut client = served.ask("HTTP/1.1").await;
    read_until(&mut client, "\r\n\r\n").await;
    served.shutdown.cancel();
    let refused = async || TcpStream::connect(served.address).await.err().map(drop);
    eventually("no new connection is taken", SOON, refused).await;
    served.news.send("the last").unwrap();
    drop(served.news);
    assert_eq!(read_to_end(&mut client).await, "8\r\nthe last\r\n0\r\n\r\n");
    timeout(SOON, served.server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn who_takes_nothing_of_it_is_let_go() {
    static CHUNK: [u8; 64 * 1024] = [0; 64 * 1024];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bodies = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&bodies);
    let endless = async move || {
        let counted = Counted::new(&counted);
        let body = stream::repeat_with(move || {
            let _counted = &counted;
            Ok::<_, Infallible>(Bytes::from_static(&CHUNK))
        });
        (Extension(Lasting), Body::from_stream(body))
    };
    let router = Router::new().route("/", get(endless));
    let (shutdown, limits) = (CancellationToken::new(), Limits { unread: Duration::from_secs(1), ..Limits::default() });
    let service = move |peer| http::known_by(&router, peer);
    let server = tokio::spawn(http::serve_within(limits, listener, service, shutdown.clone(), Duration::ZERO));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    idle.read_u8().await.unwrap();
    assert_eq!(bodies.load(Ordering::Relaxed), 1);
    eventually("it is let go", SOON, async || (bodies.load(Ordering::Relaxed) == 0).then_some(())).await;
    shutdown.cancel();
    server.await.unwrap().unwrap();
}
