//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use goticket_domain::EventId;
use goticket_domain::identity::{Assurance, Role as AccountRole};
use goticket_domain::queue::entry_rules::CodeKind;
use goticket_domain::queue::{AtOnce, AutoChange, BeaconChain, PlaceId, RoomMode, RoomState, WhenDown};
use goticket_draw::{Beacon, BeaconKey};
use goticket_simulate::Auto;
use jiff::Timestamp;

use crate::roles::RoleSet;

/// Sells a stadium in minutes without selling one seat twice.
#[derive(Debug, Parser)]
#[command(name = "goticket", version, about)]
pub(crate) struct Cli {
    /// TOML file over the built-in defaults; `GOTICKET__SECTION__KEY` variables stand over both.
    #[arg(long, global = true, env = "GOTICKET_CONFIG")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the services.
    Serve {
        /// Which, separated by commas: gateway, admission, booking, expiry, relay, notifier, pdf, mail, payments, sandbox;
        /// `workers` stands for booking to payments, `all` for everything but the sandbox payment provider.
        #[arg(long, default_value = "all")]
        roles: RoleSet,
    },
    /// Bring the database's schema up to date.
    Migrate,
    /// Prove from the queues, the tables and the Kafka log that nothing was oversold, lost or doubled; exits 1 if something was. For
    /// when the sale is over or paused: what is still to be decided is a failure, too.
    Audit(AuditArgs),
    /// Look at a waiting room, or change it.
    Ops(OpsArgs),
    /// Prove from what the API says that an operators' log is whole: no entry was changed, moved or taken out. Names the first one that
    /// was, and exits 1. Needs no server and no settings.
    VerifyLog(VerifyLogArgs),
    /// Prove from what the API says, and from what a fan kept, that a draw was not steered: no place was added, dropped or moved, and the
    /// order is the one that follows. Names the first thing that is wrong, and exits 1. Needs no server and no settings.
    VerifyDraw(VerifyDrawArgs),
    /// Make accounts with access tokens, for load tests and the demo. Needs the private access key.
    MintTokens(MintArgs),
    /// Who may log in.
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// Venues.
    #[command(subcommand)]
    Venue(VenueCommand),
    /// Key files.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Rehearse a sale on a virtual clock: how long the line takes, what fans are told, what it costs. Exits 1 if a place was lost,
    /// doubled or overtaken. Needs no server and no settings.
    Simulate(SimulateArgs),
}

/// What to audit.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only this event.
    #[arg(long)]
    pub event: Option<EventId>,
    /// Look in outbox and Kafka only for what began since then (RFC 3339), if that is later than what the outbox keeps: after it was
    /// emptied, or when it was told to keep more.
    #[arg(long)]
    pub since: Option<Timestamp>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Which room, and what to change in it. Without a change it is only shown.
#[derive(Debug, Args)]
pub(crate) struct OpsArgs {
    /// Whose room.
    #[arg(long)]
    pub event: EventId,
    /// Who is acting: the e-mail address of an admin's account. Needed for a change.
    #[arg(long = "as", value_name = "EMAIL")]
    pub actor: Option<String>,
    /// Why, for the log. Needed for a change.
    #[arg(long, default_value = "")]
    pub reason: String,
    /// New state.
    #[arg(long)]
    pub state: Option<RoomState>,
    /// Admissions per minute; ends an automatic rate.
    #[arg(long, conflicts_with = "auto")]
    pub rate_per_min: Option<u32>,
    /// Let the rate move with the booking pipeline between these limits, as LOW..HIGH; `off` ends it.
    #[arg(long, value_name = "LOW..HIGH|off", value_parser = auto_change)]
    pub auto: Option<AutoChange>,
    /// Most admissions at once.
    #[arg(long)]
    pub burst: Option<u32>,
    /// Most fans inside at a time.
    #[arg(long)]
    pub active_cap: Option<u32>,
    /// Whether those inside may buy; false stops it within a second.
    #[arg(long)]
    pub selling: Option<bool>,
    /// What the waiting read.
    #[arg(long)]
    pub message: Option<String>,
    /// Whether the room closes by itself, for good, when everything is sold.
    #[arg(long)]
    pub close_when_sold_out: Option<bool>,
    /// `queue`, or `shadow`: let everyone in at once, and measure how many would wait.
    #[arg(long)]
    pub mode: Option<RoomMode>,
    /// While fewer join in a minute and no one waits, who joins has their turn at once; `off` ends it.
    #[arg(long, value_name = "JOINS|off", value_parser = open_below)]
    pub open_below: Option<AtOnce>,
    /// `fail_closed`, or `fail_open`: gateways that have lost the waiting room let whoever is logged in ask for seats.
    #[arg(long)]
    pub when_down: Option<WhenDown>,
    /// Ask a proof of work of who joins: the highest number to try, 1000 to 5000000; 0 ends it.
    #[arg(long, value_name = "COST")]
    pub proof_of_work: Option<u32>,
    /// Whether it takes a code to join.
    #[arg(long, value_enum)]
    pub entry: Option<EntryKind>,
    /// With `--entry code`: when the public sale begins (RFC 3339), and it takes none any more.
    #[arg(long, value_name = "TIME", requires = "entry")]
    pub code_until: Option<Timestamp>,
    /// How sure one must be of who joins: account, or verified_email, with one place for each person.
    #[arg(long)]
    pub identity: Option<Assurance>,
    /// The largest group that may stand in one place, 2 to 8, no larger than an account's seats; 0 allows none. Before the lobby opens.
    #[arg(long, value_name = "FANS")]
    pub groups: Option<u8>,
    /// Codes.
    #[command(flatten)]
    pub codes: CodesArgs,
    /// Change it only if this is still its revision, as it is shown: no one else has changed it meanwhile.
    #[arg(long)]
    pub if_revision: Option<i64>,
    /// Make no change: tell what it would do to the time in which the line drains. Needs neither `--as` nor `--reason`.
    #[arg(long)]
    pub what_if: bool,
    /// Also show so many entries of the log.
    #[arg(long, default_value_t = 0)]
    pub log: u32,
    /// Check the whole log against the board that is shown: names the first entry that is wrong, and exits 1.
    #[arg(long)]
    pub verify: bool,
}

