//! The database goes away in the moment in which the mail server says "accepted".

use std::{sync::Arc, time::Duration};

use goticket_contracts::tasks::TicketTask;
use goticket_platform::postgres;
use goticket_testkit::Link;
use goticket_workers::app::{mail_tickets::MailTickets, outcome::Outcome};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    mail::printed,
    world::{PATIENCE, World, configured},
};

/// A mail worker whose way to PostgreSQL is cut when its mail is accepted.
struct Cut {
    world: World,
    task: TicketTask,
    link: Arc<Link>,
    mail: Arc<MailTickets>,
    stop: CancellationToken,
}

impl Cut {
    async fn when_accepted() -> Self {
        let world = World::new().await;
        let (_, task) = printed(&world).await;
        let mut url = url::Url::parse(&world.bed.postgres_url).unwrap();
        let link = Link::to(&format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(link.addr().port())).unwrap();
        let link = Arc::new(link);
        let smtp_port = pass_on_mail(&format!("{}:{}", world.bed.smtp_host, world.bed.smtp_port), link.clone()).await.to_string();
        let settings = [
            ("POSTGRES__URL", url.as_str()),
            ("POSTGRES__ACQUIRE_TIMEOUT_MS", "300"),
            ("SMTP__HOST", "127.0.0.1"),
            ("SMTP__PORT", &smtp_port),
        ];
        let config = configured(&world.bed, &settings);
        let (pool, stop) =
            (postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.unwrap(), CancellationToken::new());
        let mail = Arc::new(world.mail_by(&pool, &config.smtp, &stop));
        Self { world, task, link, mail, stop }
    }

    fn begin(&self) -> tokio::task::JoinHandle<Outcome> {
        let (mail, task) = (self.mail.clone(), self.task.clone());
        tokio::spawn(async move { mail.handle(&task).await })
    }

    async fn state(&self) -> String {
        self.world.notification(self.task.booking).await.unwrap().1
    }
}

/// A way to the mail server; `postgres` is cut before the first "accepted" is passed on. Its port.
async fn pass_on_mail(server: &str, postgres: Arc<Link>) -> u16 {
    let (listener, server) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), server.to_owned());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut client_says, mut client_hears) = listener.accept().await.unwrap().0.into_split();
        let (server_says, mut server_hears) = TcpStream::connect(server).await.unwrap().into_split();
        tokio::spawn(async move { copy(&mut client_says, &mut server_hears).await });
        let (mut answers, mut in_the_data) = (BufReader::new(server_says).lines(), false);
        while let Ok(Some(answer)) = answers.next_line().await {
            if in_the_data {
                assert!(answer.starts_with("250"), "{answer}");
                postgres.cut();
            }
            in_the_data = answer.starts_with("354");
            client_hears.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn a_mail_whose_note_the_database_missed_goes_out_once() {
    let cut = Cut::when_accepted().await;
    let claimed = Outcome::Retry { after: Duration::from_secs(15) };
    let mut sending = cut.begin();
    assert!(timeout(Duration::from_secs(8), &mut sending).await.is_err(), "it has the patience");
    assert_eq!((cut.state().await.as_str(), cut.world.bed.mailbox.all().await.unwrap().len()), ("rendered", 1));

    // Copies of the task: where the database is not away, and here when the claim has run out.
    assert_eq!(cut.world.mail().handle(&cut.task).await, claimed);
    sqlx::query("UPDATE notifications SET claimed_until = now() - interval '1 second'").execute(&cut.world.pool).await.unwrap();
    assert_eq!(cut.mail.handle(&cut.task).await, claimed, "it knows better than the database");

    cut.link.restore();
    assert_eq!(timeout(PATIENCE, sending).await.unwrap().unwrap(), Outcome::Ack);
    assert_eq!(cut.state().await, "sent");
    for copy in [&cut.world.mail(), &*cut.mail] {
        assert_eq!(copy.handle(&cut.task).await, Outcome::Ack);
    }
    assert_eq!(cut.world.bed.mailbox.all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_database_that_stays_away() {
    let cut = Cut::when_accepted().await;
    cut.stop.cancel();
    let given_back = timeout(Duration::from_secs(15), cut.begin()).await.expect("less than the drain").unwrap();
    assert!(matches!(given_back, Outcome::Retry { .. }), "{given_back:?}");
    assert_eq!(cut.state().await, "rendered");
    let lease: f64 = sqlx::query_scalar("SELECT extract(epoch FROM claimed_until - now())::float8 FROM notifications")
        .fetch_one(&cut.world.pool)
        .await
        .unwrap();
    assert!(lease > 30.0, "its successor finds the claim: {lease} s");
}
