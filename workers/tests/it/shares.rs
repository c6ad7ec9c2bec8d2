//! Lanes are shared out evenly, taken over from who is silent, and never had by two under one epoch.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use goticket_domain::lane::{LaneCount, LaneNo};
use goticket_platform::postgres;
use goticket_storage::leases::{self, Change, Lease, Role, Shares};
use goticket_testkit::TestBed;
use goticket_workers::{Config, app::sharing::SharesConfig};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

/// Far longer than any pause of this process: it ends only where a test says so.
const LEASE: Duration = Duration::from_mins(1);

/// An installation, and the highest epoch that was told of each lane.
struct Installation {
    pool: PgPool,
    config: SharesConfig,
    epochs: BTreeMap<LaneNo, i64>,
    _bed: TestBed,
}

impl Installation {
    async fn of(lanes: u16) -> Self {
        let bed = TestBed::new().await;
        let lease = LEASE.as_millis().to_string();
        let more = [("GOTICKET__PAYMENTS__API_KEY", "sk_test"), ("GOTICKET__WORKERS__LANES__LEASE_MS", &lease)];
        let config: Config = super::config(&bed, &more);
        let pool = postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.unwrap();
        goticket_storage::migrate(&pool, LaneCount::new(lanes).unwrap()).await.unwrap();
        Self { pool, config: config.workers.lanes, epochs: BTreeMap::new(), _bed: bed }
    }

    fn member(&self, role: Role) -> Shares {
        Shares::new(self.pool.clone(), role, self.config.lease_ms.millis())
    }

    /// As a holder with nothing in hand does it.
    async fn tick(&mut self, member: &mut Shares) -> usize {
        let changes = member.tick(Instant::now()).await.unwrap();
        for change in &changes {
            match *change {
                Change::Gained(Lease { key: lane, epoch }) => {
                    let before = self.epochs.insert(lane, epoch).unwrap_or(0);
                    assert!(epoch > before, "lane {lane}: epoch {epoch} after {before}");
                }
                Change::GiveUp(lane) => member.release(lane).await.unwrap(),
                Change::Lost(_) => {}
            }
        }
        changes.len()
    }

    /// Ticks every member in turn until nothing changes any more; returns how many lanes each has, all of them different ones.
    async fn settle(&mut self, members: &mut [Shares]) -> Vec<usize> {
        // One that comes last is seen by the others in the round after its first tick.
        let mut quiet_rounds = 0;
        for _ in 0..20 {
            let mut changes = 0;
            for member in &mut *members {
                changes += self.tick(member).await;
            }
            quiet_rounds = if changes == 0 { quiet_rounds + 1 } else { 0 };
            if quiet_rounds == 2 {
                let held: BTreeSet<LaneNo> = members.iter().flat_map(Shares::held).map(|lease| lease.key).collect();
                let counts: Vec<usize> = members.iter().map(|member| member.held().count()).collect();
                assert_eq!(held.len(), counts.iter().sum::<usize>(), "no lane has two holders");
                return counts;
            }
        }
        panic!("the shares do not come to rest");
    }

    /// So much later for everyone but the members that tick now: no one hears of `member` for longer than the lease.
    async fn silence(&self, member: &Shares) {
        let done = sqlx::query("UPDATE lane_members SET seen_at = seen_at - interval '61 seconds' WHERE member = $1")
            .bind(member.member())
            .execute(&self.pool)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1);
    }

    async fn owners(&self) -> BTreeSet<Option<Uuid>> {
        sqlx::query_scalar("SELECT DISTINCT owner FROM lanes").fetch_all(&self.pool).await.unwrap().into_iter().collect()
    }
}

#[tokio::test]
async fn shares_even_out_as_processes_come_and_go() {
    let mut installation = Installation::of(64).await;
    let mut members = Vec::new();
    let expected: [&[usize]; 5] = [&[64], &[32, 32], &[22, 21, 21], &[16; 4], &[13, 13, 13, 13, 12]];
    for counts in expected {
        members.push(installation.member(Role::Booking));
        assert_eq!(installation.settle(&mut members).await, counts);
    }
    for counts in expected.iter().rev().skip(1) {
        // The first goes: everyone's place changes.
        members.remove(0).leave().await;
        assert_eq!(installation.settle(&mut members).await, *counts);
    }
}

#[tokio::test]
async fn the_lanes_of_a_silent_process_are_taken_over_after_the_lease() {
    let mut installation = Installation::of(64).await;
    let mut members = [0; 3].map(|_| installation.member(Role::Booking)).into_iter().collect::<Vec<_>>();
    installation.settle(&mut members).await;
    let died = members.remove(1);
    assert_eq!(installation.settle(&mut members).await, [22, 21], "as long as its lease lasts nothing is taken");
    installation.silence(&died).await;
    assert_eq!(installation.settle(&mut members).await, [32, 32]);
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM lane_members").fetch_one(&installation.pool).await.unwrap();
    assert_eq!(known, 2, "it is forgotten");
}

