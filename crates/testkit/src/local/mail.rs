//! GreenMail: takes mail for any address, and gives it back over HTTP.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use anyhow::{Context as _, Result};

use super::{Started, server::Server};
use crate::{
    addresses::Addresses,
    cache::{Cache, MAIL_VERSION},
    ports::free_port,
    ready,
};

pub(super) async fn start(cache: &Cache, stack_folder: &Path) -> Result<Started> {
    let folder = stack_folder.join("mail");
    fs::create_dir(&folder).context("make the mail server's folder")?;
    let (smtp, api) = (free_port(), free_port());
    let mut java = Command::new("java");
    java.current_dir(&folder)
        // Mails stay in memory: thousands of them, each with a ticket attached.
        .args(["-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"])
        .arg("-Dgreenmail.auth.disabled")
        .arg("-Dgreenmail.smtp.hostname=127.0.0.1")
        .arg(format!("-Dgreenmail.smtp.port={smtp}"))
        .arg("-Dgreenmail.api.hostname=127.0.0.1")
        .arg(format!("-Dgreenmail.api.port={api}"))
        .arg("-jar")
        .arg(cache.mail().join(format!("greenmail-standalone-{MAIL_VERSION}.jar")));
    let smtp = SocketAddr::from(([127, 0, 0, 1], smtp));
    let mailbox_url = format!("http://127.0.0.1:{api}");
    let process = Server::spawn("the mail server", stack_folder, java)?.ready(|| ready::mail(smtp, &mailbox_url)).await?;
    Ok(Started {
        addresses: Addresses { smtp_url: Some(format!("smtp://{smtp}")), mailbox_url: Some(mailbox_url), ..Addresses::default() },
        processes: vec![process],
    })
}
