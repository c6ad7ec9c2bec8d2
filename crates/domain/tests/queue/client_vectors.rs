//! The test vectors of docs/CLIENTS.md: what any client must compute from these boards.

use std::path::Path;

use goticket_domain::queue::{Board, Location, Pivot, Pivots, RoomState, Score};
use serde_json::{Value, json};

use crate::room::{LATE, Room, empty_board, score};

/// Set it, and the test writes the file instead of comparing it.
const UPDATE: &str = "GOTICKET_UPDATE_GENERATED";

/// Where these scores stand. The waiting time is left out: it is an estimate.
fn places(board: &Board, scores: &[u64]) -> Vec<Value> {
    let told = |at: &u64| match board.locate_score(score(*at)) {
        Location::Waiting { ahead, .. } => json!({ "score": at, "where": "waiting", "ahead": ahead }),
        other => {
            let mut told = serde_json::to_value(other).unwrap();
            told["score"] = json!(at);
            told
        }
    };
    scores.iter().map(told).collect()
}

/// 30,000 drawn and 20,000 late ones; every seventh has left, 2,500 have had their turn, half of them for too long.
fn a_large_line() -> Room {
    let mut room = Room::drawn(30_000);
    for n in 0..20_000_u64 {
        room.log += n % 3;
        room.join();
    }
    for rank in (0..room.line.len()).rev().step_by(7) {
        room.leave(rank);
    }
    room.admit(2_500);
    room
}

fn vectors() -> Value {
    let short = Room { line: vec![3, 4, 9, LATE + 12, LATE + 20], log: 25, frontier: None };
    let large = a_large_line();
    let at = |rank: usize| large.line[rank];
    let drawn = large.line.partition_point(|at| *at < LATE);
    let ends = [0, 1, 2, 99, 100, 101, 102, 103, 5_000, drawn - 1, drawn, drawn + 1, large.line.len() - 1].map(at);
    let passed = Score::from_u64(1_400);
    let large_board = Board { passed, ..large.board() };
    let waiting_for_its_draw = Board {
        state: RoomState::Lobby,
        log: 9,
        waiting: 8,
        pivots: Pivots::new([0, 2, 4, LATE + 7].map(score).into(), Some(Pivot { score: score(LATE + 6), ahead: 5 })),
        ..empty_board()
    };
    let lobby = Board { state: RoomState::Lobby, waiting: 5, log: 5, ..empty_board() };
    let case =
        |what: &str, board: &Board, scores: &[u64]| json!({ "what": what, "board": board, "places": places(board, scores) });
    json!([
        case("no one waits", &lobby, &[LATE + 5, LATE + 7]),
        case(
            "a short line with gaps; the last two came after the board",
            &short.board(),
            &[3, 4, 5, 9, LATE + 12, LATE + 20, LATE + 25, LATE + 30]
        ),
        case(
            "a closed lobby of five waits for its draw; three came after it",
            &waiting_for_its_draw,
            &[LATE + 6, LATE + 7, LATE + 8]
        ),
        case(
            "a long line: turns that are over, turns, the first hundred, both sides of the lobby's border, the last, later ones",
            &large_board,
            &[&[0, 1_400, 1_401, 2_000][..], &ends, &[LATE + large.log, LATE + large.log + 1_000]].concat()
        ),
    ])
}

#[test]
fn the_checked_in_vectors_are_what_boards_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/client-vectors.json");
    let made = format!("{:#}\n", vectors());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(stored == made, "docs/client-vectors.json is stale: run the tests with {UPDATE}=1 and check it in");
}

#[test]
fn a_board_that_is_read_back_says_the_same() {
    for case in vectors().as_array().unwrap() {
        let board: Board = serde_json::from_value(case["board"].clone()).unwrap();
        let scores: Vec<u64> = case["places"].as_array().unwrap().iter().map(|place| place["score"].as_u64().unwrap()).collect();
        assert_eq!(json!(places(&board, &scores)), case["places"]);
        assert!(!scores.is_empty());
    }
}
