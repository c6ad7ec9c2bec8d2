//! Whether anyone lost their place, had two, or was overtaken: what fans saw against what the room's log says.

use std::collections::HashSet;

use serde::Serialize;

use crate::tau::kendall_tau;

/// What was found.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Verdict {
    /// Fans who joined.
    pub joined: u64,
    /// Turns that fans saw: what the order is judged by.
    pub turns: u64,
    /// Fans who joined, and neither had a turn nor stand in line.
    pub lost: u64,
    /// Fans who had a second turn that was not declared, or a third.
    pub doubled: u64,
    /// Fans who claimed their turn in time and were not let in.
    pub refused: u64,
    /// Kendall's tau between places and turns: 1 where no one was overtaken.
    pub tau: f64,
}

impl Verdict {
    /// Compares the fans whose turn came, in order, with each fan's place. `waiting` fans still stand in line; `deferred` ones may have
    /// one more turn.
    pub(crate) fn of(places: &[Option<u32>], turns: &[u32], deferred: &HashSet<u32>, waiting: u64, refused: u64) -> Self {
        let joined = places.len() as u64;
        let mut had = vec![false; places.len()];
        let mut order = Vec::with_capacity(turns.len());
        let (mut doubled, mut unknown) = (0, 0);
        let mut again = HashSet::new();
        for &fan in turns {
            let at = usize::try_from(fan).unwrap_or(usize::MAX);
            match (had.get_mut(at), places.get(at).copied().flatten()) {
                (Some(true), _) if deferred.contains(&fan) && again.insert(fan) => {}
                (Some(true), _) => doubled += 1,
                (Some(first), Some(place)) => {
                    *first = true;
                    order.push(place);
                }
                (Some(first), None) => {
                    *first = true;
                    unknown += 1;
                }
                (None, _) => unknown += 1,
            }
        }
        let served = had.iter().filter(|&&had| had).count() as u64;
        let lost = joined.saturating_sub(served).saturating_sub(waiting) + unknown;
        Self { joined, turns: turns.len() as u64, lost, doubled, refused, tau: kendall_tau(&mut order) }
    }

    /// Nothing is wrong. Where nothing was compared nothing is proved.
    pub fn is_ok(&self) -> bool {
        self.turns > 0 && self.lost == 0 && self.doubled == 0 && self.refused == 0 && self.tau >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_found() {
        let places = [Some(2), Some(0), Some(1), Some(3)];
        for (what, turns, waiting, refused, expected) in [
            ("all in order", &[1, 2, 0, 3][..], 0, 0, (0, 0, 0, true)),
            ("one still waits", &[1, 2, 0], 1, 0, (0, 0, 0, true)),
            ("one is lost", &[1, 2, 0], 0, 0, (1, 0, 0, false)),
            ("one came twice", &[1, 2, 1, 0, 3], 0, 0, (0, 1, 0, false)),
            ("one was refused", &[1, 2, 0, 3], 0, 1, (0, 0, 1, false)),
            ("one was overtaken", &[1, 0, 2, 3], 0, 0, (0, 0, 0, false)),
            ("nothing was compared", &[], 4, 0, (0, 0, 0, false)),
        ] {
            let found = Verdict::of(&places, turns, &HashSet::new(), waiting, refused);
            assert_eq!((found.lost, found.doubled, found.refused, found.is_ok()), expected, "{what}: {found:?}");
        }
        assert!(!Verdict::of(&[None, Some(0)], &[1, 0], &HashSet::new(), 0, 0).is_ok(), "a turn without a place");
        for (turns, fine) in [(&[1, 2, 1, 0, 3][..], true), (&[1, 2, 1, 0, 3, 1], false), (&[1, 2, 2, 0, 3], false)] {
            assert_eq!(Verdict::of(&places, turns, &HashSet::from([1]), 0, 0).is_ok(), fine, "{turns:?}");
        }
    }
}
