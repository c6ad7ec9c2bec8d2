//! Several relays, and one that dies, hangs or comes back.

use super::*;

#[tokio::test]
async fn two_relays_share_the_lanes_and_each_event_keeps_its_order() {
    let world = World::new().await;
    let (mut first, mut second) = (world.relay(), world.relay());
    let mut committed = Vec::new();
    for round in 0..6 {
        let more = facts(&world, 5);
        world.commit(&more).await;
        committed.extend(more);
        match round {
            1 | 5 => {
                share(&mut first, &mut second).await;
                let half = second.run_once().await.unwrap();
                assert_eq!((half.lanes, half.published), (2, 10), "round {round}");
            }
            // The second one goes without a word, and comes back as another member.
            3 => {
                second = world.relay();
                silence(&world.pool).await;
                first.share().await.unwrap();
                assert_eq!(first.run_once().await.unwrap().lanes, 4, "all are taken over");
            }
            _ => {}
        }
        tokio::join!(publish_all(&mut first), publish_all(&mut second));
    }
    share(&mut first, &mut second).await;
    tokio::join!(publish_all(&mut first), publish_all(&mut second));
    assert_eq!(world.unpublished().await, 0);
    assert_eq!(assert_told(&world, &committed).await, 0, "nothing twice, as lanes changed hands between batches only");
}

#[tokio::test]
async fn a_relay_that_dies_before_the_cursors_move_leaves_duplicates_with_the_same_ids_and_order() {
    let world = World::new().await;
    let committed = facts(&world, 10);
    world.commit(&committed).await;

    let mut doomed = world.relay();
    doomed.share().await.unwrap();
    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE lane = 3 FOR UPDATE").execute(&mut *fence).await.unwrap();
    let dying = tokio::spawn(async move { doomed.run_once().await.map(|_| ()) });
    end_who_waits(&world.pool).await;
    dying.await.unwrap().unwrap_err();
    fence.rollback().await.unwrap();
    assert_eq!(world.unpublished().await, 40, "sent, but no cursor did move");

    let mut heir = world.relay();
    heir.share().await.unwrap();
    assert_eq!(heir.run_once().await.unwrap().lanes, 0, "as long as the lease lasts");
    silence(&world.pool).await;
    heir.share().await.unwrap();
    assert_eq!(publish_all(&mut heir).await, 40);
    assert_eq!(assert_told(&world, &committed).await, 40, "everything twice: it did die between sending and moving");
}

#[tokio::test]
async fn a_relay_that_loses_its_connection_reads_again_where_it_stands() {
    let world = World::new().await;
    let (first, second) = (facts(&world, 2), facts(&world, 2));
    world.commit(&first).await;
    let mut relay = world.relay();
    relay.share().await.unwrap();
    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE lane = 0 FOR UPDATE").execute(&mut *fence).await.unwrap();
    let stepping = tokio::spawn(async move { (relay.run_once().await, relay) });
    end_who_waits(&world.pool).await;
    let (step, mut relay) = stepping.await.unwrap();
    step.unwrap_err();
    // As if the answer alone had been lost: the cursors did move.
    sqlx::query("UPDATE outbox_cursors c SET position = l.position FROM lanes l WHERE l.lane = c.lane")
        .execute(&mut *fence)
        .await
        .unwrap();
    fence.commit().await.unwrap();

    world.commit(&second).await;
    assert_eq!(publish_all(&mut relay).await, second.len());
    assert_eq!(assert_told(&world, &[first, second].concat()).await, 0);
}

#[tokio::test]
async fn a_paused_relay_that_comes_back_is_fenced() {
    let world = World::new().await;
    let first = facts(&world, 2);
    world.commit(&first).await;
    let mut relay = world.relay();
    relay.share().await.unwrap();
    // It stands still between its append and its cursors.
    let mut fence = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM outbox_cursors WHERE lane IN (1, 2) FOR UPDATE").execute(&mut *fence).await.unwrap();
    let pausing = tokio::spawn(async move { (relay.run_once().await.unwrap(), relay) });
    waiting_for_a_lock(&world.pool, 1).await;
    // Another relay has taken two of its lanes meanwhile, has published one of them, and hangs with the other.
    let other = Uuid::now_v7();
    sqlx::query("INSERT INTO lane_members VALUES ('relay', $1, now())").bind(other).execute(&mut *fence).await.unwrap();
    sqlx::query(
        "UPDATE outbox_cursors SET epoch = epoch + 1, owner = $1, position = CASE lane WHEN 1 THEN 2 ELSE 0 END WHERE lane IN (1, 2)",
    )
    .bind(other)
    .execute(&mut *fence)
    .await
    .unwrap();
    fence.commit().await.unwrap();
    let (step, mut relay) = pausing.await.unwrap();
    assert_eq!(step, Step { lanes: 2, published: 4, fenced: 2, stopped: 0 });
    assert_eq!(world.unpublished().await, 2, "it did not move the other's cursors");

    let second = facts(&world, 1);
    world.commit(&second).await;
    assert_eq!(publish_all(&mut relay).await, 2, "and goes on with its own lanes only");
    silence(&world.pool).await;
    relay.share().await.unwrap();
    assert_eq!(publish_all(&mut relay).await, 4, "or the other's, where those stand, once nobody hears of it");
    assert_eq!(assert_told(&world, &[first, second].concat()).await, 2);
}

#[tokio::test]
async fn a_relay_that_hangs_loses_its_lanes_after_the_lease() {
    let (bed, links) = TestBed::behind_links().await;
    let world = World::on(bed).await;
    // Past the link that goes silent.
    let around = TestBed::new().await;
    let mut kafka = world.config.kafka.clone();
    kafka.brokers.clone_from(&around.kafka_brokers);
    let (mut hangs, mut other) = (world.relay(), world.relay_to(&kafka));
    let first = facts(&world, 5);
    world.commit(&first).await;
    assert_eq!(publish_all(&mut hangs).await, 20);

    links.kafka.hush();
    let second = facts(&world, 5);
    world.commit(&second).await;
    let hanging = step_apart(hangs).await;
    other.share().await.unwrap();
    assert_eq!(publish_all(&mut other).await, 0, "not as long as the lease lasts");
    silence(&world.pool).await;
    other.share().await.unwrap();
    assert_eq!(publish_all(&mut other).await, 20);
    let third = facts(&world, 5);
    world.commit(&third).await;
    assert_eq!(publish_all(&mut other).await, 20);

    // Now what it had in hand arrives, behind all of that.
    links.kafka.restore();
    let (step, _) = hanging.await.unwrap();
    assert_eq!((step.published, step.fenced), (0, 4));
    assert_eq!(assert_told(&world, &[first, second, third].concat()).await, 20, "twice, and in order");
}
