//! Exchanges, queues and keys on RabbitMQ and in Redis: another name is another queue.

use std::collections::BTreeSet;

use goticket_contracts::amqp::{
    CommandKind, DELIVERY_LIMIT, ExchangeKind, LIFECYCLE_LENGTH_MAX, Names, REQUESTS_LENGTH_MAX, Topology, booking_topology,
    task_topology,
};
use goticket_contracts::redis_keys::{EventKeys, pending, reply_channel};
use goticket_domain::SeatNo;
use goticket_domain::booking::{BookingRequest, Command, IdempotencyKey, PayloadHash, PaymentNotice, PaymentResult, SeatChoice};
use goticket_domain::lane::{LaneCount, LaneNo};

use crate::{ACCOUNT, BOOKING, EVENT, PAYMENT, SECTION, euros, written_out};

fn names() -> Names {
    Names::new("t.")
}

/// A queue in a line: exchange, binding, name, deliveries, dead-letter exchange and key, time to live, length.
fn lines(topology: &Topology) -> Vec<String> {
    let exchange = |exchange: &goticket_contracts::amqp::Exchange| format!("{} {:?}", exchange.name, exchange.kind);
    let queue = |queue: &goticket_contracts::amqp::Queue| {
        format!(
            "{} -{}-> {} x{} dead {} ttl {} max {}",
            queue.exchange,
            queue.binding,
            queue.name,
            queue.delivery_limit.map_or("∞".to_owned(), |limit| limit.to_string()),
            queue
                .dead_letter
                .as_ref()
                .map_or("none".to_owned(), |(to, key)| format!("{to}:{}", key.as_deref().unwrap_or("same"))),
            queue.message_ttl_ms.map_or("none".to_owned(), |ttl| ttl.to_string()),
            queue.max_length.map_or("none".to_owned(), |max| max.to_string()),
        )
    };
    topology.exchanges.iter().map(exchange).chain(topology.queues.iter().map(queue)).collect()
}

#[test]
fn the_booking_pipeline() {
    assert_eq!(
        lines(&booking_topology(&names(), LaneCount::new(2).unwrap())),
        [
            "t.dead Fanout",
            "t.commands Direct",
            "t.dead --> t.dead x∞ dead none ttl none max none",
            "t.commands -0.lifecycle-> t.lane.0.lifecycle x10 dead t.dead:same ttl none max 500000",
            "t.commands -0.requests-> t.lane.0.requests x10 dead t.dead:same ttl none max 50000",
            "t.commands -1.lifecycle-> t.lane.1.lifecycle x10 dead t.dead:same ttl none max 500000",
            "t.commands -1.requests-> t.lane.1.requests x10 dead t.dead:same ttl none max 50000",
        ]
    );
    assert_eq!((DELIVERY_LIMIT, LIFECYCLE_LENGTH_MAX, REQUESTS_LENGTH_MAX), (10, 500_000, 50_000));
}

#[test]
fn the_tasks() {
    assert_eq!(
        lines(&task_topology(&names())),
        [
            "t.dead Fanout",
            "t.tasks Direct",
            "t.retry Direct",
            "t.dead --> t.dead x∞ dead none ttl none max none",
            "t.tasks -pdf-> t.tasks.pdf x10 dead t.dead:same ttl none max none",
            "t.retry -pdf.1-> t.tasks.pdf.retry.1 x∞ dead t.tasks:pdf ttl 1000 max none",
            "t.retry -pdf.5-> t.tasks.pdf.retry.5 x∞ dead t.tasks:pdf ttl 5000 max none",
            "t.retry -pdf.15-> t.tasks.pdf.retry.15 x∞ dead t.tasks:pdf ttl 15000 max none",
            "t.retry -pdf.60-> t.tasks.pdf.retry.60 x∞ dead t.tasks:pdf ttl 60000 max none",
            "t.tasks -mail-> t.tasks.mail x10 dead t.dead:same ttl none max none",
            "t.retry -mail.1-> t.tasks.mail.retry.1 x∞ dead t.tasks:mail ttl 1000 max none",
            "t.retry -mail.5-> t.tasks.mail.retry.5 x∞ dead t.tasks:mail ttl 5000 max none",
            "t.retry -mail.15-> t.tasks.mail.retry.15 x∞ dead t.tasks:mail ttl 15000 max none",
            "t.retry -mail.60-> t.tasks.mail.retry.60 x∞ dead t.tasks:mail ttl 60000 max none",
            "t.tasks -verify-> t.tasks.verify x10 dead t.dead:same ttl none max 100000",
            "t.retry -verify.1-> t.tasks.verify.retry.1 x∞ dead t.tasks:verify ttl 1000 max none",
            "t.retry -verify.5-> t.tasks.verify.retry.5 x∞ dead t.tasks:verify ttl 5000 max none",
            "t.retry -verify.15-> t.tasks.verify.retry.15 x∞ dead t.tasks:verify ttl 15000 max none",
            "t.retry -verify.60-> t.tasks.verify.retry.60 x∞ dead t.tasks:verify ttl 60000 max none",
            "t.tasks -reset-> t.tasks.reset x10 dead t.dead:same ttl none max 100000",
            "t.retry -reset.1-> t.tasks.reset.retry.1 x∞ dead t.tasks:reset ttl 1000 max none",
            "t.retry -reset.5-> t.tasks.reset.retry.5 x∞ dead t.tasks:reset ttl 5000 max none",
            "t.retry -reset.15-> t.tasks.reset.retry.15 x∞ dead t.tasks:reset ttl 15000 max none",
            "t.retry -reset.60-> t.tasks.reset.retry.60 x∞ dead t.tasks:reset ttl 60000 max none",
        ]
    );
}

