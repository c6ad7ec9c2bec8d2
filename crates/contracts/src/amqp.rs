//! Names on RabbitMQ. All carry the deployment's prefix, so that several fit one vhost.
//!
//! ```text
//! bookings (x-consistent-hash) ──▶ bookings.0 … bookings.N-1   quorum, single active consumer, delivery limit, bounded
//! tasks    (direct)            ──▶ tasks.pdf, tasks.mail       quorum, delivery limit
//! retry    (direct)            ──▶ tasks.pdf.retry.S …         quorum, messages go back to `tasks` after S seconds
//! dead     (fanout)            ──▶ dead                        quorum, what nobody could handle
//! ```

use goticket_domain::EventId;

/// How many section queues there are. Changing it while messages are queued would let two queues serve one section.
pub const BOOKING_QUEUES: u16 = 4;

/// Commands that may wait in one section queue. One worker decides about two thousand a second: whoever came behind so many would
/// wait for half a minute, so he is sent away with 503 instead.
pub const BOOKING_QUEUE_LENGTH_MAX: u32 = 50_000;

/// Deliveries of one message before the broker dead-letters it.
pub const DELIVERY_LIMIT: u32 = 10;

/// Delays a failed task waits before its next try, in seconds; the last repeats.
pub const RETRY_DELAYS_S: [u32; 4] = [1, 5, 15, 60];

/// Names of exchanges and queues under one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// Names that begin with `prefix`, e.g. `goticket.`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Consistent-hash exchange that booking commands are published to, with [`section_key`] as the routing key.
    pub fn bookings_exchange(&self) -> String {
        format!("{}bookings", self.prefix)
    }

    /// One of the section queues.
    pub fn bookings_queue(&self, n: u16) -> String {
        format!("{}bookings.{n}", self.prefix)
    }

    /// Direct exchange for tasks; the routing key is the task's kind.
    pub fn tasks_exchange(&self) -> String {
        format!("{}tasks", self.prefix)
    }

    /// The queue of one kind of task.
    pub fn tasks_queue(&self, kind: &str) -> String {
        format!("{}tasks.{kind}", self.prefix)
    }

    /// Direct exchange for tasks that wait for their next try; routing key [`Self::retry_key`].
    pub fn retry_exchange(&self) -> String {
        format!("{}retry", self.prefix)
    }

    /// The queue in which tasks of one kind wait for so many seconds.
    pub fn retry_queue(&self, kind: &str, delay_s: u32) -> String {
        format!("{}tasks.{kind}.retry.{delay_s}", self.prefix)
    }

    /// Routing key into [`Self::retry_queue`].
    pub fn retry_key(kind: &str, delay_s: u32) -> String {
        format!("{kind}.{delay_s}")
    }

    /// Fanout exchange for what nobody could handle.
    pub fn dead_exchange(&self) -> String {
        format!("{}dead", self.prefix)
    }

    /// The queue behind it.
    pub fn dead_queue(&self) -> String {
        format!("{}dead", self.prefix)
    }
}

/// Routing key of a booking command: everything about one section goes to one queue.
pub fn section_key(event: EventId, section: u16) -> String {
    format!("{event}:{section}")
}

/// How an exchange routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeKind {
    /// By the hash of the routing key, evenly over the bound queues (plugin `rabbitmq_consistent_hash_exchange`).
    ConsistentHash,
    /// By equality of routing and binding key.
    Direct,
    /// To every bound queue.
    Fanout,
}

/// One durable exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its name.
    pub name: String,
    /// How it routes.
    pub kind: ExchangeKind,
}

/// One durable quorum queue, bound to one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// The exchange it is bound to.
    pub exchange: String,
    /// Binding key; for a consistent-hash exchange the weight.
    pub binding: String,
    /// Only one consumer at a time gets messages: one writer per section.
    pub single_active_consumer: bool,
    /// Deliveries before the broker dead-letters a message; None: unlimited (nothing consumes the queue).
    pub delivery_limit: Option<u32>,
    /// Where rejected and expired messages go, with the routing key they get there (None keeps theirs).
    pub dead_letter: Option<(String, Option<String>)>,
    /// How long messages stay, in milliseconds.
    pub message_ttl_ms: Option<u32>,
    /// Messages that may wait; the broker refuses the next one. None: no bound.
    pub max_length: Option<u32>,
}

/// What must exist on the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Exchanges, to be declared first.
    pub exchanges: Vec<Exchange>,
    /// Queues with their bindings.
    pub queues: Vec<Queue>,
}

/// What the booking pipeline needs. Gateways declare it too: a publish must never be unroutable.
pub fn booking_topology(names: &Names) -> Topology {
    let dead = Queue {
        name: names.dead_queue(),
        exchange: names.dead_exchange(),
        binding: String::new(),
        single_active_consumer: false,
        delivery_limit: None,
        dead_letter: None,
        message_ttl_ms: None,
        max_length: None,
    };
    let sections = (0..BOOKING_QUEUES).map(|n| Queue {
        name: names.bookings_queue(n),
        exchange: names.bookings_exchange(),
        binding: "1".to_owned(),
        single_active_consumer: true,
        delivery_limit: Some(DELIVERY_LIMIT),
        dead_letter: Some((names.dead_exchange(), None)),
        message_ttl_ms: None,
        max_length: Some(BOOKING_QUEUE_LENGTH_MAX),
    });
    Topology {
        exchanges: vec![
            Exchange { name: names.dead_exchange(), kind: ExchangeKind::Fanout },
            Exchange { name: names.bookings_exchange(), kind: ExchangeKind::ConsistentHash },
        ],
        queues: std::iter::once(dead).chain(sections).collect(),
    }
}

/// What the tasks need: one queue per kind, and one waiting queue per kind and delay.
pub fn task_topology(names: &Names) -> Topology {
    let queue = |name, exchange, binding, dead_letter, message_ttl_ms: Option<u32>| Queue {
        name,
        exchange,
        binding,
        single_active_consumer: false,
        delivery_limit: message_ttl_ms.is_none().then_some(DELIVERY_LIMIT),
        dead_letter: Some(dead_letter),
        message_ttl_ms,
        // One per confirmed booking, and a copy now and then: bounded by the seats there are.
        max_length: None,
    };
    let mut queues = vec![Queue {
        dead_letter: None,
        delivery_limit: None,
        ..queue(names.dead_queue(), names.dead_exchange(), String::new(), (String::new(), None), None)
    }];
    for kind in crate::tasks::KINDS {
        queues.push(queue(names.tasks_queue(kind), names.tasks_exchange(), kind.to_owned(), (names.dead_exchange(), None), None));
        for delay_s in RETRY_DELAYS_S {
            queues.push(queue(
                names.retry_queue(kind, delay_s),
                names.retry_exchange(),
                Names::retry_key(kind, delay_s),
                (names.tasks_exchange(), Some(kind.to_owned())),
                Some(delay_s * 1_000),
            ));
        }
    }
    Topology {
        exchanges: vec![
            Exchange { name: names.dead_exchange(), kind: ExchangeKind::Fanout },
            Exchange { name: names.tasks_exchange(), kind: ExchangeKind::Direct },
            Exchange { name: names.retry_exchange(), kind: ExchangeKind::Direct },
        ],
        queues,
    }
}