/// Whether it takes a code to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EntryKind {
    /// No.
    Open,
    /// Yes.
    Code,
}

/// Codes of the room: made, listed, looked up or revoked.
#[derive(Debug, Args)]
pub(crate) struct CodesArgs {
    /// List the batches of codes, and how often they were used.
    #[arg(long)]
    pub codes: bool,
    /// Make so many codes and print them, this once. Needs `--as`, `--reason` and `--valid-until`.
    #[arg(long, value_name = "COUNT", requires = "valid_until")]
    pub make_codes: Option<u32>,
    /// What they are for: presale or invite.
    #[arg(long, default_value = "presale")]
    pub kind: CodeKind,
    /// How many accounts may use each.
    #[arg(long, default_value_t = 1)]
    pub uses: u32,
    /// From when on they are good (RFC 3339); at once, if it is left out.
    #[arg(long, value_name = "TIME")]
    pub valid_from: Option<Timestamp>,
    /// Until when.
    #[arg(long, value_name = "TIME")]
    pub valid_until: Option<Timestamp>,
    /// Tell what became of this code.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Let no one join by this code any more. Needs `--as` and `--reason`.
    #[arg(long, value_name = "CODE")]
    pub revoke_code: Option<String>,
}

/// What the API said.
#[derive(Debug, Args)]
pub(crate) struct VerifyLogArgs {
    /// An answer of `GET …/queue/board`, which says where the log ends.
    #[arg(long)]
    pub board: PathBuf,
    /// Answers of `GET …/queue/log`, all pages of it.
    #[arg(required = true)]
    pub log: Vec<PathBuf>,
}