#[tokio::test]
async fn a_paused_process_comes_back_and_finds_its_lanes_lost() {
    let mut installation = Installation::of(4).await;
    let (mut paused, mut other) = (installation.member(Role::Booking), installation.member(Role::Booking));
    assert_eq!(installation.tick(&mut paused).await, 4);
    installation.silence(&paused).await;
    assert_eq!(installation.tick(&mut other).await, 4, "taken over, under higher epochs");

    let lost: Vec<Change> = (0..4).map(|lane| Change::Lost(LaneNo(lane))).collect();
    assert_eq!(paused.tick(Instant::now()).await.unwrap(), lost);
    assert_eq!(paused.held().count(), 0);
    let mut members = [paused, other];
    assert_eq!(installation.settle(&mut members).await, [2, 2], "and gets its share back");
}

#[tokio::test]
async fn a_pause_longer_than_the_lease_is_noticed_without_asking_anyone() {
    let mut installation = Installation::of(4).await;
    let mut member = installation.member(Role::Booking);
    installation.tick(&mut member).await;
    let lost: Vec<Change> = (0..4).map(|lane| Change::Lost(LaneNo(lane))).collect();
    assert_eq!(member.tick(Instant::now() + LEASE).await.unwrap(), lost);
    assert_eq!(installation.tick(&mut member).await, 4, "no one else took them: it does, under other epochs");
}

#[tokio::test]
async fn without_a_database_lanes_are_held_for_the_lease_and_no_longer() {
    let mut installation = Installation::of(4).await;
    let mut member = installation.member(Role::Booking);
    installation.tick(&mut member).await;
    let heard_at = Instant::now();

    // Every beat waits for this lock.
    let mut lock = installation.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE lane_members").execute(&mut *lock).await.unwrap();
    let hangs = member.tick(heard_at + LEASE.saturating_sub(Duration::from_millis(100))).await.unwrap();
    assert_eq!(hangs.len(), 4, "no answer while the lease lasts: {hangs:?}");
    lock.rollback().await.unwrap();

    installation.tick(&mut member).await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&installation.pool)
    .await
    .unwrap();
    installation.pool.close().await;
    assert!(member.tick(Instant::now()).await.is_err());
    assert_eq!(member.held().count(), 4, "an error alone loses nothing");
    assert_eq!(member.tick(Instant::now() + LEASE).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takers_at_once_never_get_one_lane() {
    let mut installation = Installation::of(64).await;
    for _ in 0..5 {
        let members: Vec<Shares> = (0..6).map(|_| installation.member(Role::Booking)).collect();
        // All of them are known first, so that each takes only its share.
        for member in &members {
            sqlx::query("INSERT INTO lane_members VALUES ('booking', $1, now())")
                .bind(member.member())
                .execute(&installation.pool)
                .await
                .unwrap();
        }
        let ticks = members.into_iter().map(|mut member| {
            tokio::spawn(async move {
                let changes = member.tick(Instant::now()).await.unwrap();
                assert!(changes.iter().all(|change| matches!(change, Change::Gained(_))), "{changes:?}");
                member
            })
        });
        let mut members: Vec<Shares> = join_all(ticks).await.into_iter().map(Result::unwrap).collect();
        let held: Vec<LaneNo> = members.iter().flat_map(Shares::held).map(|lease| lease.key).collect();
        assert_eq!(held.len(), held.iter().collect::<BTreeSet<_>>().len(), "{held:?}");
        for lease in members.iter().flat_map(Shares::held) {
            assert!(installation.epochs.insert(lease.key, lease.epoch).is_none_or(|before| lease.epoch > before));
        }
        assert_eq!(installation.settle(&mut members).await, [11, 11, 11, 11, 10, 10]);
        for member in members {
            member.leave().await;
        }
        assert_eq!(installation.owners().await, BTreeSet::from([None]));
    }
}

#[tokio::test]
async fn a_taker_waits_for_no_other_and_goes_by_what_it_has_read() {
    let installation = Installation::of(4).await;
    let (one, two, late) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let mut db = installation.pool.acquire().await.unwrap();
    let free: Vec<Lease> = leases::all(&mut db, Role::Booking).await.unwrap().into_iter().map(|owned| owned.lease).collect();

    let mut open = installation.pool.begin().await.unwrap();
    let lanes = |taken: &[Lease]| taken.iter().map(|lease| lease.key.0).collect::<Vec<_>>();
    let first = leases::take(&mut open, Role::Booking, one, &free, 2).await.unwrap();
    assert_eq!(lanes(&first), [0, 1]);
    let second = leases::take(&mut db, Role::Booking, two, &free, 4).await.unwrap();
    assert_eq!(lanes(&second), [2, 3], "what another is just taking is passed over");
    open.commit().await.unwrap();

    assert_eq!(leases::take(&mut db, Role::Booking, late, &free, 4).await.unwrap(), [], "all of it was taken since it was read");
    assert!(!leases::release(&mut db, Role::Booking, two, first[0]).await.unwrap(), "only its owner gives a lane back");
    assert!(!leases::release(&mut db, Role::Booking, one, free[0]).await.unwrap(), "and only under its epoch");
    assert!(leases::release(&mut db, Role::Booking, one, first[0]).await.unwrap());
}

#[tokio::test]
async fn roles_share_apart_from_each_other() {
    let mut installation = Installation::of(8).await;
    let mut decides = [installation.member(Role::Booking)];
    assert_eq!(installation.settle(&mut decides).await, [8]);
    installation.epochs.clear();
    let mut relays = [installation.member(Role::Relay), installation.member(Role::Relay)];
    assert_eq!(installation.settle(&mut relays).await, [4, 4]);
    assert_eq!(installation.tick(&mut decides[0]).await, 0);
}
