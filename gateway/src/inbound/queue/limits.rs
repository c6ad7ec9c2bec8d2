//! What costs the waiting room something, counted per account and per network. Those who wait and look at their place meet no limit.

use std::net::IpAddr;

use goticket_domain::AccountId;

use crate::config::GatewayConfig;
use crate::inbound::problem::Problem;
use crate::inbound::rate_limit::{RateLimit, TooOften};

/// Joins of one account within a minute, all of them at once if it likes: one is enough, unless answers are lost on the way.
const JOINS_OF_ACCOUNT_PER_MIN: u32 = 30;
/// Challenges of one account within a minute: one for each join.
const CHALLENGES_OF_ACCOUNT_PER_MIN: u32 = JOINS_OF_ACCOUNT_PER_MIN;
/// What one account does with its group within a minute: to see who has come is worth a look every few seconds.
const GROUPS_OF_ACCOUNT_PER_MIN: u32 = JOINS_OF_ACCOUNT_PER_MIN;
/// Exact places of one account within a minute. Each is a look into Redis that a poll does without.
const EXACT_OF_ACCOUNT_PER_MIN: u32 = 12;
/// Tickets of one account within a minute that are renewed after a draw: one is enough.
const RENEWALS_OF_ACCOUNT_PER_MIN: u32 = 6;
/// Looks of one network at a draw within a minute: its record, a page of its list, or the proofs of a place.
const DRAW_OF_NETWORK_PER_MIN: u32 = 600;
/// Of them at once: the list of a lobby of eighteen million.
const DRAW_OF_NETWORK_BURST: u32 = 300;
/// Exact places of one network within a minute: a hundredth of what one Redis answers.
const EXACT_OF_NETWORK_PER_MIN: u32 = 6_000;
/// Of them at once.
const EXACT_OF_NETWORK_BURST: u32 = 200;

/// A limit for each account and one for each network.
struct Both {
    what: &'static str,
    accounts: RateLimit<AccountId>,
    networks: RateLimit<IpAddr>,
}

impl Both {
    fn take(&self, account: AccountId, network: IpAddr) -> Result<(), Problem> {
        let counted = |of: &'static str| {
            move |too_often: TooOften| {
                metrics::counter!("gateway_queue_limited_total", "what" => self.what, "of" => of).increment(1);
                Problem::from(too_often)
            }
        };
        self.accounts.take(&account).map_err(counted("account"))?;
        self.networks.take(&network).map_err(counted("network"))
    }
}

/// See the module.
pub(crate) struct QueueLimits {
    joins: Both,
    challenges: Both,
    groups: Both,
    exact: Both,
    renewals: RateLimit<AccountId>,
    draws: RateLimit<IpAddr>,
}

impl QueueLimits {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        Self {
            joins: Both {
                what: "join",
                accounts: RateLimit::new(JOINS_OF_ACCOUNT_PER_MIN, JOINS_OF_ACCOUNT_PER_MIN),
                networks: RateLimit::new(config.joins_per_min.get(), config.joins_burst.get()),
            },
            challenges: Both {
                what: "challenge",
                accounts: RateLimit::new(CHALLENGES_OF_ACCOUNT_PER_MIN, CHALLENGES_OF_ACCOUNT_PER_MIN),
                networks: RateLimit::new(config.joins_per_min.get(), config.joins_burst.get()),
            },
            groups: Both {
                what: "group",
                accounts: RateLimit::new(GROUPS_OF_ACCOUNT_PER_MIN, GROUPS_OF_ACCOUNT_PER_MIN),
                networks: RateLimit::new(config.joins_per_min.get(), config.joins_burst.get()),
            },
            exact: Both {
                what: "exact_place",
                accounts: RateLimit::new(EXACT_OF_ACCOUNT_PER_MIN, EXACT_OF_ACCOUNT_PER_MIN),
                networks: RateLimit::new(EXACT_OF_NETWORK_PER_MIN, EXACT_OF_NETWORK_BURST),
            },
            renewals: RateLimit::new(RENEWALS_OF_ACCOUNT_PER_MIN, RENEWALS_OF_ACCOUNT_PER_MIN),
            draws: RateLimit::new(DRAW_OF_NETWORK_PER_MIN, DRAW_OF_NETWORK_BURST),
        }
    }

    pub(super) fn join(&self, account: AccountId, network: IpAddr) -> Result<(), Problem> {
        self.joins.take(account, network)
    }

    pub(super) fn challenge(&self, account: AccountId, network: IpAddr) -> Result<(), Problem> {
        self.challenges.take(account, network)
    }

    pub(super) fn group(&self, account: AccountId, network: IpAddr) -> Result<(), Problem> {
        self.groups.take(account, network)
    }

    pub(super) fn renewal(&self, account: AccountId) -> Result<(), TooOften> {
        self.renewals.take(&account)
    }

    pub(super) fn draw(&self, network: IpAddr) -> Result<(), Problem> {
        self.draws.take(&network).map_err(|too_often| {
            metrics::counter!("gateway_queue_limited_total", "what" => "draw", "of" => "network").increment(1);
            Problem::from(too_often)
        })
    }

    pub(super) fn exact_place(&self, account: AccountId, network: IpAddr) -> Result<(), Problem> {
        self.exact.take(account, network)
    }
}
