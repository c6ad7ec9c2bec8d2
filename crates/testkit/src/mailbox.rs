//! The mail server read back.

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

/// Mailboxes asked at a time.
const AT_A_TIME: usize = 8;

/// A delivered mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The `Message-ID` header as it stands, angle brackets included; empty when there is none.
    pub message_id: String,
    /// The address it was delivered to.
    pub to: String,
    /// Decoded.
    pub subject: String,
    /// The whole message, RFC 5322.
    pub raw: String,
}

impl Mail {
    /// Whether it brings tickets; others verify addresses.
    pub fn brings_tickets(&self) -> bool {
        self.subject.starts_with("Your tickets")
    }
}

/// What the mail server has delivered: of one test's mail domain, or of everyone.
#[derive(Clone, Debug)]
pub struct Mailbox {
    api: String,
    domain: Option<String>,
    http: Client,
}

#[derive(Deserialize)]
struct User {
    email: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Message-ID", default)]
    id: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(rename = "mimeMessage", default)]
    raw: Option<String>,
}

impl Mailbox {
    pub(crate) fn new(api: String, domain: Option<String>) -> Self {
        let http = Client::new();
        Self { api, domain, http }
    }

    /// Where the mail server's API answers.
    pub fn api(&self) -> &str {
        self.api.trim_end_matches('/')
    }

    /// The mails delivered to that address, whatever its domain, oldest first.
    pub async fn messages_to(&self, address: &str) -> Result<Vec<Mail>> {
        let answer = self.http.get(self.url(&["user", address, "messages"])?).send().await?;
        // A mailbox begins to exist with its first mail.
        if answer.status() == StatusCode::BAD_REQUEST || answer.status() == StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let messages: Vec<Message> = answer.error_for_status()?.json().await?;
        let mail = |message: Message| Mail {
            message_id: message.id.unwrap_or_default(),
            to: address.to_owned(),
            subject: message.subject.unwrap_or_default(),
            raw: message.raw.unwrap_or_default(),
        };
        Ok(messages.into_iter().map(mail).collect())
    }

    /// Every mail: in a [`TestBed`](crate::TestBed), those to its `mail_domain`; in
    /// [`Stack::mailbox`](crate::Stack::mailbox), all.
    pub async fn all(&self) -> Result<Vec<Mail>> {
        let mails: Vec<Vec<Mail>> = stream::iter(self.addresses().await?)
            .map(|address| async move { self.messages_to(&address).await })
            .buffered(AT_A_TIME)
            .try_collect()
            .await?;
        Ok(mails.into_iter().flatten().collect())
    }

    /// Deletes what [`all`](Self::all) would return.
    pub async fn purge(&self) -> Result<()> {
        for address in self.addresses().await? {
            let answer = self.http.delete(self.url(&["user", &address])?).send().await?;
            ensure!(
                answer.status().is_success() || answer.status() == StatusCode::BAD_REQUEST,
                "the mail server would not delete the mails of {address}: {}",
                answer.status()
            );
        }
        Ok(())
    }

    /// The addresses that have received mail.
    pub async fn addresses(&self) -> Result<Vec<String>> {
        let answer = self.http.get(self.url(&["user"])?).send().await?;
        let users: Vec<User> = answer.error_for_status()?.json().await?;
        let own = |address: &String| match &self.domain {
            Some(domain) => address.rsplit('@').next().is_some_and(|of| of == domain),
            None => true,
        };
        Ok(users.into_iter().map(|user| user.email).filter(own).collect())
    }

    fn url(&self, path: &[&str]) -> Result<Url> {
        let mut url = Url::parse(&self.api)?;
        url.path_segments_mut()
            .ok()
            .context("the mail server's API address is no HTTP address")?
            .pop_if_empty()
            .push("api")
            .extend(path);
        Ok(url)
    }
}
