//! The crowd: every fan a task of its own. Most have an account already; some walk in, register and log in with a password.

use std::time::Instant;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::{Api, With};
use crate::fan::{Fan, Story};
use crate::night::Night;
use crate::stage::Account;
use crate::tally::Step;

/// Fans with a password of their own. Each costs two hashes of a third of a second, on the one core that the gateway lets them have.
pub(crate) const WALK_INS: u32 = 12;

/// Sends everybody to the onsale and waits until all have gone home. The addresses of `walk_ins` have no account yet.
pub(crate) async fn attend(night: &Night, accounts: Vec<Account>, walk_ins: Vec<String>) -> Vec<Story> {
    let mut tasks = JoinSet::new();
    let mut numbers = 0..;
    for (account, number) in accounts.into_iter().zip(&mut numbers) {
        tasks.spawn(Fan::new(account, number, night.seed).attend(night.clone()));
    }
    let one_by_one = night.onsale.lobby_window / u32::try_from(walk_ins.len()).unwrap_or(u32::MAX).max(1);
    let mut arrives_at = night.onsale.lobby_opens_at;
    for (email, number) in walk_ins.into_iter().zip(&mut numbers) {
        tasks.spawn(walk_in(night.clone(), email, number, arrives_at));
        arrives_at += one_by_one;
    }
    tasks.join_all().await
}

async fn walk_in(night: Night, email: String, number: u64, arrives_at: Instant) -> Story {
    tokio::time::sleep_until(arrives_at.into()).await;
    match register(&night.api, &email).await {
        Ok(account) => Fan::new(account, number, night.seed).attend(night).await,
        Err(error) => {
            night.tally.done.add(1);
            Story { email, fault: Some(format!("{error:#}")), ..Story::default() }
        }
    }
}

/// Registers and logs in, as a browser would.
async fn register(api: &Api, email: &str) -> anyhow::Result<Account> {
    let password = format!("{:016x}", rand::random::<u64>());
    let body = json!({ "email": email, "password": password, "name": "Walk-in" });
    let with = With { body: Some(&body), ..With::default() };
    let made: Value = api.call(Step::Register, Method::POST, "/v1/auth/register", with).await?.ok("register")?;
    let body = json!({ "email": email, "password": password });
    let with = With { body: Some(&body), ..With::default() };
    let session: Value = api.call(Step::Login, Method::POST, "/v1/auth/login", with).await?.ok("login")?;
    anyhow::ensure!(made["account"]["id"] == session["account"]["id"], "logged in as somebody else");
    let access_token = session["access_token"].as_str().context("a session without a token")?.to_owned();
    Ok(Account { email: email.to_owned(), access_token })
}
