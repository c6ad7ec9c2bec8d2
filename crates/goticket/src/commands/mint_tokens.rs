//! `goticket mint-tokens`: accounts by the thousand, with access tokens and without a password hash each.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use goticket_domain::AccountId;
use goticket_domain::identity::{EmailAddress, PREHASHED, check_password, prehash};
use goticket_platform::config::{KeysConfig, PostgresConfig};
use goticket_platform::postgres::Plans;
use goticket_storage::accounts::{self, NewAccount};
use goticket_tokens::AccessSigner;
use goticket_tokens::keys::KeyFolder;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::cli::MintArgs;

/// Accounts written in one statement.
const CHUNK: u32 = 5_000;

/// bcrypt cost of a minted password.
const BCRYPT_COST: u32 = 12;

#[derive(Deserialize)]
struct Config {
    postgres: PostgresConfig,
    keys: KeysConfig,
}

pub(super) async fn run(file: Option<&Path>, args: &MintArgs) -> anyhow::Result<ExitCode> {
    let config: Config = super::load(file)?;
    let signer = KeyFolder::at(&config.keys.dir).access_signer()?;
    let pool = goticket_platform::postgres::connect(&config.postgres, Plans::ForTheMoment).await?;
    let password_hash = args.password.as_deref().map(hash).transpose()?;
    let mut lines = String::new();
    let mut first = 1;
    while first <= args.count {
        let last = args.count.min(first + CHUNK - 1);
        let chunk = (first..=last).map(|n| account(args, n, password_hash.as_deref())).collect::<anyhow::Result<Vec<_>>>()?;
        accounts::insert_all(&pool, &chunk)
            .await
            .context("the accounts cannot be written; are there some of the same --name already?")?;
        for account in &chunk {
            writeln!(lines, "{}", line(&signer, account, args))?;
        }
        first = last + 1;
    }
    if args.out == Path::new("-") {
        super::print(&lines)?;
    } else {
        write_private(&args.out, &lines)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn account(args: &MintArgs, n: u32, password_hash: Option<&str>) -> anyhow::Result<NewAccount> {
    let address = format!("{}-{n}@{}", args.name, args.domain);
    Ok(NewAccount {
        id: AccountId::generate(),
        email: EmailAddress::parse(&address).with_context(|| format!("{address:?} is no e-mail address"))?,
        name: format!("{} {n}", args.name),
        role: args.role,
        password_hash: password_hash.map(str::to_owned),
    })
}

fn line(signer: &AccessSigner, account: &NewAccount, args: &MintArgs) -> serde_json::Value {
    #[expect(clippy::disallowed_methods, reason = "a command is a composition root: the clock starts here")]
    let now = Timestamp::now();
    let ttl = Duration::from_secs(args.ttl_s.into());
    let token = signer.issue(account.id, account.role, Uuid::now_v7(), now, ttl);
    serde_json::json!({ "account": account.id, "email": account.email, "access_token": token })
}

fn hash(password: &str) -> anyhow::Result<String> {
    check_password(password)?;
    Ok(format!("{PREHASHED}{}", bcrypt::non_truncating_hash(prehash(password), BCRYPT_COST)?))
}

/// The file holds credentials: only its owner may read it.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let open = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| format!("cannot write {}", path.display()))
}
