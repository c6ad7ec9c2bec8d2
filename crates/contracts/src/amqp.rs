//! Names on RabbitMQ. All carry the deployment's prefix, so that several fit one vhost.
//!
//! ```text
//! commands (direct) ──▶ lane.N.lifecycle, lane.N.requests   quorum, delivery limit, bounded; two for each lane
//! tasks    (direct) ──▶ tasks.pdf, tasks.mail, tasks.verify, tasks.reset   quorum, delivery limit
//! retry    (direct) ──▶ tasks.pdf.retry.S …                   quorum, messages go back to `tasks` after S seconds
//! dead     (fanout) ──▶ dead                                  quorum, what could not be handled
//! ```

use goticket_domain::booking::Command;
use goticket_domain::lane::{LaneCount, LaneNo};

/// Requests for seats that may wait in one lane. Whoever came behind so many would wait for many seconds: they get 503 instead.
pub const REQUESTS_LENGTH_MAX: u32 = 50_000;

/// Payments, cancellations and expiries that may wait in one lane: as many as a lane's largest event can have holds. They have a bound
/// of their own, so that no crowd of requests keeps a payment out.
pub const LIFECYCLE_LENGTH_MAX: u32 = 500_000;

/// Verification mails that may wait, and mails by which passwords are set: whoever asks behind so many asks again.
pub const VERIFICATIONS_LENGTH_MAX: u32 = 100_000;

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

    /// Direct exchange for booking commands; the routing key is [`CommandKind::routing_key`].
    pub fn commands_exchange(&self) -> String {
        format!("{}commands", self.prefix)
    }

    /// The queue of one kind of commands of one lane.
    pub fn lane_queue(&self, lane: LaneNo, kind: CommandKind) -> String {
        format!("{}lane.{}", self.prefix, kind.routing_key(lane))
    }

    /// Both queues of every lane.
    pub fn lane_queues(&self, lanes: LaneCount) -> impl Iterator<Item = String> {
        lanes.all().flat_map(move |lane| CommandKind::ALL.map(|kind| self.lane_queue(lane, kind)))
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

/// Which of its lane's two queues a command goes through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CommandKind {
    /// What becomes of a booking that exists: always decided before requests.
    Lifecycle,
    /// Requests for seats.
    Requests,
}

impl CommandKind {
    /// Both, the one that is served first first.
    pub const ALL: [Self; 2] = [Self::Lifecycle, Self::Requests];

    /// The kind of a command.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Create { .. } => Self::Requests,
            Command::Pay { .. } | Command::Cancel { .. } | Command::Expire { .. } | Command::Refunded { .. } => Self::Lifecycle,
        }
    }

    /// Routing key, and the end of the queue's name.
    pub fn routing_key(self, lane: LaneNo) -> String {
        match self {
            Self::Lifecycle => format!("{lane}.lifecycle"),
            Self::Requests => format!("{lane}.requests"),
        }
    }

    fn length_max(self) -> u32 {
        match self {
            Self::Lifecycle => LIFECYCLE_LENGTH_MAX,
            Self::Requests => REQUESTS_LENGTH_MAX,
        }
    }
}

/// How an exchange routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeKind {
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
    /// Binding key.
    pub binding: String,
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
pub fn booking_topology(names: &Names, lanes: LaneCount) -> Topology {
    let dead = Queue {
        name: names.dead_queue(),
        exchange: names.dead_exchange(),
        binding: String::new(),
        delivery_limit: None,
        dead_letter: None,
        message_ttl_ms: None,
        max_length: None,
    };
    let queue = |lane, kind: CommandKind| Queue {
        name: names.lane_queue(lane, kind),
        exchange: names.commands_exchange(),
        binding: kind.routing_key(lane),
        delivery_limit: Some(DELIVERY_LIMIT),
        dead_letter: Some((names.dead_exchange(), None)),
        message_ttl_ms: None,
        max_length: Some(kind.length_max()),
    };
    let of_lanes = lanes.all().flat_map(|lane| CommandKind::ALL.map(|kind| queue(lane, kind)));
    Topology {
        exchanges: vec![
            Exchange { name: names.dead_exchange(), kind: ExchangeKind::Fanout },
            Exchange { name: names.commands_exchange(), kind: ExchangeKind::Direct },
        ],
        queues: std::iter::once(dead).chain(of_lanes).collect(),
    }
}

/// What the tasks need: one queue per kind, and one waiting queue per kind and delay.
pub fn task_topology(names: &Names) -> Topology {
    let queue = |name, exchange, binding, dead_letter, message_ttl_ms: Option<u32>| Queue {
        name,
        exchange,
        binding,
        delivery_limit: message_ttl_ms.is_none().then_some(DELIVERY_LIMIT),
        dead_letter: Some(dead_letter),
        message_ttl_ms,
        // One per confirmed booking, and a copy now and then: bounded by the seats there are.
        max_length: None,
    };
    let by_anyone = [crate::tasks::VERIFY, crate::tasks::RESET];
    let length_max = |kind| by_anyone.contains(&kind).then_some(VERIFICATIONS_LENGTH_MAX);
    let mut queues = vec![Queue {
        dead_letter: None,
        delivery_limit: None,
        ..queue(names.dead_queue(), names.dead_exchange(), String::new(), (String::new(), None), None)
    }];
    for kind in crate::tasks::KINDS {
        let tasks = queue(names.tasks_queue(kind), names.tasks_exchange(), kind.to_owned(), (names.dead_exchange(), None), None);
        queues.push(Queue { max_length: length_max(kind), ..tasks });
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
