//! A killed server is dead; started again, it is at its old address with what it had on disk. It needs a stack of its own.

use std::{path::Path, time::Duration};

use goticket_testkit::{Durability, Server, Stack, TestBed};
use lapin::{Connection, ConnectionProperties};
use redis::AsyncCommands as _;
use sqlx::Connection as _;

#[tokio::test]
async fn a_killed_server_dies_and_comes_back_at_its_old_address() {
    let mut stack = Stack::start(Durability::Fast).await.unwrap();
    if !stack.owns(Server::Redis) {
        // Servers that are named by the environment, or containers, are nobody's to kill.
        assert!(stack.kill(Server::Redis).is_err());
        return;
    }
    let bed = TestBed::in_stack(&stack).await.unwrap();
    let mut database = sqlx::PgConnection::connect(&bed.postgres_url).await.unwrap();
    sqlx::query("create table kept as select 7 as value").execute(&mut database).await.unwrap();
    let _: () = redis(&bed).await.set("forgotten", 7).await.unwrap();

    for server in [Server::Postgres, Server::Redis, Server::RabbitMq, Server::Kafka] {
        let id = stack.kill(server).unwrap();
        assert!(!Path::new(&format!("/proc/{id}")).exists(), "{} lives", server.name());
        stack.start_again(server).await.unwrap();
        assert_ne!(stack.kill(server).unwrap(), id);
        stack.start_again(server).await.unwrap();
    }
    assert!(sqlx::query("select 1").execute(&mut database).await.is_err(), "the connection outlived its server");
    let mut database = sqlx::PgConnection::connect(&bed.postgres_url).await.unwrap();
    let kept: i32 = sqlx::query_scalar("select value from kept").fetch_one(&mut database).await.unwrap();
    assert_eq!(kept, 7);
    let forgotten: Option<i32> = redis(&bed).await.get("forgotten").await.unwrap();
    assert_eq!(forgotten, None);
    Connection::connect(&bed.amqp_url, ConnectionProperties::default()).await.unwrap();

    let alarms = format!("{}/api/health/checks/alarms", stack.amqp_management_url().unwrap());
    for (limit, calm) in [("0.0001", false), ("0.4", true)] {
        let done = stack.rabbitmqctl(&["set_vm_memory_high_watermark", limit]).unwrap().output().await.unwrap();
        assert!(done.status.success(), "{done:?}");
        assert_eq!(reqwest::get(&alarms).await.unwrap().status().is_success(), calm);
    }
    let writing = async { sqlx::query("create table lost as select 1 as value").execute(&mut database).await };
    let (gave_up, written) = tokio::join!(stack.fill_disk(Server::Postgres, Duration::from_secs(10)), writing);
    gave_up.unwrap();
    written.unwrap_err();
    stack.start_again(Server::Postgres).await.unwrap();
    let mut database = sqlx::PgConnection::connect(&bed.postgres_url).await.unwrap();
    sqlx::query("create table room as select value from kept").execute(&mut database).await.unwrap();
    sqlx::query("select from lost").execute(&mut database).await.unwrap_err();

    drop(bed);
    stack.stop().await.unwrap();
}

async fn redis(bed: &TestBed) -> redis::aio::MultiplexedConnection {
    redis::Client::open(bed.redis_url.as_str()).unwrap().get_multiplexed_async_connection().await.unwrap()
}
