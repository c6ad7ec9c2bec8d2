//! Everything a request can reach, put together once at start.

use std::net::IpAddr;
use std::sync::Arc;

use goticket_domain::booking::IdempotencyKey;
use goticket_domain::identity::EmailAddress;
use goticket_domain::queue::{PlaceId, WaitingRoom};
use goticket_domain::{AccountId, EventId};
use goticket_platform::redis::Redis;
use goticket_storage::bookings::view::DecidedRequest;
use goticket_tokens::{AccessVerifier, EmailProofs, EntryVerifier, PlaceKeys};
use jiff::Timestamp;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::app::access::AccessCache;
use crate::app::boards::Boards;
use crate::app::catalog::Catalog;
use crate::app::passwords::Passwords;
use crate::app::policy::Policy;
use crate::app::refuse_early::EarlyRefusals;
use crate::app::reset_password::ResetLinks;
use crate::app::seat_feeds::SeatFeeds;
use crate::app::seat_map::SeatMaps;
use crate::app::sessions::Sessions;
use crate::app::shared_looks::SharedLooks;
use crate::app::stream_slots::StreamSlots;
use crate::app::turns::Turns;
use crate::app::waiters::Waiters;
use crate::config::{GatewayConfig, ReturnAddresses};
use crate::inbound::bookings::Passed;
use crate::inbound::client_address::ClientAddresses;
use crate::inbound::queue::QueueLimits;
use crate::inbound::rate_limit::RateLimit;
use crate::outbound::account_limits::AccountLimits;
use crate::outbound::commands::Commands;
use crate::outbound::objects::Objects;
use crate::outbound::sandbox_payments::SandboxPayments;
use crate::outbound::verifications::Verifications;

/// What handlers get as their state; one allocation, cloned by reference count.
pub(crate) type App = Arc<Services>;

pub(crate) struct Services {
    pub(crate) config: GatewayConfig,
    /// The wall clock. Use cases are given its reading, not the clock.
    pub(crate) clock: fn() -> Timestamp,
    /// Where requests are worked on that were let in; see [`crate::inbound::apart`].
    pub(crate) work: Handle,
    pub(crate) pool: PgPool,
    pub(crate) redis: Redis,
    pub(crate) waiting_room: Arc<dyn WaitingRoom>,
    pub(crate) access: AccessCache,
    pub(crate) access_verifier: AccessVerifier,
    pub(crate) entry_verifier: EntryVerifier,
    pub(crate) place_keys: PlaceKeys,
    pub(crate) email_proofs: EmailProofs,
    pub(crate) verifications: Verifications,
    /// Where the link of a verification mail leads, without its fragment.
    pub(crate) verify_page: String,
    pub(crate) reset_links: ResetLinks,
    pub(crate) passwords: Passwords,
    pub(crate) sessions: Sessions,
    pub(crate) policy: Arc<Policy>,
    pub(crate) catalog: Catalog,
    pub(crate) seat_maps: SeatMaps,
    pub(crate) seat_feeds: Arc<SeatFeeds>,
    pub(crate) turns: Turns,
    /// What was decided under the keys of accounts.
    pub(crate) decided: SharedLooks<(AccountId, IdempotencyKey), DecidedRequest>,
    pub(crate) early_refusals: EarlyRefusals,
    pub(crate) account_limits: AccountLimits,
    pub(crate) boards: Arc<Boards>,
    pub(crate) commands: Commands,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) payments: SandboxPayments,
    pub(crate) objects: Objects,
    pub(crate) addresses: ClientAddresses,
    pub(crate) return_addresses: ReturnAddresses,
    /// Attempts to register, log in or refresh, by address.
    pub(crate) auth_limit: RateLimit<IpAddr>,
    pub(crate) queue_limits: QueueLimits,
    pub(crate) passed: Passed,
    /// Verification mails that are asked for again, by account.
    pub(crate) verification_limit: RateLimit<AccountId>,
    /// Mails by which a password is set, by address.
    pub(crate) reset_limit: RateLimit<EmailAddress>,
    pub(crate) booking_streams: Arc<StreamSlots<AccountId>>,
    pub(crate) board_streams: Arc<StreamSlots<(EventId, PlaceId)>>,
    pub(crate) seat_streams: Arc<StreamSlots<IpAddr>>,
    /// Cancelled when the process is on its way out: waits are cut short.
    pub(crate) ending: CancellationToken,
}

impl Services {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
