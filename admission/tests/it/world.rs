//! One test's waiting room: a published event, replicas that are ticked by hand, and a look into Redis.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use goticket_admission::outbound::beacon::Beacon;
use goticket_admission::{AdmissionConfig, Deps, WaitingRoomService};
use goticket_contracts::redis_keys::{EventKeys, lane_health};
use goticket_domain::lane::LaneNo;
use goticket_domain::queue::{
    Board, ControlChange, DrawRecord, Entry, Health, LobbyEntry, LogEntry, PlaceId, RoomSettings, RoomState, WaitingRoom,
};
use goticket_domain::{AccountId, EventId};
use goticket_platform::config::load_from;
use goticket_platform::redis::Redis;
use goticket_platform::shutdown::Shutdown;
use goticket_platform::{config, crypto, postgres, redis as platform_redis};
use goticket_storage::queue_log;
use goticket_storage::rooms::{self, Room};
use goticket_testkit::{TestBed, eventually};
use goticket_tokens::keys::Keys;
use jiff::Timestamp;
use redis::{FromRedisValue, cmd};
use sqlx::PgPool;
use uuid::Uuid;

/// Far longer than any test: rooms change hands only where a test says so.
const LEASE_MS: u32 = 600_000;

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) redis: Redis,
    pub(crate) keys: Keys,
    /// Of replicas that are ticked by hand.
    pub(crate) config: AdmissionConfig,
    /// Of replicas that run.
    pub(crate) running: AdmissionConfig,
    pub(crate) postgres: config::PostgresConfig,
    pub(crate) kafka: config::KafkaConfig,
    pub(crate) operator: AccountId,
    _bed: TestBed,
}

#[derive(serde::Deserialize)]
struct Sections {
    postgres: config::PostgresConfig,
    redis: config::RedisConfig,
    kafka: config::KafkaConfig,
    admission: AdmissionConfig,
}

