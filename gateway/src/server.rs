//! The composition root: connects to everything, serves until the shutdown, and lets go in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use futures::FutureExt;
use goticket_contracts::amqp::{Names, booking_topology, task_topology};
use goticket_contracts::redis_keys::reply_channel;
use goticket_domain::queue::WaitingRoom;
use goticket_platform::config::Environment;
use goticket_platform::health::{Readiness, checks};
use goticket_platform::shutdown::{Shutdown, ShutdownError};
use goticket_platform::{amqp, health, http, metrics, postgres, redis};
use goticket_storage::bookings::view;
use goticket_tokens::keys::KeyFolder;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use url::Url;
use uuid::Uuid;

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
use crate::app::stream_slots::{
    BOARD_STREAMS_MAX, BOARD_STREAMS_OF_PLACE_MAX, BOOKING_STREAMS_MAX, BOOKING_STREAMS_OF_ACCOUNT_MAX, SEAT_STREAMS_MAX,
    SEAT_STREAMS_OF_ADDRESS_MAX, StreamSlots,
};
use crate::app::turns::Turns;
use crate::app::waiters::Waiters;
use crate::config::{Config, ReturnAddresses};
use crate::inbound;
use crate::inbound::bookings::Passed;
use crate::inbound::client_address::ClientAddresses;
use crate::inbound::queue::QueueLimits;
use crate::inbound::rate_limit::RateLimit;
use crate::inbound::replies;
use crate::outbound::account_limits::AccountLimits;
use crate::outbound::commands::Commands;
use crate::outbound::objects::Objects;

use crate::outbound::sandbox_payments::SandboxPayments;
use crate::outbound::seat_deltas::SeatDeltas;
use crate::outbound::verifications::Verifications;
use crate::services::Services;

/// Verification mails that an account may ask for within a minute, and mails by which a password is set for an address: whoever waits for one
/// looks into their mail meanwhile.
const VERIFICATIONS_PER_MIN: u32 = 1;
/// Of them at once.
const VERIFICATIONS_BURST: u32 = 3;

/// On top of the requests' own time to drain, for the tasks behind them.
const DRAIN_MARGIN: Duration = Duration::from_secs(2);

/// Runs the gateway until `shutdown`.
pub async fn run(config: Config, waiting_room: Arc<dyn WaitingRoom>, shutdown: Shutdown) -> anyhow::Result<()> {
    let drain = config.shutdown.drain_ms.millis();
    let gateway = Gateway::begin(config, waiting_room, shutdown.clone()).await?;
    tracing::info!(listen = %gateway.address(), private = %gateway.private_address(), "the gateway answers");
    shutdown.token().cancelled().await;
    shutdown.drain(drain + DRAIN_MARGIN).await.map_err(Into::into)
}

/// A gateway inside a larger program: a test, or a process with several roles.
pub struct Gateway {
    address: SocketAddr,
    private_address: SocketAddr,
    shutdown: Shutdown,
    drain: Duration,
}

impl Gateway {
    /// Starts a gateway with an end of its own; it answers when this returns.
    pub async fn start(config: Config, waiting_room: Arc<dyn WaitingRoom>) -> anyhow::Result<Self> {
        Self::begin(config, waiting_room, Shutdown::new()).await
    }

    /// Where it listens; the port is a real one, also if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it tells operators how it does.
    pub fn private_address(&self) -> SocketAddr {
        self.private_address
    }

    /// Ends it: requests in flight are answered, then every task has ended.
    pub async fn stop(self) -> Result<(), ShutdownError> {
        self.shutdown.drain(self.drain + DRAIN_MARGIN).await
    }

