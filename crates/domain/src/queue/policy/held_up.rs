//! Why no one's turn comes: one reason, the one that fans are held up by whatever becomes of the others.

use serde::{Deserialize, Serialize};

use super::Spare;
use crate::queue::{Phase, RoomState};

/// What holds the line up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldUp {
    /// Nothing is free, and nothing is held that could come back.
    SoldOut,
    /// By operators.
    Paused,
    /// Operators let no one in.
    RateZero,
    /// The lobby is closed, and the round that orders it has not come.
    AwaitingDraw,
    /// Every seat that is left is held, or set aside for somebody inside. It may come back.
    SeatsHeld,
    /// As many are inside as may be: they are buying.
    CapReached,
    /// The rate follows the booking pipeline, which takes no more than the least.
    PipelineSlow,
    /// The waiting room cannot reach what it writes to: no one is admitted, and no place is lost.
    StoresAway,
}

impl HeldUp {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::SoldOut,
        Self::Paused,
        Self::RateZero,
        Self::AwaitingDraw,
        Self::SeatsHeld,
        Self::CapReached,
        Self::PipelineSlow,
        Self::StoresAway,
    ];

    /// The name on every wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SoldOut => "sold_out",
            Self::Paused => "paused",
            Self::RateZero => "rate_zero",
            Self::AwaitingDraw => "awaiting_draw",
            Self::SeatsHeld => "seats_held",
            Self::CapReached => "cap_reached",
            Self::PipelineSlow => "pipeline_slow",
            Self::StoresAway => "stores_away",
        }
    }

    /// Whether the line stands still by it, where so many turns came in the last minute: at a cap it goes on with each fan who leaves.
    pub fn stands_still(self, observed_per_min: u32) -> bool {
        match self {
            Self::SoldOut | Self::Paused | Self::RateZero | Self::AwaitingDraw | Self::StoresAway => true,
            Self::SeatsHeld | Self::CapReached => observed_per_min == 0,
            Self::PipelineSlow => false,
        }
    }
}

impl std::str::FromStr for HeldUp {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| format!("unknown reason {text:?}"))
    }
}

/// A room as its owner sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineFacts {
    /// Where it stands.
    pub state: RoomState,
    /// How far the lobby has come.
    pub phase: Phase,
    /// The rate in force.
    pub rate_per_min: u32,
    /// The lowest an automatic rate may be; none where operators set it, or it has no room to move.
    pub lowest_per_min: Option<u32>,
    /// Who could buy, or may come inside by a claim.
    pub inside: u64,
    /// How many may be.
    pub cap: u64,
    /// Seats that are free, and seats that are held; none where no one has counted them.
    pub stock: Option<(u64, u64)>,
    /// Seats for which no one is inside.
    pub spare: Option<Spare>,
}

impl LineFacts {
    /// What holds the line up; none where it moves as fast as it is set to, or there is none to move.
    pub fn held_up_by(self) -> Option<HeldUp> {
        match self.state {
            RoomState::Scheduled | RoomState::Closed => return None,
            RoomState::Lobby => return (self.phase == Phase::Closed).then_some(HeldUp::AwaitingDraw),
            RoomState::Open | RoomState::Paused | RoomState::Draining => {}
        }
        let reasons = [
            (self.stock == Some((0, 0)), HeldUp::SoldOut),
            (self.state == RoomState::Paused, HeldUp::Paused),
            (self.rate_per_min == 0, HeldUp::RateZero),
            (self.spare.is_some_and(|spare| spare.seats() == 0), HeldUp::SeatsHeld),
            (self.inside >= self.cap, HeldUp::CapReached),
            (self.lowest_per_min.is_some_and(|lowest| self.rate_per_min <= lowest), HeldUp::PipelineSlow),
        ];
        reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: LineFacts = LineFacts {
        state: RoomState::Open,
        phase: Phase::Drawn,
        rate_per_min: 600,
        lowest_per_min: None,
        inside: 10,
        cap: 100,
        stock: None,
        spare: None,
    };

    #[test]
    fn one_reason_is_given_and_it_is_the_one_that_must_go_first() {
        use HeldUp::{AwaitingDraw, CapReached, Paused, PipelineSlow, RateZero, SeatsHeld, SoldOut};
        let (full, spare) = (LineFacts { inside: 100, ..OPEN }, |free, inside| Some(Spare::counted(free, inside, 0)));
        let sold_out = LineFacts { stock: Some((0, 0)), spare: spare(0, 0), ..OPEN };
        let slow = LineFacts { lowest_per_min: Some(600), ..OPEN };
        for (what, facts, expected) in [
            ("it moves", OPEN, None),
            ("no one counts seats", LineFacts { stock: None, ..OPEN }, None),
            ("seats are left", LineFacts { stock: Some((20, 3)), spare: spare(20, 10), ..OPEN }, None),
            ("operators paused it", LineFacts { state: RoomState::Paused, ..OPEN }, Some(Paused)),
            ("it is paused and at its cap", LineFacts { state: RoomState::Paused, ..full }, Some(Paused)),
            ("no one is let in", LineFacts { rate_per_min: 0, ..full }, Some(RateZero)),
            ("the cap is reached", full, Some(CapReached)),
            ("and exceeded, as it was lowered", LineFacts { inside: 101, ..OPEN }, Some(CapReached)),
            ("one more may come", LineFacts { inside: 99, ..OPEN }, None),
            ("the last ones are held", LineFacts { stock: Some((0, 1)), spare: spare(0, 0), ..OPEN }, Some(SeatsHeld)),
            (
                "those inside may take the last ones",
                LineFacts { stock: Some((9, 0)), spare: spare(9, 10), ..full },
                Some(SeatsHeld),
            ),
            ("nothing is left", sold_out, Some(SoldOut)),
            ("whatever operators do", LineFacts { state: RoomState::Paused, rate_per_min: 0, ..sold_out }, Some(SoldOut)),
            ("the pipeline is slow", slow, Some(PipelineSlow)),
            ("it recovers", LineFacts { rate_per_min: 601, ..slow }, None),
            ("it is slow, and the cap reached", LineFacts { inside: 100, ..slow }, Some(CapReached)),
            ("draining moves as well", LineFacts { state: RoomState::Draining, ..OPEN }, None),
            ("the round has not come", LineFacts { state: RoomState::Lobby, phase: Phase::Closed, ..OPEN }, Some(AwaitingDraw)),
            ("the lobby is open: nothing is due", LineFacts { state: RoomState::Lobby, phase: Phase::Lobby, ..full }, None),
            ("it is over", LineFacts { state: RoomState::Closed, ..sold_out }, None),
            ("it is not open yet", LineFacts { state: RoomState::Scheduled, rate_per_min: 0, ..OPEN }, None),
        ] {
            assert_eq!(facts.held_up_by(), expected, "{what}");
        }
    }

    #[test]
    fn at_a_cap_the_line_goes_on_with_each_fan_who_leaves() {
        for reason in HeldUp::ALL {
            let (still, moving) = (reason.stands_still(0), reason.stands_still(1));
            let expected = match reason {
                HeldUp::PipelineSlow => (false, false),
                HeldUp::SeatsHeld | HeldUp::CapReached => (true, false),
                _ => (true, true),
            };
            assert_eq!((still, moving), expected, "{reason:?}");
        }
    }

    #[test]
    fn every_reason_has_one_name_on_every_wire() {
        for reason in HeldUp::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        assert!("tired".parse::<HeldUp>().is_err());
    }
}
