//! The waiting room as a process of its own: `run`, from its configuration to its end.

use std::time::Duration;

use goticket_admission::{Config, SecretError, run};
use goticket_domain::AccountId;
use goticket_domain::queue::WaitingRoom;
use goticket_platform::config::load_from;
use goticket_platform::shutdown::Shutdown;
use goticket_testkit::{TestBed, eventually, free_port};
use goticket_tokens::keys::KeyFolder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;

use crate::grpc_client::Client;
use crate::world::{World, generous};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const SOON: Duration = Duration::from_secs(20);

fn config(bed: &TestBed, port: u16, secret: Option<&str>) -> Config {
    let keys = bed.objects_dir.join("keys");
    let mut env = vec![
        ("GOTICKET__POSTGRES__URL".to_owned(), bed.postgres_url.clone()),
        ("GOTICKET__REDIS__URL".to_owned(), bed.redis_url.clone()),
        ("GOTICKET__REDIS__PREFIX".to_owned(), bed.redis_prefix.clone()),
        ("GOTICKET__KEYS__DIR".to_owned(), keys.display().to_string()),
        ("GOTICKET__ADMISSION__LISTEN".to_owned(), format!("127.0.0.1:{port}")),
        ("GOTICKET__ADMISSION__TICK_MS".to_owned(), "20".to_owned()),
    ];
    env.extend(secret.map(|secret| ("GOTICKET__ADMISSION__GRPC_SECRET".to_owned(), secret.to_owned())));
    load_from(None, env).unwrap()
}

/// What plain HTTP answers on the same port.
async fn http_get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_process_opens_the_lobby_draws_and_admits_by_itself() {
    let bed = TestBed::new().await;
    KeyFolder::generate(bed.objects_dir.join("keys")).unwrap();
    let (port, shutdown) = (free_port(), Shutdown::new());
    let config = config(&bed, port, Some(SECRET));
    let world = World::on(bed, &[]).await;
    let event = world.publish(&generous(), -60, 3_600).await;
    let running = tokio::spawn(run(config, shutdown.clone()));
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
    let channel = eventually("it listens", SOON, || async { endpoint.connect().await.ok() }).await;
    let room = Client { channel, secret: SECRET.to_owned() };
    let fan = AccountId::generate();
    let joined = eventually("the lobby is open", SOON, || async { room.join(event, fan).await.ok() }).await;
    world.sale_is_due(event).await;
    eventually("it is their turn", SOON, || async { room.claim(event, fan, &joined.signed).await.ok() }).await;
    assert!(http_get(port, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(http_get(port, "/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(http_get(port, "/metrics").await.contains("admission_admitted_total"));
    shutdown.trigger();
    running.await.unwrap().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn without_a_good_secret_grpc_is_not_served() {
    let bed = TestBed::new().await;
    for (secret, error) in [(None, SecretError::Missing), (Some("short"), SecretError::TooShort)] {
        let refused = run(config(&bed, free_port(), secret), Shutdown::new()).await.unwrap_err();
        assert_eq!(refused.downcast_ref(), Some(&error));
        assert!(refused.to_string().contains("GOTICKET__ADMISSION__GRPC_SECRET"));
    }
}
