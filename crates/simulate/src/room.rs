//! The line, as one replica writes it and fans see it.

mod flat;
mod logged;

pub(crate) use flat::Flat;
pub(crate) use logged::Logged;

/// How many came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turns {
    /// Of the line.
    pub(crate) first: u64,
    /// Of those who let the first one pass.
    pub(crate) second: u64,
}

/// A line of fans, who are numbered in the order in which they come.
pub(crate) trait Room {
    /// All fans before this one have joined.
    fn join(&mut self, before: u32, now_ms: i64);
    /// Closes the lobby and draws its order.
    fn draw(&mut self, now_ms: i64);
    /// How many stand in line, or in the lobby.
    fn waiting(&self) -> u64;
    /// How many wait for a second turn.
    fn deferred(&self) -> u64;
    /// Writes down that the turn of so many came; of fewer, where fewer wait. No one has learned of it yet.
    fn decide(&mut self, most: u64, now_ms: i64, claim_by_ms: i64) -> Turns;
    /// What was written becomes visible: adds whose turn came, in order.
    fn look(&mut self, turns: &mut Vec<u32>);
    /// Whether the line lets this fan in, for a session until then and with a first token that buys until its slot ends.
    fn claim(&mut self, fan: u32, until_ms: i64, slot_ms: i64, now_ms: i64) -> bool;
    /// A fan comes back whose turn passed.
    fn defer(&mut self, fan: u32, now_ms: i64);
    /// Redis comes up empty.
    fn forget(&mut self);
    /// Each fan's place in the order of the line, by what is durable alone. None for who has none.
    fn places(&self) -> Vec<Option<u32>>;
}