    async fn begin(config: Config, waiting_room: Arc<dyn WaitingRoom>, shutdown: Shutdown) -> anyhow::Result<Self> {
        let listener = bind("gateway.listen", config.gateway.listen).await?;
        let private = bind("gateway.private_listen", config.gateway.private_listen).await?;
        let (address, private_address) = (listener.local_addr()?, private.local_addr()?);
        let drain = config.shutdown.drain_ms.millis();
        let limits = config.gateway.connections.limits(config.gateway.trusted_proxies.get() > 0);

        let pool = postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.context("connect to PostgreSQL")?;
        let redis = redis::connect(&config.redis).await.context("connect to Redis")?;
        let amqp = amqp::connect(&config.amqp, "gateway").await.context("connect to RabbitMQ")?;
        let channel = amqp.channel().await.context("open a channel to RabbitMQ")?;
        let lanes = goticket_storage::lanes::count(&pool).await.context("count the lanes: `goticket migrate` makes them")?;
        let names = Names::new(amqp.prefix());
        amqp::declare(&channel, &booking_topology(&names, lanes)).await.context("declare the lanes' queues")?;
        amqp::declare(&channel, &task_topology(&names)).await.context("declare the tasks' queues")?;

        let instance = Uuid::new_v4().to_string();
        let replies = [reply_channel(redis.prefix(), &instance)];
        let heard = redis::subscribe(&config.redis, replies).await.context("subscribe to replies")?;
        let keys = KeyFolder::at(&config.keys.dir);
        let webhook_base = config.gateway.public_url.clone().map_or_else(|| format!("http://{address}"), String::from);
        let webhook_url = format!("{}/v1/payments/sandbox/webhook", webhook_base.trim_end_matches('/'));
        let page_of = |set: &Option<Url>, path| {
            let own = || format!("{}/v1/auth/{path}", webhook_base.trim_end_matches('/'));
            set.as_ref().map_or_else(own, |page| page.as_str().trim_end_matches('#').to_owned())
        };
        let verify_page = page_of(&config.gateway.verify_page, "verify-email");
        let reset_page = page_of(&config.gateway.reset_page, "password-reset");
        let access_verifier = keys.access_verifier()?;
        let (boards, waiters) = (Arc::new(Boards::default()), Arc::new(Waiters::default()));

        let connectivity = redis.clone();
        let readiness = Readiness::new();
        readiness.critical("postgres", checks::postgres(pool.clone()));
        readiness.critical("redis", checks::redis(redis.clone()));
        readiness.critical("rabbitmq", checks::amqp(&amqp));
        readiness.critical("serving", checks::not_draining(shutdown.token()));
        let fresh = Arc::clone(&boards);
        let waiting = move || if fresh.are_fresh() { Ok(()) } else { Err("its boards are stale".to_owned()) };
        readiness.optional("waiting_room", Arc::new(move || std::future::ready(waiting()).boxed()));

        let policy = Arc::new(Policy::new(pool.clone()));
        #[expect(clippy::disallowed_methods, reason = "the composition root: the clock starts here")]
        let clock = Timestamp::now;
        let sessions = Sessions::new(keys.access_signer()?, redis.clone(), &config.gateway);
        let ended = Arc::clone(&sessions.ended);
        ended.catch_up(&pool).await.context("read which sessions ended: `goticket migrate` makes their table")?;
        let services = Arc::new(Services {
            clock,
            work: Handle::current(),
            waiting_room: Arc::clone(&waiting_room),
            access: AccessCache::new(access_verifier.clone()),
            access_verifier,
            entry_verifier: keys.entry_verifier()?,
            place_keys: keys.place()?,
            email_proofs: keys.email_proofs()?,
            verifications: Verifications::new(amqp.publisher(), &names),
            verify_page,
            reset_links: ResetLinks::new(keys.password_resets()?, reset_page),
            passwords: Passwords::new(&config.gateway),
            sessions,
            policy: Arc::clone(&policy),
            catalog: Catalog::new(pool.clone(), policy),
            seat_maps: SeatMaps::new(pool.clone(), redis.clone()),
            seat_feeds: SeatFeeds::new(SeatDeltas::new(config.redis, redis.clone()), &config.gateway),
            turns: Turns::new(),
            decided: SharedLooks::spawn({
                let pool = pool.clone();
                move |keys: Vec<_>| {
                    let pool = pool.clone();
                    async move { Ok(view::by_keys(&pool, &keys).await?) }
                }
            }),
            early_refusals: EarlyRefusals::new(pool.clone()),
            account_limits: AccountLimits::new(redis.clone(), &config.gateway),
            boards: Arc::clone(&boards),
            commands: Commands::new(amqp.publisher(), &names, lanes, instance),
            waiters: Arc::clone(&waiters),
            payments: SandboxPayments::new(&config.payments, webhook_url)?,
            objects: Objects::new(config.objects.dir),
            addresses: ClientAddresses::new(&config.gateway),
            return_addresses: ReturnAddresses::new(config.gateway.return_hosts.clone(), config.deployment.environment),
            auth_limit: RateLimit::new(config.gateway.auth_per_min.get(), config.gateway.auth_burst.get()),
            queue_limits: QueueLimits::new(&config.gateway),
            passed: Passed::new(),
            verification_limit: RateLimit::new(VERIFICATIONS_PER_MIN, VERIFICATIONS_BURST),
            reset_limit: RateLimit::new(VERIFICATIONS_PER_MIN, VERIFICATIONS_BURST),
            booking_streams: StreamSlots::new("booking", BOOKING_STREAMS_MAX, BOOKING_STREAMS_OF_ACCOUNT_MAX),
            board_streams: StreamSlots::new("board", BOARD_STREAMS_MAX, BOARD_STREAMS_OF_PLACE_MAX),
            seat_streams: StreamSlots::new("seats", SEAT_STREAMS_MAX, SEAT_STREAMS_OF_ADDRESS_MAX),
            ending: shutdown.token(),
            config: config.gateway,
            pool,
            redis,
        });
        let ended = ended.follow(services.pool.clone(), shutdown.token());
        let api = inbound::router(Arc::clone(&services));
        let documented = config.deployment.environment == Environment::Development;
        let cors = inbound::browsers::cors(&services.config.cors_origins, &api.description);
        let documentation = inbound::documentation(api.description);
        let shown = if documented { documentation.clone() } else { Router::new() };
        let public = inbound::public(api.router, health::alive(), shown, cors);
        let reports = inbound::private(health::router(readiness, metrics::install()?), documentation);
        let front = inbound::front::front(services, public);

        let token = shutdown.token();
        let watched = (Arc::clone(&boards), token.clone());
        shutdown.spawn("boards", async move { watched.0.watch(&*waiting_room, watched.1).await });
        shutdown.spawn("ended sessions", ended);
        shutdown.spawn("redis connectivity", replies::watch_connectivity(connectivity, Arc::clone(&waiters), token.clone()));
        shutdown.spawn("replies", replies::listen(heard, waiters, token.clone()));
        shutdown.spawn_fallible("gateway's private server", http::serve(private, reports, token.clone(), drain));
        shutdown.spawn_fallible("gateway server", async move {
            let served = http::serve_apart(limits, listener, front, token, drain).await;
            // Kept until the last request is answered.
            drop(amqp);
            served
        });
        Ok(Self { address, private_address, shutdown, drain })
    }
}

async fn bind(setting: &'static str, listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| format!("listen on `{setting}` = {listen}"))
}
