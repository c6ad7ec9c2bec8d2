//! The sabotages: what each takes away, and the check that must notice.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

/// One protection taken away, by `crates/xtask/sabotage/NAME.patch`.
#[derive(Debug)]
pub(crate) struct Sabotage {
    pub(crate) name: &'static str,
    /// The protection.
    pub(crate) removes: &'static str,
    /// What must go red.
    pub(crate) check: Check,
}

/// A checker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The tests of a package's test binary whose names hold `filter`.
    Tests { package: &'static str, binary: &'static str, filter: &'static str },
    /// A run of `chaos` with these arguments, separated by blanks.
    Chaos(Cow<'static, str>),
}

/// All of them. A test sees to it that each has its patch, and that each patch applies.
pub(crate) const SABOTAGES: &[Sabotage] = &[
    Sabotage {
        name: "accepted-before-confirmed",
        removes: "what the broker has not confirmed is not accepted",
        check: Check::Tests {
            package: "goticket-platform",
            binary: "it",
            filter: "what_no_queue_takes_is_unroutable_and_nothing_else_is",
        },
    },
    Sabotage {
        name: "unsigned-webhook",
        removes: "only the provider's own signature makes a payment's notice true",
        check: Check::Tests {
            package: "goticket-gateway",
            binary: "it",
            filter: "a_notice_is_believed_only_with_a_fresh_signature_over_these_bytes",
        },
    },
    Sabotage {
        name: "stale-owner-not-fenced",
        removes: "a lane's owner of before changes nothing any more",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "booking::races" },
    },
    Sabotage {
        name: "no-seat-constraint",
        removes: "a seat has one live booking, whoever writes",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "the_database_refuses_a_seat_its_second_owner" },
    },
    Sabotage {
        name: "lock-as-authority",
        removes: "a lock in Redis decides nothing",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "booking::life" },
    },
    Sabotage {
        name: "ack-before-commit",
        removes: "a message is acknowledged after the commit",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "who_dies_among_suspects_takes_nobody_along" },
    },
    Sabotage {
        name: "cursor-before-publish",
        removes: "the relay's cursor moves when Kafka has what is behind it",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "ends::relay" },
    },
    Sabotage {
        name: "refund-twice",
        removes: "a refund is asked for under the payment's own id, however often",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "money_that_must_go_back_goes_back_once" },
    },
    Sabotage {
        name: "late-payment-takes-taken-seats",
        removes: "who pays too late gets the seats only while nobody has them",
        check: Check::Tests { package: "goticket-domain", binary: "booking", filter: "money_goes_its_way_whatever_happens_when" },
    },
    Sabotage {
        name: "no-ticket-limit",
        removes: "an account has no more tickets than the event allows",
        check: Check::Tests {
            package: "goticket-domain",
            binary: "booking",
            filter: "nobody_has_more_than_one_ticket_whatever_happens_when",
        },
    },
    Sabotage {
        name: "map-goes-back",
        removes: "an older seat map never replaces a newer one",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "an_older_state_never_replaces_a_newer_one" },
    },
    Sabotage {
        name: "notice-not-remembered",
        removes: "a notice has its effect once",
        check: Check::Tests { package: "goticket-workers", binary: "it", filter: "a_notice_a_hundred_times_has_one_effect" },
    },
    Sabotage {
        name: "map-as-authority",
        removes: "what is refused before the queue, the database says of the seats",
        check: Check::Tests {
            package: "goticket-gateway",
            binary: "it",
            filter: "taken_seats_are_refused_before_the_queue_and_their_keys_stay_free",
        },
    },
    Sabotage {
        name: "beacon-not-verified",
        removes: "a draw's round is the beacon's own",
        check: Check::Tests { package: "goticket-draw", binary: "it", filter: "whatever_an_operator_tries_is_named" },
    },
    Sabotage {
        name: "boards-not-compared",
        removes: "a lobby is drawn as every board of it showed it",
        check: Check::Tests { package: "goticket-draw", binary: "it", filter: "whatever_an_operator_tries_is_named" },
    },
];

impl Sabotage {
    pub(crate) fn patch(&self) -> PathBuf {
        patches().join(format!("{}.patch", self.name))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tests { package, binary, filter } => write!(f, "cargo test -p {package} --test {binary} {filter}"),
            Self::Chaos(args) => write!(f, "cargo xtask chaos {args}"),
        }
    }
}

fn patches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sabotage")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use super::*;

    #[test]
    fn every_sabotage_has_its_patch_and_every_patch_its_sabotage() {
        let listed: BTreeSet<PathBuf> = SABOTAGES.iter().map(Sabotage::patch).collect();
        let found: BTreeSet<PathBuf> = std::fs::read_dir(patches()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(listed, found);
        assert_eq!(listed.len(), SABOTAGES.len(), "two have one name");
    }

    /// A patch that does not apply any more is mended when the code it takes away changes, not when somebody next wonders.
    #[test]
    fn every_patch_applies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for sabotage in SABOTAGES {
            let applied =
                Command::new("git").args(["apply", "--check"]).arg(sabotage.patch()).current_dir(&root).output().unwrap();
            assert!(applied.status.success(), "{}: {}", sabotage.name, String::from_utf8_lossy(&applied.stderr));
        }
    }
}
