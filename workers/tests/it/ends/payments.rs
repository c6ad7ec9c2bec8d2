//! Payments nobody told us of, against the sandbox provider on a real socket.

use goticket_domain::{
    PaymentId,
    booking::{Command, PaymentResult},
};
use goticket_platform::config::{U32In, U64In};
use goticket_workers::{
    app::reconcile_payments::{ReconcilePayments, Reconciled},
    outbound::sandbox_payments::{PaymentsConfig, SandboxPayments},
    sandbox::{SandboxConfig, serve},
};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::world::World;

/// Pays; its webhook is never sent.
const SILENT_CARD: &str = "4000000000000127";

struct Till {
    url: String,
    http: Client,
    _open: DropGuard,
}

impl Till {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = SandboxConfig {
            listen: listener.local_addr().unwrap(),
            public_url: url.parse().unwrap(),
            api_key: "sk_test".into(),
            webhook_secret: "whsec".into(),
            webhook_secret_previous: None,
            payments_max: U32In::new(100).unwrap(),
            webhook_concurrency: U32In::new(8).unwrap(),
            webhook_queue: U32In::new(64).unwrap(),
            webhook_timeout_ms: U64In::new(1_000).unwrap(),
            webhook_first_retry_ms: U64In::new(1_000).unwrap(),
            webhook_retry_max_ms: U64In::new(1_000).unwrap(),
            webhook_give_up_s: U64In::new(1).unwrap(),
            late_webhook_ms: U64In::new(0).unwrap(),
            request_timeout_ms: U64In::new(2_000).unwrap(),
        };
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(listener, config, shutdown.clone()));
        Self { url, http: Client::new(), _open: shutdown.drop_guard() }
    }

    /// Opens a payment; the provider's id of it.
    async fn ask(&self, amount_minor: i64) -> String {
        let body =
            json!({"amount_minor": amount_minor, "currency": "EUR", "reference": "r", "webhook_url": "http://127.0.0.1:9/"});
        let request = self.http.post(format!("{}/v1/payments", self.url)).bearer_auth("sk_test");
        let answer = request.header("Idempotency-Key", Uuid::now_v7().to_string()).json(&body).send().await.unwrap();
        answer.error_for_status().unwrap().json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn pay(&self, provider_ref: &str) {
        let request = self.http.post(format!("{}/pay/{provider_ref}", self.url)).header("Accept", "application/json");
        request.form(&[("card_number", SILENT_CARD)]).send().await.unwrap().error_for_status().unwrap();
    }

    /// As a person does it at the provider's own page.
    async fn give_back(&self, provider_ref: &str, amount_minor: i64) {
        let request = self.http.post(format!("{}/v1/payments/{provider_ref}/refunds", self.url)).bearer_auth("sk_test");
        let request =
            request.header("Idempotency-Key", Uuid::now_v7().to_string()).json(&json!({ "amount_minor": amount_minor }));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    async fn look(&self, provider_ref: &str) -> Value {
        let request = self.http.get(format!("{}/v1/payments/{provider_ref}", self.url)).bearer_auth("sk_test");
        request.send().await.unwrap().json().await.unwrap()
    }

    fn api(&self) -> SandboxPayments {
        SandboxPayments::new(&PaymentsConfig {
            url: self.url.parse().unwrap(),
            api_key: Some("sk_test".into()),
            webhook_secret: None,
            timeout_ms: U64In::new(2_000).unwrap(),
        })
        .unwrap()
    }

    /// One that has all the patience or none.
    fn reconciler(&self, world: &World, pause_ms: u64) -> ReconcilePayments {
        let mut config = world.config.workers.payments.clone();
        (config.open_after_ms, config.refund_again_ms) = (U64In::new(pause_ms).unwrap(), U64In::new(pause_ms).unwrap());
        ReconcilePayments::new(world.pool.clone(), self.api(), world.commands(), config)
    }
}

/// As if it were a day old, and not touched since.
async fn age(world: &World, payment: PaymentId) {
    let sql = "UPDATE payments SET (created_at, updated_at, ask_from) = (SELECT at, at, at FROM (SELECT now() - interval '1 day' AS at) t)
               WHERE id = $1";
    sqlx::query(sql).bind(payment.0).execute(&world.pool).await.unwrap();
}

async fn state(world: &World, payment: PaymentId) -> String {
    sqlx::query_scalar("SELECT state FROM payments WHERE id = $1").bind(payment.0).fetch_one(&world.pool).await.unwrap()
}

#[tokio::test]
async fn a_payment_whose_webhook_never_came_is_found() {
    let (world, till) = (World::new().await, Till::open().await);
    let (paid, unpaid) = (world.booking(1, "held", 60).await, world.booking(2, "held", 60).await);
    let (paid_ref, unpaid_ref) = (till.ask(4_900).await, till.ask(4_900).await);
    let payment = world.payment(paid, &paid_ref, "open").await;
    let other = world.payment(unpaid, &unpaid_ref, "open").await;
    till.pay(&paid_ref).await;

    let patient = till.reconciler(&world, 60_000);
    assert_eq!(patient.run_once().await.unwrap(), Reconciled::default(), "the webhook has its time");
    let reconciler = till.reconciler(&world, 60_000);
    age(&world, payment).await;
    age(&world, other).await;
    assert_eq!(reconciler.run_once().await.unwrap(), Reconciled { asked: 2, decided: 1, refunded: 0 });
    assert_eq!(reconciler.run_once().await.unwrap(), Reconciled::default(), "asked, and not again at once");
    age(&world, payment).await;
    assert_eq!(reconciler.run_once().await.unwrap().decided, 1, "still open here: its command may be lost");

    let commands = world.take_commands(2).await;
    assert_eq!(commands[0], commands[1], "the same notice: its second effect is none");
    let Command::Pay { notice } = &commands[0].command else { panic!("{commands:?}") };
    assert_eq!(
        (notice.payment, notice.booking, notice.result, notice.amount),
        (payment, paid, PaymentResult::Paid, World::money())
    );
}

#[tokio::test]
async fn a_declined_payment_that_was_paid_with_another_card_is_found() {
    let (world, till) = (World::new().await, Till::open().await);
    let booking = world.booking(1, "held", 60).await;
    let provider_ref = till.ask(4_900).await;
    let payment = world.payment(booking, &provider_ref, "declined").await;
    till.pay(&provider_ref).await;
    age(&world, payment).await;
    assert_eq!(till.reconciler(&world, 0).run_once().await.unwrap().decided, 1);
    assert!(matches!(world.take_commands(1).await[0].command, Command::Pay { .. }));
}

#[tokio::test]
async fn what_was_paid_is_said_as_it_was_paid() {
    let (world, till) = (World::new().await, Till::open().await);
    let booking = world.booking(1, "held", 60).await;
    let provider_ref = till.ask(100).await;
    let payment = world.payment(booking, &provider_ref, "open").await;
    till.pay(&provider_ref).await;
    age(&world, payment).await;
    till.reconciler(&world, 0).run_once().await.unwrap();
    let commands = world.take_commands(1).await;
    let Command::Pay { notice } = &commands[0].command else { panic!("{commands:?}") };
    assert_eq!(notice.amount.amount_minor, 100, "the worker compares it with what was asked for");
}

#[tokio::test]
async fn money_that_must_go_back_goes_back_once() {
    let (world, till) = (World::new().await, Till::open().await);
    let booking = world.booking(1, "expired", -60).await;
    let provider_ref = till.ask(4_900).await;
    till.pay(&provider_ref).await;
    let payment = world.payment(booking, &provider_ref, "refund_due").await;
    age(&world, payment).await;
    // One that died between the refund and its note.
    till.api().refund(&provider_ref, payment, World::money()).await.unwrap();
    assert_eq!(state(&world, payment).await, "refund_due");

    let reconciler = till.reconciler(&world, 0);
    assert_eq!(reconciler.run_once().await.unwrap().refunded, 1);
    age(&world, payment).await;
    assert_eq!(reconciler.run_once().await.unwrap().refunded, 1, "still due here: its command may be lost");
    let refunded = Command::Refunded { payment, booking };
    assert!(world.take_commands(2).await.iter().all(|sent| (sent.event, &sent.command) == (world.event, &refunded)));
    let at_the_provider = till.look(&provider_ref).await;
    assert_eq!((&at_the_provider["status"], &at_the_provider["refunded_minor"]), (&json!("refunded"), &json!(4_900)));
}

#[tokio::test]
async fn of_what_was_given_back_by_hand_only_the_rest_goes_back() {
    let (world, till) = (World::new().await, Till::open().await);
    let reconciler = till.reconciler(&world, 0);
    for (seat, by_hand) in [(1, 1_000), (2, 4_900)] {
        let booking = world.booking(seat, "expired", -60).await;
        let provider_ref = till.ask(4_900).await;
        till.pay(&provider_ref).await;
        till.give_back(&provider_ref, by_hand).await;
        let payment = world.payment(booking, &provider_ref, "refund_due").await;
        age(&world, payment).await;
        assert_eq!(reconciler.run_once().await.unwrap().refunded, 1, "{by_hand} by hand");
        assert_eq!(world.take_commands(1).await[0].command, Command::Refunded { payment, booking });
        let at_the_provider = till.look(&provider_ref).await;
        assert_eq!((&at_the_provider["status"], &at_the_provider["refunded_minor"]), (&json!("refunded"), &json!(4_900)));
        sqlx::query("UPDATE payments SET state = 'refunded' WHERE id = $1").bind(payment.0).execute(&world.pool).await.unwrap();
    }
}

#[tokio::test]
async fn an_abandoned_attempt_is_asked_about_for_a_while_and_once_more() {
    let (world, till) = (World::new().await, Till::open().await);
    let ask_for_s = i32::try_from(world.config.workers.payments.ask_for_s.get()).unwrap();
    let inside = world.booking(1, "expired", 60 - ask_for_s).await;
    let outside = world.booking(2, "expired", -1 - ask_for_s).await;
    let inside = world.payment(inside, &till.ask(4_900).await, "declined").await;
    let outside_ref = till.ask(4_900).await;
    let outside = world.payment(outside, &outside_ref, "open").await;
    let reconciler = till.reconciler(&world, 0);
    for asked in [2, 1, 1] {
        sqlx::query("UPDATE payments SET ask_from = ask_from - interval '1 year'").execute(&world.pool).await.unwrap();
        assert_eq!(reconciler.run_once().await.unwrap().asked, asked);
    }
    let to_ask = "SELECT id FROM payments WHERE ask_from IS NOT NULL";
    assert_eq!(sqlx::query_scalar::<_, Uuid>(to_ask).fetch_all(&world.pool).await.unwrap(), [inside.0]);

    // Of whoever pays even later the webhook tells; if that money must go back, it does.
    till.pay(&outside_ref).await;
    sqlx::query("UPDATE payments SET state = 'refund_due' WHERE id = $1").bind(outside.0).execute(&world.pool).await.unwrap();
    age(&world, outside).await;
    assert_eq!(reconciler.run_once().await.unwrap().refunded, 1);
}

#[tokio::test]
async fn money_that_must_go_back_does_not_wait_behind_questions() {
    let world = World::new().await;
    let (booking, other) = (world.booking(1, "held", 60).await, world.booking(2, "expired", -60).await);
    for (booking, provider_ref, state) in [(booking, "pay_1", "open"), (other, "pay_2", "refund_due")] {
        let payment = world.payment(booking, provider_ref, state).await;
        age(&world, payment).await;
    }
    // A provider that only listens.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        while heard.len() < 2 {
            let mut said = BufReader::new(listener.accept().await.unwrap().0).lines();
            heard.push(said.next_line().await.unwrap().unwrap());
        }
        heard
    });
    let silent = Till { url, http: Client::new(), _open: CancellationToken::new().drop_guard() };
    assert_eq!(silent.reconciler(&world, 0).run_once().await.unwrap().asked, 1);
    assert_eq!(heard.await.unwrap(), ["GET /v1/payments/pay_2 HTTP/1.1", "GET /v1/payments/pay_1 HTTP/1.1"]);
}

#[tokio::test]
async fn the_provider_away_leaves_everything_for_later() {
    let (world, till) = (World::new().await, Till::open().await);
    let (booking, other) = (world.booking(1, "held", 60).await, world.booking(2, "expired", -60).await);
    let (open, due) = (world.payment(booking, "pay_1", "open").await, world.payment(other, "pay_2", "refund_due").await);
    age(&world, open).await;
    age(&world, due).await;
    let reconciler = till.reconciler(&world, 0);
    drop(till);
    let done = reconciler.run_once().await.unwrap();
    assert_eq!((done.decided, done.refunded), (0, 0));
    assert_eq!((state(&world, open).await, state(&world, due).await), ("open".into(), "refund_due".into()));
}