/// What the API said, and what a fan kept.
#[derive(Debug, Args)]
pub(crate) struct VerifyDrawArgs {
    /// The answer of `GET …/queue/draw`.
    pub record: PathBuf,
    /// What `GET …/queue/draw/entries` gave, all pages one after the other.
    pub entries: PathBuf,
    /// Whose rank to tell: 32 hexadecimal characters.
    #[arg(long, value_name = "HEX", value_parser = place, conflicts_with = "place_ticket")]
    pub place: Option<PlaceId>,
    /// The same, from the ticket.
    #[arg(long, value_name = "TICKET")]
    pub place_ticket: Option<String>,
    /// A receipt, or the answer to a join that has one.
    #[arg(long = "receipt", value_name = "FILE")]
    pub receipts: Vec<PathBuf>,
    /// A board, from any time: best one from the moment after the closing.
    #[arg(long = "board", value_name = "FILE")]
    pub boards: Vec<PathBuf>,
    /// What the API proves of the place, where RECORD does not have it: another answer of `GET …/queue/draw`, with `Place-Ticket`.
    #[arg(long, value_name = "FILE")]
    pub proofs: Option<PathBuf>,
    /// The public key of a beacon's chain, beside those that are built in, and when its rounds come.
    #[arg(long = "beacon-key", value_name = "CHAIN=HEX[,GENESIS_S,PERIOD_S]", value_parser = beacon)]
    pub beacon_keys: Vec<(String, Beacon)>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn place(text: &str) -> Result<PlaceId, String> {
    PlaceId::from_hex(text).ok_or_else(|| "expected 32 hexadecimal characters".to_owned())
}

fn beacon(text: &str) -> Result<(String, Beacon), String> {
    let expected = || "expected CHAIN=HEX or CHAIN=HEX,GENESIS_S,PERIOD_S".to_owned();
    let (hash, rest) = text.split_once('=').ok_or_else(expected)?;
    let (key, times) = rest.split_once(',').map_or((rest, None), |(key, times)| (key, Some(times)));
    let key = BeaconKey::from_hex(key).ok_or_else(|| "a chain's key is 192 hexadecimal characters".to_owned())?;
    let Some(times) = times else { return Ok((hash.to_owned(), Beacon { key, chain: None })) };
    let (genesis, period) = times.split_once(',').ok_or_else(expected)?;
    let (Ok(genesis_s), Ok(period_s)) = (genesis.parse(), period.parse()) else { return Err(expected()) };
    Ok((hash.to_owned(), Beacon { key, chain: Some(BeaconChain { chain: hash.to_owned(), genesis_s, period_s }) }))
}

/// The sale: what the scenario's file says, or the defaults, changed by the options.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// TOML or JSON; see loadtest/scenarios.
    #[arg(long)]
    pub scenario: Option<PathBuf>,
    /// How many fans come.
    #[arg(long)]
    pub fans: Option<u32>,
    /// Turns per minute.
    #[arg(long, conflicts_with = "auto")]
    pub rate_per_min: Option<u32>,
    /// Instead: between which the rate moves with the pipeline, as LOW..HIGH.
    #[arg(long, value_name = "LOW..HIGH", value_parser = auto)]
    pub auto: Option<Auto>,
    /// Most turns at once.
    #[arg(long)]
    pub burst: Option<u32>,
    /// Most fans inside at a time.
    #[arg(long)]
    pub active_cap: Option<u32>,
    /// How long a turn may be claimed, in seconds.
    #[arg(long)]
    pub claim_window_s: Option<u32>,
    /// How long a session lasts at most, in seconds.
    #[arg(long)]
    pub session_s: Option<u32>,
    /// Which share never claims their turn, 0 to 1.
    #[arg(long)]
    pub no_show_share: Option<f64>,
    /// Seats to sell; without them everyone has a turn.
    #[arg(long)]
    pub seats: Option<u64>,
    /// The same seed is the same sale.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Also so many faults, by the seed, in the sale's first minutes: replicas that die, boards that come late, Redis that forgets.
    #[arg(long, default_value_t = 0)]
    pub faults: u32,
    /// In which the faults come, in seconds.
    #[arg(long, default_value_t = 600)]
    pub faults_within_s: u32,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the sale over time as a picture.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

fn auto_change(text: &str) -> Result<AutoChange, String> {
    if text == "off" { Ok(AutoChange::Off) } else { auto(text).map(|limits| AutoChange::Between(limits.into())) }
}

fn open_below(text: &str) -> Result<AtOnce, String> {
    if text == "off" {
        return Ok(AtOnce::Never);
    }
    text.parse().map(AtOnce::Below).map_err(|error| format!("{text:?}: {error}"))
}

fn auto(text: &str) -> Result<Auto, String> {
    let (min, max) = text.split_once("..").ok_or("expected LOW..HIGH")?;
    let rate = |text: &str| text.parse().map_err(|error| format!("{text:?}: {error}"));
    Ok(Auto { low_per_min: rate(min)?, high_per_min: rate(max)? })
}

/// How many accounts of which kind.
#[derive(Debug, Args)]
pub(crate) struct MintArgs {
    /// How many.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
    /// Their role.
    #[arg(long, default_value = "user")]
    pub role: AccountRole,
    /// Their addresses are `<name>-<n>@<domain>`.
    #[arg(long, default_value = "fan")]
    pub name: String,
    /// See `--name`.
    #[arg(long, default_value = "fans.example")]
    pub domain: String,
    /// Password of all of them; without one they cannot log in, only use their token.
    #[arg(long, env = "GOTICKET_MINT_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// How long the tokens are good for, in seconds.
    #[arg(long, default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(60..=86_400))]
    pub ttl_s: u32,
    /// Where to write one JSON object per line: `{account, email, access_token}`; `-` is standard output.
    #[arg(long, default_value = "-")]
    pub out: PathBuf,
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// Let it log in no more, and end its sessions.
    Disable {
        /// The account's e-mail address.
        email: String,
    },
    /// Let it log in again.
    Enable {
        /// The account's e-mail address.
        email: String,
    },
}

/// What to do with venues.
#[derive(Debug, Subcommand)]
pub(crate) enum VenueCommand {
    /// Print a generated arena as a seating plan.
    Generate {
        /// How many seats.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200_000))]
        seats: u32,
    },
    /// Read a seating plan and print what it holds, or where it is wrong.
    Check {
        /// The plan's file.
        file: PathBuf,
    },
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new set of key files; refuses to overwrite.
    Generate {
        /// The folder.
        dir: PathBuf,
    },
}
