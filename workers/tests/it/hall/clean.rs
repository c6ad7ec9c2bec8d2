//! The state every test must leave the world in.

use goticket_contracts::redis_keys::{EventKeys, seat_state};
use goticket_storage::audit;
use jiff::Timestamp;
use sqlx::Row as _;

use super::{CAPACITY, Hall};

/// What is about others: mails are sent later, money waits for a refund or a person by design.
const NOT_OURS: [&str; 3] = ["mails", "refunds arrive", "holds end"];

impl Hall {
    /// The audit passes, no lock is left, and the seat map, if there is one, tells the truth.
    pub(crate) async fn assert_clean(&self) {
        let scope = audit::Scope { event: Some(self.event.0), since: Timestamp::UNIX_EPOCH };
        for check in audit::CHECKS.iter().filter(|check| !NOT_OURS.contains(&check.name)) {
            let finding = audit::run(&self.pool, check, scope).await.unwrap();
            assert_eq!(finding.violations, 0, "{}: {finding:?}", check.proves);
        }
        assert_eq!(self.locks().await, Vec::<String>::new(), "no seat stays locked");
        self.assert_seat_map().await;
    }

    pub(crate) async fn locks(&self) -> Vec<String> {
        self.keys(":lock:*").await
    }

    /// Another's locks stay until their time is over.
    pub(crate) async fn forget_locks(&self) {
        self.forget(self.locks().await).await;
    }

    /// What FLUSHALL and a restart do, to this test's keys only; the scripts are everybody's, and everybody copes.
    pub(crate) async fn flush_redis(&self) {
        self.forget(self.keys("*").await).await;
        let () = self.redis.query(redis::cmd("SCRIPT").arg("FLUSH")).await.unwrap();
    }

    async fn forget(&self, keys: Vec<String>) {
        if !keys.is_empty() {
            let () = self.redis.query(redis::cmd("DEL").arg(keys)).await.unwrap();
        }
    }

    async fn keys(&self, suffix: &str) -> Vec<String> {
        let pattern = format!("{}*{suffix}", self.redis.prefix());
        let mut keys: Vec<String> = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1_000);
            let (next, found): (u64, Vec<String>) = self.redis.query(&scan).await.unwrap();
            keys.extend(found);
            cursor = next;
            if cursor == 0 {
                return keys;
            }
        }
    }

    /// Seats' states as Postgres has them: 0 free, 1 held, 2 sold.
    pub(crate) async fn truth(&self) -> Vec<u8> {
        let mut states = vec![seat_state::FREE; usize::try_from(CAPACITY).unwrap()];
        let rows = sqlx::query("SELECT seat, b.state FROM taken_seats s JOIN bookings b ON b.id = s.booking WHERE s.event = $1")
            .bind(self.event.0)
            .fetch_all(&self.pool)
            .await
            .unwrap();
        for row in rows {
            let seat = usize::try_from(row.get::<i32, _>("seat")).unwrap();
            states[seat] = if row.get::<&str, _>("state") == "confirmed" { seat_state::SOLD } else { seat_state::HELD };
        }
        states
    }

    /// The seat map's states; none while it is missing.
    pub(crate) async fn seat_map(&self) -> Option<Vec<u8>> {
        let keys = EventKeys::new(self.redis.prefix(), self.event);
        let there: bool = self.redis.query(redis::cmd("EXISTS").arg(keys.seat_map())).await.unwrap();
        let mut read = redis::cmd("BITFIELD_RO");
        read.arg(keys.seat_map());
        for seat in 0..CAPACITY {
            read.arg("GET").arg("u2").arg(format!("#{seat}"));
        }
        let states: Vec<u8> = self.redis.query(&read).await.unwrap();
        there.then_some(states)
    }

    async fn assert_seat_map(&self) {
        let Some(map) = self.seat_map().await else { return };
        let truth = self.truth().await;
        assert_eq!(map, truth, "the seat map tells the truth");
        let keys = EventKeys::new(self.redis.prefix(), self.event);
        for (name, state) in [("free", seat_state::FREE), ("held", seat_state::HELD)] {
            for category in [0, 1] {
                let counted: Option<usize> = self
                    .redis
                    .query(redis::cmd("HGET").arg(keys.availability()).arg(format!("{name}:{category}")))
                    .await
                    .unwrap();
                let of = |seat: usize| usize::from(seat >= 22) == category;
                let expected = truth.iter().enumerate().filter(|&(seat, s)| *s == state && of(seat)).count();
                assert_eq!(counted.unwrap_or(0), expected, "{name} seats of category {category}");
            }
        }
    }
}
