//! Whose password is checked next. Without time, threads and hashes: what waits is any `T`.
//!
//! A storm comes from few networks, or is after few accounts; a crowd of fans is neither. So networks take turns and accounts do, one time by
//! the one and the next time by the other: who comes from a network without a storm, or logs in to an account without one, waits for one turn
//! of each of the others at most. Limits are by network, and by an account *as tried from one network*, never by an account alone: nobody can
//! use up the attempts of somebody else.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use goticket_domain::identity::EmailAddress;

/// Of one network: fans of a mobile carrier share one, and a log-in takes less than a second.
pub(super) const NETWORK_WAITING_MAX: usize = 16;
/// Of one account from one network: nobody types faster.
pub(super) const PAIR_WAITING_MAX: usize = 4;

/// Who wants to have a password checked, as far as is known before it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Who {
    pub(crate) network: IpAddr,
    /// Whether there is an account with it or not.
    pub(crate) account: EmailAddress,
}

/// Names one that waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Ticket(u64);

struct Waiting<T> {
    ticket: Ticket,
    who: Who,
    what: T,
}

/// What one key has of the queue, as long as anything of it waits.
struct Share {
    waiting: usize,
    /// When it had its last turn, or came.
    turn: u64,
}

struct Shares<K>(HashMap<K, Share>);

impl<K: Hash + Eq> Shares<K> {
    fn waiting(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, |share| share.waiting)
    }

    fn turn(&self, key: &K) -> u64 {
        self.0.get(key).map_or(0, |share| share.turn)
    }

    fn more(&mut self, key: K, turn: u64) {
        self.0.entry(key).or_insert(Share { waiting: 0, turn }).waiting += 1;
    }

    /// One less; `served`: it had its turn then.
    fn less(&mut self, key: &K, served: Option<u64>) {
        let Some(share) = self.0.get_mut(key) else { return };
        share.waiting -= 1;
        share.turn = served.unwrap_or(share.turn);
        if share.waiting == 0 {
            self.0.remove(key);
        }
    }
}

/// See the module. Every step looks through all that wait: some hundreds, a few times for each hash, which takes a third of a second.
pub(super) struct FairQueue<T> {
    waiting_max: usize,
    waiting: Vec<Waiting<T>>,
    networks: Shares<IpAddr>,
    accounts: Shares<EmailAddress>,
    pairs: Shares<Who>,
    tickets: u64,
    turn: u64,
}

impl<T> FairQueue<T> {
    pub(super) fn new(waiting_max: usize) -> Self {
        let (networks, accounts, pairs) = (Shares(HashMap::new()), Shares(HashMap::new()), Shares(HashMap::new()));
        Self { waiting_max, waiting: Vec::new(), networks, accounts, pairs, tickets: 0, turn: 0 }
    }

    /// Lets one more wait; None: there is no room for it. Where the queue is full, the last one of the network with the most makes room for one
    /// of a network with fewer.
    pub(super) fn push(&mut self, who: Who, what: T) -> Option<Ticket> {
        let of_network = self.networks.waiting(&who.network);
        if self.pairs.waiting(&who) >= PAIR_WAITING_MAX || of_network >= NETWORK_WAITING_MAX {
            return None;
        }
        if self.waiting.len() >= self.waiting_max && !self.make_room(of_network + 1) {
            return None;
        }
        self.networks.more(who.network, self.turn);
        self.accounts.more(who.account.clone(), self.turn);
        self.pairs.more(who.clone(), self.turn);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.push(Waiting { ticket, who, what });
        Some(ticket)
    }

    /// Drops the last one of the network that has most, if that is more than so many.
    fn make_room(&mut self, more_than: usize) -> bool {
        let most = (0..self.waiting.len())
            .filter_map(|index| self.waiting.get(index).map(|one| (self.networks.waiting(&one.who.network), one.ticket, index)))
            .max();
        match most {
            Some((waiting, _, index)) if waiting > more_than => {
                self.take(index, None);
                true
            }
            _ => false,
        }
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self) -> Option<T> {
        let by_account = self.turn % 2 == 1;
        let turn = |one: &Waiting<T>| {
            let first = if by_account { self.accounts.turn(&one.who.account) } else { self.networks.turn(&one.who.network) };
            (first, self.pairs.turn(&one.who), one.ticket)
        };
        let (index, _) = self.waiting.iter().enumerate().min_by_key(|(_, one)| turn(one))?;
        self.turn += 1;
        Some(self.take(index, Some(self.turn)))
    }

    /// Takes one out that does not wait any more. One that had its turn is not there.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        if let Some(index) = self.waiting.iter().position(|one| one.ticket == ticket) {
            self.take(index, None);
        }
    }

    fn take(&mut self, index: usize, served: Option<u64>) -> T {
        let Waiting { who, what, .. } = self.waiting.swap_remove(index);
        self.networks.less(&who.network, served);
        self.accounts.less(&who.account, served);
        self.pairs.less(&who, served);
        what
    }
}

#[cfg(test)]
mod tests;
