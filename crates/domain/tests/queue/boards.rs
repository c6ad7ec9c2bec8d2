//! A place on a board: close to the truth, however a line came about; and it only ever falls.

use goticket_domain::EventId;
use goticket_domain::queue::draw::{Commitment, DRAW_ALGORITHM};
use goticket_domain::queue::{
    Availability, BeaconChain, BeaconTerms, Board, BoardDraw, ControlLogHead, DrawSeed, DrawTerms, EtaModel, HeldUp, LobbyHead,
    MerkleRoot, Pivots, Signature, SignerKey,
};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use crate::room::{LATE, Room, ahead, empty_board, late, score};

/// Told exactly.
const EXACT: u64 = 100;
/// Price categories of a large event.
const CATEGORIES: u16 = 20;
/// Largest board, in bytes of JSON, without the operators' message.
const BOARD_BYTES_MAX: usize = 4 * 1024;

/// Everyone is told their place, or 1 % more or less.
fn every_place_is_close(line: &[u64], pivots: &Pivots) {
    for (rank, at) in (0..).zip(line) {
        let told = pivots.ahead_of(score(*at));
        assert!(told.abs_diff(rank) * 100 <= rank, "told {told}, is {rank}");
        assert!(told == rank || rank > EXACT, "told {told}, is {rank}");
    }
}

/// Drawn places and then late ones, with gaps of these lengths between runs of these lengths.
fn line(runs: &[(u64, u64, bool)]) -> Vec<u64> {
    let (mut next, mut in_lobby) = (0, true);
    let mut line = Vec::new();
    for (places, gap, drawn) in runs {
        in_lobby &= drawn;
        if !in_lobby {
            next = next.max(LATE);
        }
        next += gap;
        line.extend(next..next + places);
        next += places;
    }
    line
}

#[test]
fn at_the_lobbys_border_and_behind_gaps_places_are_close() {
    let rows: [&[(u64, u64, bool)]; 5] = [
        &[(60_000, 0, true), (40_000, 0, false)],
        &[(60_001, 0, true), (20_000, 7, false), (20_000, 500_000, false)],
        &[(99, 0, true), (99, 1 << 40, true), (300, 9, false)],
        &[(1, 1, true), (70_000, 1 << 50, false)],
        &[(70_000, 1 << 50, true)],
    ];
    for runs in rows {
        let line = line(runs);
        let first_late = line.partition_point(|at| *at < LATE);
        assert!(line.len() > 400);
        let room = Room { line, log: 1 << 51, frontier: None };
        every_place_is_close(&room.line, &room.board().pivots);
        assert!(first_late > 0);
    }
}

/// A draw of which everything is told.
fn long_draw() -> BoardDraw {
    let beacon = BeaconTerms {
        chain: BeaconChain { chain: "9".repeat(64), genesis_s: 1_692_803_367, period_s: 30 },
        margin_s: 3_600,
        round: 99_999_999,
    };
    let at: Timestamp = "2026-11-28T20:00:00.123Z".parse().unwrap();
    let terms = DrawTerms {
        algorithm: DRAW_ALGORITHM.to_owned(),
        event: EventId(Uuid::nil()),
        commitment: Commitment([9; 32]),
        closes_at: at,
        beacon: Some(beacon),
        signer: SignerKey([9; 32]),
    };
    let lobby = LobbyHead { size: 7_000_000, root: MerkleRoot([9; 32]), at, closed: true, signature: Signature([9; 64]) };
    BoardDraw { terms, lobby: Some(lobby), seed: Some(DrawSeed([9; 32])) }
}

