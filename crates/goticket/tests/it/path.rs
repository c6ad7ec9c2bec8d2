//! The path of one ticket, from the registration to the PDF in the mail: in one process, and with every role apart.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use goticket_testkit::{Mail, eventually};
use mail_parser::{MessageParser, MimeHeaders as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::world::api::Api;
use crate::world::fan::{Fan, Outcome, SOON, card, new_key};
use crate::world::onsale::{Event, Wish};
use crate::world::{ALL_APART, ONE_PROCESS, World};

#[tokio::test]
async fn one_process_takes_a_fan_from_the_door_to_the_ticket() {
    an_evening(World::of(ONE_PROCESS).await).await;
}

#[tokio::test]
async fn every_role_in_its_own_process_takes_a_fan_from_the_door_to_the_ticket() {
    an_evening(World::of(ALL_APART).await).await;
}

async fn an_evening(mut world: World) {
    let mut fan = walk_in(&world.api, &world.deployment.bed.address("walk-in")).await;
    verifies_their_address(&world, &fan).await;
    let event = world.publish(&Wish { lobby: Duration::from_secs(5), ..Wish::default() }).await;
    fan.event.clone_from(&event.id);
    waits_in_the_lobby(&mut fan).await;
    fan.claim().await;
    checks_the_draw(&fan, &world.deployment.bed.objects_dir.join("draw")).await;

    let seats = [event.seat("Circle", 3), event.seat("Circle", 4)];
    fan.sees(&seats, '0').await;
    let key = new_key();
    let Outcome::Held(held) = fan.outcome(&key, &json!({ "seats": seats })).await else { panic!("refused") };
    assert_eq!((held.state.as_str(), held.numbers()), ("held", seats.to_vec()));
    assert_eq!(held.total, json!({ "amount_minor": 10_000, "currency": "EUR" }));
    assert_eq!((held.seats[0].category, held.seats[0].number.as_str()), (0, "4"));
    fan.sees(&seats, '1').await;

    let confirmed = fan.buy(&held.id, card::PAYS).await;
    assert_eq!(confirmed.numbers(), seats);
    fan.sees(&seats, '2').await;
    counts_as_sold(&world.api, &event).await;
    has_their_tickets(&fan, &held.id).await;
    has_their_mail(&world, &fan, &event).await;

    // The key still tells what became of the request, long after.
    let replayed = fan.ask(&key, &json!({ "seats": seats })).answer().await;
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    assert_eq!(replayed.body()["id"], held.id.as_str());
    let left = fan.queue(Method::DELETE, "").answer().await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    world.assert_clean().await;
    world.deployment.stop().await.unwrap();
}

/// Registers and logs in with a password, as a browser would.
async fn walk_in(api: &Api, email: &str) -> Fan {
    let password = "correct horse battery staple";
    let body = json!({ "email": email, "password": password, "name": "Walk-in" });
    let registered: Value = api.post("/v1/auth/register").json(&body).answer().await.expect(StatusCode::CREATED);
    let body = json!({ "email": email, "password": password });
    let session: Value = api.post("/v1/auth/login").json(&body).answer().await.expect(StatusCode::OK);
    assert_eq!(session["account"]["id"], registered["account"]["id"]);
    let token = session["access_token"].as_str().unwrap().to_owned();
    let me: Value = api.get("/v1/me").token(&token).answer().await.expect(StatusCode::OK);
    assert_eq!((me["email"].as_str(), me["role"].as_str()), (Some(email), Some("user")));
    Fan {
        api: api.clone(),
        account: me["id"].as_str().unwrap().to_owned(),
        email: email.to_owned(),
        token,
        event: String::new(),
        place: String::new(),
        receipt: String::new(),
        entry: String::new(),
    }
}

/// By the link in the mail that came when they registered.
async fn verifies_their_address(world: &World, fan: &Fan) {
    let mail = eventually("the mail with the link", SOON, async || {
        world.deployment.bed.mailbox.messages_to(&fan.email).await.unwrap().into_iter().next()
    })
    .await;
    let mail = MessageParser::default().parse(mail.raw.as_bytes()).unwrap();
    assert_eq!(mail.subject(), Some("Verify your e-mail address"));
    let text = mail.body_text(0).unwrap();
    let link = text.split_whitespace().find(|word| word.contains("/v1/auth/verify-email#")).unwrap();
    let token = link.split_once('#').unwrap().1;
    let verified = fan.api.post("/v1/auth/verify-email").json(&json!({ "token": token })).answer().await;
    assert_eq!(verified.status, StatusCode::NO_CONTENT);
    let me: Value = fan.api.get("/v1/me").token(&fan.token).answer().await.expect(StatusCode::OK);
    assert!(me["email_verified_at"].is_string(), "{me}");
}

/// One account, one place: joining again, from another device, returns it.
async fn waits_in_the_lobby(fan: &mut Fan) {
    fan.join().await;
    let again = Fan { place: String::new(), ..fan.clone() };
    let place: Value = fan.queue(Method::GET, "/place").patiently().await.expect(StatusCode::OK);
    let again: Value = again.queue(Method::POST, "").answer().await.expect(StatusCode::OK);
    assert_eq!(place["location"]["where"], "lobby", "{place}");
    assert_eq!((again["place"]["kind"].as_str(), again["location"]["where"].as_str()), (Some("lobby"), Some("lobby")), "{again}");
    let early = fan.queue(Method::POST, "/claim").patiently().await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.body());
    let board = fan.queue(Method::GET, "/board").patiently().await;
    assert_eq!(board.headers["cache-control"], "public, max-age=1");
}