/// What nothing takes, or two queues take, would be lost or decided twice.
#[test]
fn every_message_has_one_queue() {
    let lanes = LaneCount::USUAL;
    for topology in [booking_topology(&names(), lanes), task_topology(&names())] {
        let exchanges: BTreeSet<&str> = topology.exchanges.iter().map(|exchange| exchange.name.as_str()).collect();
        let bindings: BTreeSet<(&str, &str)> =
            topology.queues.iter().map(|queue| (queue.exchange.as_str(), queue.binding.as_str())).collect();
        let queues: BTreeSet<&str> = topology.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!((bindings.len(), queues.len()), (topology.queues.len(), topology.queues.len()));
        for queue in &topology.queues {
            assert!(exchanges.contains(queue.exchange.as_str()), "{}", queue.exchange);
            let Some((to, key)) = &queue.dead_letter else { continue };
            let fanout = topology.exchanges.iter().any(|exchange| exchange.name == *to && exchange.kind == ExchangeKind::Fanout);
            let key = key.as_ref().unwrap_or(&queue.binding).as_str();
            assert!(fanout || bindings.contains(&(to.as_str(), key)), "{} goes to {to}, {key}", queue.name);
        }
    }
    let topology = booking_topology(&names(), lanes);
    for (lane, kind) in lanes.all().flat_map(|lane| CommandKind::ALL.map(|kind| (lane, kind))) {
        let takes = topology.queues.iter().filter(|queue| queue.binding == kind.routing_key(lane)).collect::<Vec<_>>();
        assert!(matches!(&takes[..], [queue] if queue.name == names().lane_queue(lane, kind)), "{lane} {kind:?}");
    }
    let of_lanes: BTreeSet<String> = names().lane_queues(lanes).collect();
    assert_eq!(of_lanes.len(), topology.queues.len() - 1, "all but the dead letters");
}

#[test]
fn whatever_is_about_a_booking_is_served_before_requests() {
    let (booking, account) = (BOOKING, ACCOUNT);
    let request = BookingRequest {
        booking,
        event: EVENT,
        section: SECTION,
        account,
        key: IdempotencyKey::parse("k").unwrap(),
        payload_hash: PayloadHash([0; 32]),
        choice: SeatChoice::best_available(1, None).unwrap(),
    };
    let (amount, asked) = (euros(1), euros(1));
    let (provider, notice_id) = (String::new(), String::new());
    let notice = PaymentNotice { payment: PAYMENT, booking, provider, notice_id, result: PaymentResult::Paid, amount, asked };
    for (command, kind) in [
        (Command::Create { request }, CommandKind::Requests),
        (Command::Pay { notice }, CommandKind::Lifecycle),
        (Command::Cancel { booking, account, undecided: None }, CommandKind::Lifecycle),
        (Command::Expire { booking }, CommandKind::Lifecycle),
        (Command::Refunded { payment: PAYMENT, booking }, CommandKind::Lifecycle),
    ] {
        assert_eq!(CommandKind::of(&command), kind, "{command:?}");
        assert_eq!(command.booking(), BOOKING);
    }
    assert_eq!(CommandKind::ALL, [CommandKind::Lifecycle, CommandKind::Requests], "the first one first");
    assert_eq!(CommandKind::Lifecycle.routing_key(LaneNo(7)), "7.lifecycle");
}

/// One slot of a cluster for everything about one event.
#[test]
fn keys_in_redis() {
    let keys = EventKeys::new("t:", EVENT);
    let golden = [
        (keys.room(), "room"),
        (keys.line(), "line"),
        (keys.admitted(), "admitted"),
        (keys.sessions(), "sessions"),
        (keys.gone(), "gone"),
        (keys.scores(), "scores"),
        (keys.lobby(), "lobby"),
        (keys.seat_map(), "seats"),
        (keys.seat_map_version(), "seats:version"),
        (keys.availability(), "availability"),
        (keys.seat_lock(SeatNo(7)), "lock:7"),
        (keys.seat_deltas(), "seats:deltas"),
    ];
    for (key, name) in golden {
        assert_eq!(key, written_out(&format!("t:{{#1}}:{name}")));
    }
    assert_eq!(reply_channel("t:", "gw"), "t:replies:gw");
    assert_eq!(pending("t:", BOOKING), written_out("t:pending:#2"));
}