#[test]
fn a_board_of_ten_million_places_and_twenty_categories_fits_into_four_kilobytes() {
    // Drawn places of which some have left, and late ones between whose entries as many others lie.
    let at = |rank: u64| score(if rank < 7_000_000 { rank + rank / 50 } else { LATE + 7_000_000 + 2 * (rank - 7_000_000) });
    let waiting = 10_000_000;
    let late = goticket_domain::queue::Pivot { score: at(7_000_000), ahead: 7_000_000 };
    let seats = |category| Availability { category, free: 12_345, held: 6_789, capacity: Some(65_432), price: Some(123_456) };
    let board = Board {
        log: 25_000_000,
        waiting,
        admitted: 1_234_567,
        frontier: Some(score(1_234_999)),
        passed: Some(score(1_234_000)),
        deferred_frontier: goticket_domain::queue::Score::deferred(24_999_999),
        deferred_passed: goticket_domain::queue::Score::deferred(24_999_000),
        rate_per_min: 60_000,
        observed_per_min: 59_876,
        draw: Some(long_draw()),
        pivots: Pivots::pick(waiting, at, Some(late)),
        availability: (0..CATEGORIES).map(seats).collect(),
        eta: EtaModel::of_rate(60_000, 1_800_000_000_000),
        held_up_by: Some(HeldUp::AwaitingDraw),
        inside: 123_456,
        currency: Some(iso_currency::Currency::EUR),
        control_log: ControlLogHead { number: 1_000, hash: "9".repeat(64) },
        ..empty_board()
    };
    let json = serde_json::to_string(&board).unwrap();
    assert!(json.len() <= BOARD_BYTES_MAX, "{} bytes", json.len());
    assert_eq!(serde_json::from_str::<Board>(&json).unwrap(), board);
    for rank in (0..waiting).step_by(997) {
        let told = board.pivots.ahead_of(at(rank));
        assert!(told.abs_diff(rank) * 100 <= rank, "told {told}, is {rank}");
    }
}

/// What happens in a room between two boards.
#[derive(Clone, Debug)]
enum Step {
    Join(u16),
    Leave(Vec<Index>),
    Admit(u8),
    /// Entries that move no one.
    Other(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..400_u16).prop_map(Step::Join),
        proptest::collection::vec(any::<Index>(), 1..100).prop_map(Step::Leave),
        any::<u8>().prop_map(Step::Admit),
        (1..2_000_u16).prop_map(Step::Other),
    ];
    proptest::collection::vec(step, 1..60)
}

fn go(room: &mut Room, step: &Step) {
    match step {
        Step::Join(fans) => (0..*fans).for_each(|_| room.join()),
        Step::Leave(ranks) => {
            for rank in ranks {
                if !room.line.is_empty() {
                    room.leave(rank.index(room.line.len()));
                }
            }
        }
        Step::Admit(turns) => room.admit(usize::from(*turns)),
        Step::Other(entries) => room.log += u64::from(*entries),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn places_are_close_in_every_line(runs in proptest::collection::vec((1..8_000_u64, prop_oneof![Just(0), 0..9_u64, 0..9_999_999_u64], any::<bool>()), 1..24)) {
        let line = line(&runs);
        let room = Room { line, log: 1 << 51, frontier: None };
        every_place_is_close(&room.line, &room.board().pivots);
    }

    #[test]
    fn what_a_fan_is_told_falls_from_board_to_board(lobby in 0..3_000_u64, steps in steps()) {
        let mut room = Room::drawn(lobby);
        let mut told = Vec::new();
        for step in &steps {
            // Who joins is told by the board of before; so are some who come after it.
            let before = room.board();
            go(&mut room, step);
            let board = room.board();
            for at in (0..room.line.len()).step_by(7) {
                if let Some(sequence) = room.line[at].checked_sub(LATE) {
                    told.push((late(sequence), ahead(&before, &late(sequence))));
                }
            }
            for (ticket, was) in &mut told {
                let is = ahead(&board, ticket);
                prop_assert!(is <= *was, "{is} after {was}");
                *was = is;
            }
        }
    }

    #[test]
    fn boards_in_any_order_and_as_often_as_one_likes_let_no_one_rise(lobby in 0..500_u64, steps in steps(), came in proptest::collection::vec(any::<Index>(), 1..200)) {
        let mut room = Room::drawn(lobby);
        (0..40).for_each(|_| room.join());
        let tickets: Vec<_> = room.line.iter().filter_map(|at| at.checked_sub(LATE)).map(late).collect();
        let mut boards = vec![room.board()];
        for step in &steps {
            go(&mut room, step);
            boards.push(room.board());
        }
        let mut shown = came[0].get(&boards);
        for board in came.iter().map(|at| at.get(&boards)).filter(|board| board.log != shown.log) {
            let before = shown;
            if board.is_newer_than(shown) {
                shown = board;
            }
            for ticket in &tickets {
                prop_assert!(ahead(shown, ticket) <= ahead(before, ticket));
                // The control: the older one would have let someone rise, or no one has moved.
                prop_assert!(ahead(board, ticket) >= ahead(shown, ticket));
            }
        }
    }
}