/// With what anyone may fetch and with what they kept, and without us.
async fn checks_the_draw(fan: &Fan, dir: &Path) {
    let receipt: Value = serde_json::from_str(&fan.receipt).unwrap();
    let record = fan.queue(Method::GET, &format!("/draw?position={}", receipt["position"])).patiently().await;
    let entries = fan.queue(Method::GET, "/draw/entries").patiently().await;
    std::fs::create_dir_all(dir).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.join(name), bytes).unwrap();
        dir.join(name)
    };
    let (record, entries) = (file("draw.json", &record.bytes), file("entries", &entries.bytes));
    let kept = file("receipt.json", fan.receipt.as_bytes());
    let mut verify = tokio::process::Command::new(env!("CARGO_BIN_EXE_goticket"));
    verify.arg("verify-draw").args([&record, &entries]).args(["--place-ticket", &fan.place]);
    verify.arg("--receipt").arg(kept).arg("--proofs").arg(&record);
    let verified = verify.output().await.unwrap();
    let said = String::from_utf8(verified.stdout).unwrap();
    assert!(verified.status.success(), "{said}{}", String::from_utf8_lossy(&verified.stderr));
}

async fn counts_as_sold(api: &Api, event: &Event) {
    eventually("an availability that counts the sold seats", SOON, async || {
        let path = format!("/v1/events/{}/availability", event.id);
        let availability: Value = api.get(&path).answer().await.expect(StatusCode::OK);
        let categories = availability["categories"].as_array().unwrap().clone();
        let sum = |what: &str| categories.iter().filter_map(|category| category[what].as_u64()).sum::<u64>();
        ((sum("sold"), sum("held"), sum("free")) == (2, 0, u64::from(event.capacity) - 2)).then_some(())
    })
    .await;
}

/// One ticket per seat, each with a code of its own, each a PDF.
async fn has_their_tickets(fan: &Fan, booking: &str) {
    let path = format!("/v1/bookings/{booking}/tickets");
    let tickets: Value = fan.api.get(&path).token(&fan.token).answer().await.expect(StatusCode::OK);
    let tickets = tickets["items"].as_array().unwrap().clone();
    assert_eq!(tickets.len(), 2, "{tickets:?}");
    assert_ne!(tickets[0]["code"], tickets[1]["code"]);
    for ticket in tickets {
        let path = ticket["pdf_url"].as_str().unwrap().trim_start_matches(fan.api.base()).to_owned();
        let pdf = fan.api.get(&path).token(&fan.token).patiently().await;
        assert_eq!((pdf.status, &pdf.headers["content-type"]), (StatusCode::OK, &"application/pdf".parse().unwrap()));
        assert_is_ticket(&pdf.bytes, &["An Evening at the Harbour Club", "Circle"]).await;
        let stranger = fan.api.get(&path).answer().await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    }
}

async fn has_their_mail(world: &World, fan: &Fan, event: &Event) {
    let mails = eventually("the mail with the tickets", SOON, async || {
        let mut mails = world.deployment.bed.mailbox.messages_to(&fan.email).await.unwrap();
        mails.retain(Mail::brings_tickets);
        (!mails.is_empty()).then_some(mails)
    })
    .await;
    let mail = MessageParser::default().parse(mails[0].raw.as_bytes()).unwrap();
    assert_eq!(mail.subject(), Some(format!("Your tickets: {}", event.title).as_str()));
    let text = mail.body_text(0).unwrap();
    for fact in [event.title.as_str(), "Harbour Club", "Circle", "50.00 EUR", "100.00 EUR"] {
        assert!(text.contains(fact), "{fact} is missing in {text}");
    }
    let attachment = mail.attachment(0).unwrap();
    assert_eq!(attachment.content_type().unwrap().subtype(), Some("pdf"));
    assert_is_ticket(attachment.contents(), &[&event.title, "Circle"]).await;
}

/// A whole PDF, with these words where there is a program to read them.
async fn assert_is_ticket(pdf: &[u8], words: &[&str]) {
    let shown = String::from_utf8_lossy(&pdf[..pdf.len().min(80)]);
    assert!(pdf.starts_with(b"%PDF-") && pdf.trim_ascii_end().ends_with(b"%%EOF") && pdf.len() > 2_000, "{shown}");
    let mut reader = tokio::process::Command::new("pdftotext");
    let reader = reader.args(["-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let Ok(mut reader) = reader else { return };
    reader.stdin.take().unwrap().write_all(pdf).await.unwrap();
    let text = String::from_utf8(reader.wait_with_output().await.unwrap().stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
}
