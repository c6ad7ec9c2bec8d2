//! The crowd: every fan a task of its own; and a few who register and log in with a password like anybody else.

use std::sync::Arc;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::{Api, With};
use crate::fan::{Fan, Story};
use crate::stage::{Account, Onsale};
use crate::tally::{Step, Tally};

/// Fans with a password of their own: bcrypt at cost 12 allows two cores about twenty log-ins a second, so not everybody.
pub(crate) const WITH_PASSWORD: u32 = 20;

/// Registers fans and logs them in, as a browser would.
pub(crate) async fn register(api: &Api, domain: &str, count: u32) -> anyhow::Result<Vec<Account>> {
    let mut tasks = JoinSet::new();
    for n in 0..count {
        let (api, email) = (api.clone(), format!("walk-in-{n}@{domain}"));
        tasks.spawn(async move { register_one(&api, email).await });
    }
    tasks.join_all().await.into_iter().collect()
}

async fn register_one(api: &Api, email: String) -> anyhow::Result<Account> {
    let password = format!("{:016x}", rand::random::<u64>());
    let body = json!({ "email": email, "password": password, "name": "Walk-in" });
    let with = With { body: Some(&body), ..With::default() };
    let made: Value = api.call(Step::Register, Method::POST, "/v1/auth/register", with).await?.ok("register")?;
    let body = json!({ "email": email, "password": password });
    let with = With { body: Some(&body), ..With::default() };
    let session: Value = api.call(Step::Login, Method::POST, "/v1/auth/login", with).await?.ok("login")?;
    anyhow::ensure!(made["account"]["id"] == session["account"]["id"], "logged in as somebody else");
    let access_token = session["access_token"].as_str().context("a session without a token")?.to_owned();
    Ok(Account { email, access_token })
}

/// Sends everybody to the onsale and waits until all have gone home.
pub(crate) async fn attend(api: &Api, onsale: &Arc<Onsale>, tally: &Arc<Tally>, accounts: Vec<Account>, seed: u64) -> Vec<Story> {
    let mut tasks = JoinSet::new();
    for (number, account) in (0..).zip(accounts) {
        let fan = Fan::new(account.email, account.access_token, number, seed);
        tasks.spawn(fan.attend(api.clone(), Arc::clone(onsale), Arc::clone(tally)));
    }
    tasks.join_all().await
}
