//! `onsale up`: the same stack with a seeded event, kept running for a person with curl.

use std::sync::Arc;
use std::time::Duration;

use goticket_testkit::{Deployment, Durability, Stack, TestBed};

use crate::api::Api;
use crate::demo::PROCESSES;
use crate::options::Up;
use crate::stage;
use crate::tally::Tally;

/// Admissions per minute: a person alone is through at once.
const RATE_PER_MIN: u32 = 600;

/// Runs until Ctrl-C, which drops everything.
pub(crate) async fn run(options: Up) -> anyhow::Result<bool> {
    println!("Starting PostgreSQL, Redis, RabbitMQ, Kafka and a mail server …");
    let stack = Stack::start(Durability::Durable).await?;
    let mut deployment = Deployment::prepare(TestBed::in_stack(&stack).await?, Deployment::binary()?).await?;
    for roles in PROCESSES {
        deployment.start(roles)?;
    }
    deployment.ready().await?;
    // Made for this run and gone with it.
    let password = format!("{:016x}", rand::random::<u64>());
    let mut logins = Vec::new();
    for role in ["admin", "organizer", "user"] {
        let made = stage::accounts(&deployment, role, role, 1, Some(&password)).await?;
        logins.extend(made);
    }
    let api = Api::new(deployment.base_url(), Arc::new(Tally::hidden()))?;
    let plan = stage::plan(&deployment, &options.venue).await?;
    let set = stage::Plan { lobby: Duration::from_secs(5), rate_per_min: RATE_PER_MIN, hold_seconds: 600, active_cap: 1_000 };
    let onsale = stage::event(&api, &logins[1], plan, set).await?;
    let (base, event, private) = (api.base(), &onsale.event, deployment.gateway_private_url()?);
    println!(
        "\n  {}\n  {} seats; the lobby is open, the sale starts in {} s\n",
        onsale.title,
        onsale.capacity,
        set.lobby.as_secs()
    );
    println!(
        "  API docs     {base}/docs\n  OpenAPI      {base}/openapi.json\n  metrics      {private}/metrics\n  readiness    {private}/readyz\n  mails        {}\n",
        deployment.bed.mailbox.api()
    );
    for login in &logins {
        println!("  login        {}   password {password}", login.email);
    }
    println!("\nThe path of one ticket:\n{}", walk(base, deployment.bed.mailbox.api(), event, &logins[2].email, &password));
    println!("\nOperators: GOTICKET's settings for a shell of your own, then goticket ops --event {event}\n");
    for (name, value) in deployment.env() {
        println!("  export {name}='{value}'");
    }
    println!("\nCtrl-C takes everything down.");
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        deployment.all_alive()?;
    }
}

/// One curl line per step; each puts what the next needs into a shell variable.
fn walk(base: &str, mails: &str, event: &str, email: &str, password: &str) -> String {
    let field = |name: &str| format!("sed -E 's/.*\"{name}\":\"([^\"]+)\".*/\\1/'");
    let auth = "-H \"Authorization: Bearer $TOKEN\"";
    let json = "-H 'Content-Type: application/json'";
    let steps = [
        (
            "log in",
            format!(
                "TOKEN=$(curl -s {base}/v1/auth/login {json} -d '{{\"email\":\"{email}\",\"password\":\"{password}\"}}' | {})",
                field("access_token")
            ),
        ),
        ("join the line", format!("PLACE=$(curl -s -X POST {base}/v1/events/{event}/queue {auth} | {})", field("place_ticket"))),
        ("ask for your place", format!("curl -s {base}/v1/events/{event}/queue/place -H \"Place-Ticket: $PLACE\"")),
        (
            "claim your entry token",
            format!(
                "ENTRY=$(curl -s -X POST {base}/v1/events/{event}/queue/claim {auth} -H \"Place-Ticket: $PLACE\" | {})",
                field("entry_token")
            ),
        ),
        ("look at what is left", format!("curl -s {base}/v1/events/{event}/availability {auth}")),
        ("look at the seat map", format!("curl -s '{base}/v1/events/{event}/seats?geometry=false' {auth}")),
        (
            "ask for seats",
            format!(
                "BOOKING=$(curl -s -X POST {base}/v1/events/{event}/bookings {auth} -H \"Entry-Token: $ENTRY\" -H \"Idempotency-Key: $(date +%s%N)\" \
                 {json} -d '{{\"section\":0,\"quantity\":2}}' | {})",
                "grep -oE '\"id\":\"[^\"]+' | head -n 1 | cut -c7-"
            ),
        ),
        (
            "open the payment page",
            format!("PAY=$(curl -s -X POST {base}/v1/bookings/$BOOKING/payment {auth} {json} -d '{{}}' | {})", field("pay_url")),
        ),
        ("pay with a test card", "curl -s \"$PAY\" -H 'Accept: application/json' -d card_number=4242424242424242".to_owned()),
        ("see the booking", format!("curl -s {base}/v1/bookings/$BOOKING {auth}")),
        (
            "get the tickets",
            format!(
                "TICKET=$(curl -s {base}/v1/bookings/$BOOKING/tickets {auth} | grep -oE '\"id\":\"[^\"]+' | head -n 1 | cut -c7-)"
            ),
        ),
        ("print one", format!("curl -s -o ticket.pdf {base}/v1/tickets/$TICKET.pdf {auth}")),
        ("read the mail that brought them", format!("curl -s {mails}/api/user/{email}/messages/")),
    ];
    let lines: Vec<String> = steps.iter().zip(1..).map(|((what, line), n)| format!("  # {n}. {what}\n  {line}")).collect();
    lines.join("\n")
}