/// Settings that let everyone in at once.
pub(crate) fn generous() -> RoomSettings {
    RoomSettings { rate_per_min: 600_000, burst: 10_000, active_cap: 100_000, ..RoomSettings::default() }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(TestBed::new().await, &[]).await
    }

    /// On this bed, with these settings of the `[admission]` section.
    pub(crate) async fn on(bed: TestBed, settings: &[(&str, &str)]) -> Self {
        crypto::install();
        let mut env = vec![
            ("GOTICKET__POSTGRES__URL".to_owned(), bed.postgres_url.clone()),
            ("GOTICKET__REDIS__URL".to_owned(), bed.redis_url.clone()),
            ("GOTICKET__REDIS__PREFIX".to_owned(), bed.redis_prefix.clone()),
            ("GOTICKET__KAFKA__BROKERS".to_owned(), bed.kafka_brokers.clone()),
            ("GOTICKET__KAFKA__TOPIC_PREFIX".to_owned(), bed.kafka_topic_prefix.clone()),
            ("GOTICKET__ADMISSION__LEASE_MS".to_owned(), LEASE_MS.to_string()),
        ];
        env.extend(settings.iter().map(|(name, value)| (format!("GOTICKET__{name}"), (*value).to_owned())));
        let sections: Sections = load_from(None, env.clone()).unwrap();
        env.retain(|(name, _)| name != "GOTICKET__ADMISSION__LEASE_MS");
        let running: Sections = load_from(None, env).unwrap();
        let pool = postgres::connect(&sections.postgres, postgres::Plans::ByKeys).await.unwrap();
        goticket_storage::migrate(&pool, goticket_domain::lane::LaneCount::new(1).unwrap()).await.unwrap();
        let redis = platform_redis::connect(&sections.redis).await.unwrap();
        let operator = AccountId::generate();
        sqlx::query("INSERT INTO accounts (id, email, name, role) VALUES ($1, 'o@example.test', 'O', 'organizer')")
            .bind(operator.0)
            .execute(&pool)
            .await
            .unwrap();
        let (config, running, postgres) = (sections.admission, running.admission, sections.postgres);
        let kafka = sections.kafka;
        Self { kafka, pool, redis, keys: Keys::generate(), config, running, postgres, operator, _bed: bed }
    }

    /// A replica of the service. Nothing ticks but when told to, and what it owns is its own until it gives it back or [`Self::silence`].
    pub(crate) fn replica(&self) -> Arc<WaitingRoomService> {
        self.replica_on(self.redis.clone())
    }

    /// One that reaches Redis by this address.
    pub(crate) async fn replica_at(&self, url: &str) -> Arc<WaitingRoomService> {
        let config = config::RedisConfig { url: url.to_owned().into(), ..self.redis.config().clone() };
        self.replica_on(platform_redis::connect(&config).await.unwrap())
    }

    fn replica_on(&self, redis: Redis) -> Arc<WaitingRoomService> {
        Arc::new(WaitingRoomService::new(&self.config, self.deps(redis)))
    }

    /// One that runs by itself until the shutdown.
    pub(crate) fn start(&self, config: &AdmissionConfig) -> (Arc<WaitingRoomService>, Shutdown) {
        let shutdown = Shutdown::new();
        (goticket_admission::start(config, self.deps(self.redis.clone()), &shutdown), shutdown)
    }

    fn deps(&self, redis: Redis) -> Deps {
        Deps {
            pool: self.pool.clone(),
            redis,
            place_keys: self.keys.place.clone(),
            entry_signer: self.keys.entry_signer.clone(),
            receipts: self.keys.receipts.clone(),
            beacon: self.config.beacon.as_ref().map(|beacon| Beacon::new(beacon).unwrap()),
        }
    }

    /// Every replica was not heard of for longer than the lease: what they have is anyone's who ticks next.
    pub(crate) async fn silence(&self) {
        sqlx::query("UPDATE lane_members SET seen_at = seen_at - make_interval(secs => $1 / 1000 + 1) WHERE role = 'rooms'")
            .bind(f64::from(LEASE_MS))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// A replica that has every room with its first tick: the others were silent for too long.
    pub(crate) async fn successor(&self) -> Arc<WaitingRoomService> {
        self.silence().await;
        self.replica()
    }

    /// A published event whose lobby opens and whose sale starts so many seconds from now (negative: ago).
    pub(crate) async fn publish(&self, settings: &RoomSettings, lobby_in_s: i32, onsale_in_s: i32) -> EventId {
        let (event, venue) = (EventId::generate(), Uuid::now_v7());
        let mut tx = self.pool.begin().await.unwrap();
        sqlx::query("INSERT INTO venues (id, owner, name, time_zone, plan, seat_count) VALUES ($1, $2, 'V', 'UTC', '{}', 10)")
            .bind(venue)
            .bind(self.operator.0)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO events (id, venue, owner, title, currency, status, starts_at, lobby_opens_at, onsale_at,
                                 hold_seconds, ticket_limit, capacity)
             VALUES ($1, $2, $3, 'E', 'EUR', 'published', now() + interval '30 days', now() + make_interval(secs => $4),
                     now() + make_interval(secs => $5), 300, 4, 10)",
        )
        .bind(event.0)
        .bind(venue)
        .bind(self.operator.0)
        .bind(f64::from(lobby_in_s))
        .bind(f64::from(onsale_in_s))
        .execute(&mut *tx)
        .await
        .unwrap();
        rooms::create(&mut tx, event, settings).await.unwrap();
        tx.commit().await.unwrap();
        event
    }

    /// An event whose lobby is open, and stays so until [`Self::start_sale`].
    pub(crate) async fn lobby(&self, room: &WaitingRoomService, settings: &RoomSettings) -> EventId {
        let event = self.publish(settings, -60, 3_600).await;
        room.tick_once().await;
        assert_eq!(room.control(event).await.unwrap().state, RoomState::Lobby);
        event
    }

    /// An event on sale, with no one in its lobby.
    pub(crate) async fn on_sale(&self, room: &WaitingRoomService, settings: &RoomSettings) -> EventId {
        let event = self.lobby(room, settings).await;
        self.start_sale(room, event).await;
        event
    }

    /// The sale starts now, by the schedule.
    pub(crate) async fn start_sale(&self, room: &WaitingRoomService, event: EventId) {
        self.sale_is_due(event).await;
        // A step that a busy machine made too slow is taken again.
        eventually("the sale", Duration::from_secs(20), || async {
            room.refresh_rooms().await;
            room.keep_schedule().await;
            (self.room(event).await.state == RoomState::Open).then_some(())
        })
        .await;
        room.control(event).await.unwrap();
    }

    pub(crate) async fn sale_is_due(&self, event: EventId) {
        sqlx::query("UPDATE events SET onsale_at = now() - interval '1 second' WHERE id = $1")
            .bind(event.0)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub(crate) async fn set(&self, room: &WaitingRoomService, event: EventId, change: ControlChange) {
        room.set_control(event, change, self.operator).await.unwrap();
    }

    /// Redis forgets this event, as it would by `FLUSHALL` (which would hit the tests beside us).
    pub(crate) async fn lose_redis(&self, event: EventId) {
        let k = self.names(event);
        for key in goticket_admission::outbound::redis::line_keys(&k) {
            let _: u64 = self.ask("DEL", &[key]).await;
        }
    }

    /// Redis as it is now for this event: what a dump on disk or a lagging replica would have.
    pub(crate) async fn remember_redis(&self, event: EventId) -> Vec<(String, Option<Vec<u8>>)> {
        let k = self.names(event);
        let mut dump = Vec::new();
        for key in goticket_admission::outbound::redis::line_keys(&k) {
            let value = self.ask("DUMP", &[&key]).await;
            dump.push((key, value));
        }
        dump
    }

    /// Redis goes back to what it was then.
    pub(crate) async fn redis_goes_back(&self, event: EventId, dump: &[(String, Option<Vec<u8>>)]) {
        self.lose_redis(event).await;
        for (key, value) in dump {
            if let Some(value) = value {
                let () = self.redis.query(cmd("RESTORE").arg(key).arg(0).arg(value)).await.unwrap();
            }
        }
    }

    /// No tokens, as of now.
    pub(crate) async fn empty_bucket(&self, event: EventId) {
        self.set_bucket(event, 0, 0).await;
    }

    /// An empty bucket, as if the last refill had been so many milliseconds ago (negative: as if the clock had gone back since).
    pub(crate) async fn clock_stood(&self, event: EventId, ago_ms: i64) {
        self.set_bucket(event, 0, ago_ms).await;
    }

    async fn set_bucket(&self, event: EventId, micro_tokens: i64, ago_ms: i64) {
        sqlx::query(
            "UPDATE queue_heads SET micro_tokens = $2, refilled_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $3
             WHERE event = $1",
        )
        .bind(event.0)
        .bind(micro_tokens)
        .bind(ago_ms)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Sets the time at which a window or session ends.
    pub(crate) async fn put_time(&self, key: &str, place: PlaceId, ms: i64) {
        let found: Option<f64> = self.redis.query(cmd("ZSCORE").arg(key).arg(place.0.as_slice())).await.unwrap();
        assert!(found.is_some(), "the place is not in {key}");
        let _: u64 = self.redis.query(cmd("ZADD").arg(key).arg(ms).arg(place.0.as_slice())).await.unwrap();
    }

    /// A session ends at once, and its slot with it.
    pub(crate) async fn end_session(&self, event: EventId, place: PlaceId) {
        let k = self.names(event);
        for key in [k.sessions(), k.slots()] {
            self.put_time(&key, place, 1).await;
        }
    }

    /// Writes these entries into the room's log, at the time of its last one.
    pub(crate) async fn append(&self, room: &WaitingRoomService, event: EventId, entries: Vec<Entry>) {
        let mut db = self.pool.acquire().await.unwrap();
        queue_log::append(&mut db, event, entries, 0, None).await.unwrap().expect("nothing is decided");
        room.refresh_rooms().await;
    }

    /// The time at which a window, session or slot ends (Unix ms).
    pub(crate) async fn time(&self, key: &str, place: PlaceId) -> i64 {
        let found: Option<i64> = self.redis.query(cmd("ZSCORE").arg(key).arg(place.0.as_slice())).await.unwrap();
        found.expect("the place is not there")
    }

    /// The room as it is in Postgres.
    pub(crate) async fn room(&self, event: EventId) -> Room {
        rooms::find(&self.pool, event).await.unwrap().unwrap()
    }

    /// Its owner's epoch.
    pub(crate) async fn epoch(&self, event: EventId) -> i64 {
        sqlx::query_scalar("SELECT epoch FROM room_owners WHERE event = $1").bind(event.0).fetch_one(&self.pool).await.unwrap()
    }

    /// The board a replica shows for this event.
    pub(crate) async fn board(&self, room: &WaitingRoomService, event: EventId) -> Board {
        let mut boards = room.watch().await.unwrap();
        loop {
            let board = tokio::time::timeout(Duration::from_secs(5), boards.next()).await.expect("a board").unwrap();
            if board.board.event == event {
                return board.board.clone();
            }
        }
    }

    /// What is public of the draw.
    pub(crate) async fn record(&self, room: &WaitingRoomService, event: EventId) -> DrawRecord {
        room.refresh_rooms().await;
        room.draw(event).await.unwrap()
    }

    /// The closed lobby's list, all pages.
    pub(crate) async fn entries(&self, room: &WaitingRoomService, event: EventId) -> Vec<LobbyEntry> {
        let (mut leaves, mut from) = (Vec::new(), Some(0));
        while let Some(first) = from {
            let page = room.lobby(event, first).await.unwrap();
            leaves.extend(page.leaves);
            from = page.next;
        }
        leaves.chunks(17).map(|leaf| LobbyEntry::from_leaf(leaf).unwrap()).collect()
    }

    /// The operators' log, oldest entry first.
    pub(crate) async fn control_log(&self, event: EventId) -> Vec<LogEntry> {
        let mut entries = rooms::log_from(&self.pool, event, None, 1_000).await.unwrap();
        entries.reverse();
        entries
    }

    /// Puts a log back as it was.
    pub(crate) async fn rewrite_log(&self, event: EventId, entries: &[LogEntry]) {
        let mut tx = self.pool.begin().await.unwrap();
        sqlx::query("DELETE FROM room_log WHERE event = $1").bind(event.0).execute(&mut *tx).await.unwrap();
        for entry in entries {
            rooms::append_log(&mut tx, event, entry).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// What the owner of the installation's one lane says of it; nothing, where it is silent.
    pub(crate) async fn pipeline_says(&self, health: Option<Health>) {
        let key = lane_health(self.redis.prefix(), LaneNo(0));
        match health {
            Some(health) => self.ask::<()>("SET", &[key, serde_json::to_string(&health).unwrap()]).await,
            None => self.ask("DEL", &[key]).await,
        }
    }

    /// An automatic rate stands there, and may move.
    pub(crate) async fn rate_stands_at(&self, event: EventId, per_min: i32) {
        let moved = "UPDATE room_rates SET per_min = $2, stays_until_ms = 0 WHERE event = $1";
        let moved = sqlx::query(moved).bind(event.0).bind(per_min).execute(&self.pool).await.unwrap();
        assert_eq!(moved.rows_affected(), 1);
    }

    /// A tick with a full bucket.
    pub(crate) async fn admit(&self, room: &WaitingRoomService, event: EventId) {
        self.fill_bucket(event).await;
        room.tick_once().await;
    }

    /// As if it had been refilled: no test waits for a bucket.
    pub(crate) async fn fill_bucket(&self, event: EventId) {
        self.set_bucket(event, 10_000_000_000, 0).await;
    }

    /// When the lobby opens.
    pub(crate) async fn opens_at(&self, event: EventId) -> Timestamp {
        self.room(event).await.lobby_opens_at
    }

    /// Redis' time.
    pub(crate) async fn now(&self) -> Timestamp {
        let (seconds, _): (i64, i64) = self.redis.query(&cmd("TIME")).await.unwrap();
        Timestamp::from_second(seconds).unwrap()
    }

    pub(crate) fn names(&self, event: EventId) -> EventKeys {
        EventKeys::new(self.redis.prefix(), event)
    }

    /// By the room's logs alone: it never admitted faster than the rate, nor more than the cap, nor anyone twice.
    pub(crate) async fn assert_history(&self, event: EventId) {
        let proved = goticket_storage::audit::rooms::admissions(&self.pool, Some(event.0)).await.unwrap();
        assert_eq!(proved.violations, Vec::<String>::new());
        assert!(proved.turns > 0, "nothing is proved");
    }

    /// One Redis command.
    pub(crate) async fn ask<T: FromRedisValue>(&self, name: &str, args: &[impl redis::ToRedisArgs]) -> T {
        self.redis.query(cmd(name).arg(args)).await.unwrap()
    }
}

/// A replica, and an event on sale with no one in its lobby.
pub(crate) async fn on_sale(settings: &RoomSettings) -> (World, Arc<WaitingRoomService>, EventId) {
    let world = World::new().await;
    let room = world.replica();
    let event = world.on_sale(&room, settings).await;
    (world, room, event)
}

/// So many accounts.
pub(crate) fn fans(n: usize) -> Vec<AccountId> {
    (0..n).map(|_| AccountId::generate()).collect()
}
