//! What can go wrong, by name.

use std::fmt;
use std::str::FromStr;

use goticket_testkit::Server;

use crate::cast::Process;

/// One kind of fault. `--faults` names it, or only its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SIGKILL; an orchestrator starts the process again after a while.
    Kill(Group),
    /// SIGSTOP, longer than any lease, then SIGCONT.
    Stop(Group),
    /// The way to a server.
    Way(Harm, Server),
    /// Something happens to a worker in the very moment in which it commits.
    AtCommit(Moment),
    /// FLUSHALL, scripts included.
    FlushRedis,
    /// RabbitMQ stops reading from whoever publishes.
    Alarm(Scarce),
    /// A server cannot write any more, gives up, and comes back with room on its disk.
    FillDisk(Server),
    /// A server dies and comes back.
    Restart(Server),
    /// PostgreSQL ends every connection of the deployment.
    TerminateBackends,
}

/// Processes that are as good as each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Worker,
    Gateway,
    Admission,
    Rest,
}

/// What happens to the way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// Connections are closed, new ones refused.
    Cut,
    /// Connections are closed at whatever they are; new ones are welcome.
    Drop,
    /// Nothing arrives, nothing is closed.
    Silence,
    /// Everything arrives late.
    Slow,
}

/// What happens at a worker's COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It reaches PostgreSQL, the answer does not reach the worker, who lives.
    AnswerLost,
    /// The worker is killed before it reaches PostgreSQL.
    KilledBefore,
    /// The worker is killed after PostgreSQL has carried it out, and before the worker knows.
    KilledAfter,
}

/// What the broker is told it has too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scarce {
    Memory,
    Disk,
}

/// Those that promise to keep what they confirmed, and have no alarm of their own.
const KEEPERS: [Server; 2] = [Server::Postgres, Server::Kafka];

const SERVERS: [Server; 4] = [Server::Postgres, Server::Redis, Server::RabbitMq, Server::Kafka];

impl Kind {
    /// Every kind, in a fixed order.
    pub(crate) fn all() -> Vec<Self> {
        let groups = [Group::Worker, Group::Gateway, Group::Admission, Group::Rest];
        let harms = [Harm::Cut, Harm::Drop, Harm::Silence, Harm::Slow];
        let mut all = Vec::new();
        all.extend(groups.map(Self::Kill));
        all.extend(groups.map(Self::Stop));
        all.extend(harms.iter().flat_map(|harm| SERVERS.map(|server| Self::Way(*harm, server))));
        all.extend([Moment::AnswerLost, Moment::KilledBefore, Moment::KilledAfter].map(Self::AtCommit));
        all.extend([Self::FlushRedis, Self::Alarm(Scarce::Memory), Self::Alarm(Scarce::Disk)]);
        all.extend(KEEPERS.map(Self::FillDisk));
        all.extend(SERVERS.map(Self::Restart));
        all.push(Self::TerminateBackends);
        all
    }

    /// How often it is met, compared with others: booking workers and their database are what this is about.
    pub(crate) fn weight(self) -> usize {
        match self {
            Self::Kill(Group::Worker) | Self::Stop(Group::Worker) | Self::AtCommit(_) => 3,
            Self::Kill(Group::Gateway) | Self::Way(_, Server::Postgres | Server::RabbitMq) | Self::FlushRedis => 2,
            _ => 1,
        }
    }
}

impl Group {
    /// Its processes.
    pub(crate) fn members(self) -> &'static [Process] {
        match self {
            Self::Worker => &[Process::WorkerA, Process::WorkerB],
            Self::Gateway => &[Process::GatewayA, Process::GatewayB],
            Self::Admission => &[Process::Admission],
            Self::Rest => &[Process::Rest],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Gateway => "gateway",
            Self::Admission => "admission",
            Self::Rest => "rest",
        }
    }
}

/// As `--faults` and the plan name a server.
pub(crate) fn server_name(server: Server) -> &'static str {
    match server {
        Server::Postgres => "postgres",
        Server::Redis => "redis",
        Server::RabbitMq => "rabbitmq",
        Server::Kafka => "kafka",
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(group) => write!(f, "kill-{}", group.name()),
            Self::Stop(group) => write!(f, "stop-{}", group.name()),
            Self::Way(harm, server) => {
                let harm = match harm {
                    Harm::Cut => "cut",
                    Harm::Drop => "drop",
                    Harm::Silence => "silence",
                    Harm::Slow => "slow",
                };
                write!(f, "{harm}-{}", server_name(*server))
            }
            Self::AtCommit(Moment::AnswerLost) => f.write_str("commit-answer-lost"),
            Self::AtCommit(Moment::KilledBefore) => f.write_str("commit-killed-before"),
            Self::AtCommit(Moment::KilledAfter) => f.write_str("commit-killed-after"),
            Self::FlushRedis => f.write_str("flush-redis"),
            Self::Alarm(Scarce::Memory) => f.write_str("alarm-memory"),
            Self::Alarm(Scarce::Disk) => f.write_str("alarm-disk"),
            Self::FillDisk(server) => write!(f, "fill-{}", server_name(*server)),
            Self::Restart(server) => write!(f, "restart-{}", server_name(*server)),
            Self::TerminateBackends => f.write_str("terminate-backends"),
        }
    }
}

/// The kinds that one word of `--faults` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named(pub Vec<Kind>);

impl FromStr for Named {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let word = word.trim();
        let named = |kind: &Kind| {
            let name = kind.to_string();
            word == "all" || name == word || name.split_once('-').is_some_and(|(first, _)| first == word)
        };
        let found: Vec<Kind> = Kind::all().into_iter().filter(named).collect();
        if found.is_empty() {
            let known: Vec<String> = Kind::all().iter().map(Kind::to_string).collect();
            return Err(format!("there is no fault {word:?}; there are {}, their first words, and all", known.join(", ")));
        }
        Ok(Self(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_named_alone_or_with_its_like() {
        let names = |word: &str| word.parse::<Named>().map(|named| named.0.iter().map(Kind::to_string).collect::<Vec<_>>());
        assert_eq!(names("flush-redis"), Ok(vec!["flush-redis".to_owned()]));
        assert_eq!(names("commit").map(|kinds| kinds.len()), Ok(3));
        assert_eq!(names("alarm"), Ok(vec!["alarm-memory".to_owned(), "alarm-disk".to_owned()]));
        assert_eq!(names("kill").map(|kinds| kinds.len()), Ok(4));
        assert_eq!(names("all").map(|kinds| kinds.len()), Ok(Kind::all().len()));
        for wrong in ["", "kil", "kill-", "meteor"] {
            assert!(names(wrong).unwrap_err().contains("restart-kafka"), "{wrong:?}");
        }
    }

    #[test]
    fn no_two_kinds_have_one_name() {
        let mut names: Vec<String> = Kind::all().iter().map(Kind::to_string).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
