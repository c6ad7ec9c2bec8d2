//! Joins on their way to a waiting room behind gRPC share calls.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use futures::future::join_all;
use goticket_domain::AccountId;
use goticket_domain::identity::Role;
use goticket_domain::queue::{JoinPass, QueueError, WaitingRoom as _};
use goticket_gateway::GrpcWaitingRoom;
use goticket_platform::http::serve;
use goticket_testkit::eventually;
use reqwest::StatusCode;
use secrecy::SecretString;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::world::{SOON, World};

/// Calls of one event that are under way at a time.
const AT_A_TIME: usize = 2;
/// Joins of one call.
const TOGETHER_MAX: usize = 128;
/// Full calls of the crowd.
const CALLS: usize = 5;
/// Bytes of a request's headers.
const HEADERS_MAX: usize = 16 * 1024;

/// A waiting room behind gRPC whose first calls are held up.
struct Held {
    room: GrpcWaitingRoom,
    /// How many calls came.
    calls: watch::Receiver<usize>,
    /// Closed: what was held up fails.
    gate: Arc<Semaphore>,
    _end: DropGuard,
}

async fn held(world: &World) -> Held {
    let (count, calls) = watch::channel(0);
    let (count, gate) = (Arc::new(count), Arc::new(Semaphore::new(0)));
    let passes = Arc::clone(&gate);
    let hold = move |request: Request, next: Next| {
        let (count, gate) = (Arc::clone(&count), Arc::clone(&passes));
        async move {
            let mut number = 0;
            count.send_modify(|calls| {
                *calls += 1;
                number = *calls;
            });
            if number <= AT_A_TIME && gate.acquire().await.is_err() {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            next.run(request).await as Response
        }
    };
    let secret: SecretString = "0123456789abcdef0123456789abcdef".into();
    let end = CancellationToken::new();
    let routes = goticket_admission::grpc_router(world.room.clone(), &secret, end.clone()).layer(from_fn(hold));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(serve(listener, routes, end.clone(), Duration::from_secs(1)));
    Held { room: GrpcWaitingRoom::new(&url, Some(&secret)).unwrap(), calls, gate, _end: end.drop_guard() }
}

fn fans(number: usize) -> Vec<AccountId> {
    (0..number).map(|_| AccountId::generate()).collect()
}

#[tokio::test]
async fn joins_that_come_at_once_share_calls_and_each_fan_gets_their_own_place() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let (hot, other) = (world.event(&organizer).await, world.event(&organizer).await);
    let mut held = held(&world).await;
    eventually("both rooms to open", SOON, async || {
        let open = join_all([hot, other].map(|event| world.room.join(event, AccountId::generate()))).await;
        open.iter().all(Result::is_ok).then_some(())
    })
    .await;

    let crowd = fans(CALLS * TOGETHER_MAX);
    let others = async {
        held.calls.wait_for(|calls| *calls == AT_A_TIME).await.unwrap();
        held.room.join(other, AccountId::generate()).await.unwrap();
        held.gate.add_permits(AT_A_TIME);
    };
    let (joined, ()) = tokio::join!(join_all(crowd.iter().map(|fan| held.room.join(hot, *fan))), others);

    let places: HashSet<_> = joined.iter().map(|joined| joined.as_ref().unwrap().ticket.place).collect();
    assert_eq!(places.len(), crowd.len());
    for (fan, joined) in crowd.iter().zip(&joined) {
        let joined = joined.as_ref().unwrap();
        assert_eq!((joined.ticket.account, joined.existing), (*fan, false));
    }
    assert_eq!(*held.calls.borrow(), CALLS + 1, "full ones, and one of the other room");
    assert_eq!(held.room.join(hot, crowd[7]).await.unwrap().ticket.place, joined[7].as_ref().unwrap().ticket.place);
}

#[tokio::test]
async fn who_shows_as_much_as_headers_may_have_keeps_no_one_from_joining() {
    let world = World::new().await;
    let event = world.event(&world.person(Role::Organizer).await).await;
    let held = held(&world).await;
    held.gate.add_permits(AT_A_TIME);
    let join = async |n: usize, fan| {
        let code = n.is_multiple_of(3).then(|| "X".repeat(HEADERS_MAX));
        let pass = JoinPass { code, ..JoinPass::default() };
        eventually("a place", SOON, async || held.room.join_with(event, fan, &pass).await.ok()).await
    };
    join(1, AccountId::generate()).await;
    let joined = join_all(fans(TOGETHER_MAX).into_iter().enumerate().map(|(n, fan)| join(n, fan))).await;
    assert!(joined.iter().all(|joined| !joined.existing), "at the first attempt");
}

#[tokio::test]
async fn who_waits_behind_a_call_that_fails_is_told_with_it() {
    let world = World::new().await;
    let event = world.event(&world.person(Role::Organizer).await).await;
    let mut held = held(&world).await;
    let crowd = fans(AT_A_TIME + 4 * TOGETHER_MAX);
    let fail = async {
        held.calls.wait_for(|calls| *calls == AT_A_TIME).await.unwrap();
        held.gate.close();
    };
    let (joined, ()) = tokio::join!(join_all(crowd.iter().map(|fan| held.room.join(event, *fan))), fail);
    assert!(joined.iter().all(|joined| *joined == Err(QueueError::Unavailable)), "{joined:?}");
    assert_eq!(*held.calls.borrow(), AT_A_TIME);
    // The next ones go on.
    eventually("a place", SOON, async || held.room.join(event, crowd[0]).await.ok()).await;
}
