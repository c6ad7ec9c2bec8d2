//! The test vectors of docs/CLIENTS.md: what any client must compute from these boards.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use goticket_domain::queue::{Availability, Board, EtaModel, HeldUp, Location, Pivot, Pivots, RoomState, Score};
use serde_json::{Value, json};

use crate::room::{LATE, Room, empty_board, score};

/// Set it, and the test writes the file instead of comparing it.
const UPDATE: &str = "GOTICKET_UPDATE_GENERATED";

/// Where these scores stand.
fn places(board: &Board, scores: &[u64]) -> Vec<Value> {
    let told = |at: &u64| {
        let mut told = serde_json::to_value(board.locate_score(score(*at))).unwrap();
        told["score"] = json!(at);
        if let Location::Waiting { ahead, .. } = board.locate_score(score(*at)) {
            told["chances"] = json!(board.chances_of(ahead));
        }
        told
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

/// The case, with what fans are told who want these categories.
fn releases(mut case: Value, board: &Board, wanted: &[&[u16]]) -> Value {
    let told = |wanted: &&[u16]| json!({ "wanted": wanted, "release": board.release_of(wanted) });
    case["releases"] = wanted.iter().map(told).collect();
    case
}

/// Half of it is sold: of each kind of category one.
fn stock() -> Vec<Availability> {
    let seats = |category, free, held, capacity| Availability { category, free, held, capacity, price: Some(4_550) };
    vec![
        seats(0, 30_000, 500, Some(60_000)),
        seats(1, 2_000, 3_000, Some(20_000)),
        seats(2, 0, 4, Some(900)),
        seats(3, 0, 0, Some(1_000)),
        seats(4, 17, 0, None),
    ]
}

fn vectors() -> Value {
    let short = Room { line: vec![3, 4, 9, LATE + 12, LATE + 20], log: 25, frontier: None };
    let large = a_large_line();
    let at = |rank: usize| large.line[rank];
    let drawn = large.line.partition_point(|at| *at < LATE);
    let ends = [0, 1, 2, 99, 100, 101, 102, 103, 5_000, drawn - 1, drawn, drawn + 1, large.line.len() - 1].map(at);
    let passed = Score::from_u64(1_400);
    let deferred = |sequence| Score::deferred(sequence).unwrap().as_u64();
    let second_turns = Board {
        deferred_frontier: Score::deferred(30),
        deferred_passed: Score::deferred(20),
        passed: Score::late(18),
        frontier: Score::late(40),
        log: 41,
        ..empty_board()
    };
    let seen = EtaModel::of_rate(6_000, 0).map(|model| model.observe(5_500, 300_000));
    let large_board = Board { passed, rate_per_min: 6_000, eta: seen, ..large.board() };
    let selling_board = Board { admitted: 25_000, inside: 2_001, availability: stock(), ..large_board.clone() };
    let nothing = Availability { category: 3, free: 0, held: 0, capacity: Some(1_000), price: Some(0) };
    let sold_out_board = Board { availability: vec![nothing], held_up_by: Some(HeldUp::SoldOut), ..short.board() };
    let waiting_for_its_draw = Board {
        state: RoomState::Lobby,
        log: 9,
        waiting: 8,
        pivots: Pivots::new([0, 2, 4, LATE + 7].map(score).into(), Some(Pivot { score: score(LATE + 6), ahead: 5 })),
        eta: None,
        held_up_by: Some(HeldUp::AwaitingDraw),
        ..empty_board()
    };
    let lobby = Board { state: RoomState::Lobby, waiting: 5, log: 5, eta: None, ..empty_board() };
    let case =
        |what: &str, board: &Board, scores: &[u64]| json!({ "what": what, "board": board, "places": places(board, scores) });
    json!([
        case("no one waits", &lobby, &[LATE + 5, LATE + 7]),
        case(
            "a short line with gaps; the last two came after the board",
            &short.board(),
            &[3, 4, 5, 9, LATE + 12, LATE + 20, LATE + 25, LATE + 30]
        ),
        releases(
            case("a long line, and what is left for it", &selling_board, &[&ends[..], &[LATE + large.log + 40_000]].concat()),
            &selling_board,
            &[&[], &[3], &[3, 2], &[0], &[3, 9], &[4, 3]]
        ),
        releases(case("nothing is left", &sold_out_board, &[3]), &sold_out_board, &[&[], &[3], &[9]]),
        case("the short line, paused", &Board { state: RoomState::Paused, ..short.board() }, &[3, 9, LATE + 20]),
        case("the short line at a rate of 0", &Board { rate_per_min: 0, ..short.board() }, &[3, 9, LATE + 20]),
        case(
            "the short line at its cap, which stands still",
            &Board { held_up_by: Some(HeldUp::CapReached), ..short.board() },
            &[3, 9]
        ),
        case(
            "the short line at its cap, which moves as fans leave",
            &Board { held_up_by: Some(HeldUp::CapReached), observed_per_min: 12, ..short.board() },
            &[3, 9]
        ),
        case(
            "the short line, slowed down by the pipeline",
            &Board { held_up_by: Some(HeldUp::PipelineSlow), ..short.board() },
            &[3, 9]
        ),
        case(
            "the short line, whose stores are away",
            &Board { held_up_by: Some(HeldUp::StoresAway), observed_per_min: 60, ..short.board() },
            &[3, 9]
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
        case(
            "deferred places have turns of their own; one was deferred after the board",
            &second_turns,
            &[deferred(20), deferred(21), deferred(30), deferred(31), deferred(50), LATE + 18, LATE + 19]
        ),
    ])
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// What the code of docs/CLIENTS.md says of every place of the vectors.
const ASK_PYTHON: &str = r#"
import json, sys
for case in json.load(open(sys.argv[1])):
    for told in case["places"]:
        where, ahead = place(case["board"], told["score"])
        said = {"score": told["score"], "where": where}
        if where == "waiting":
            said["ahead"], said["eta"], said["chances"] = ahead, eta(case["board"], ahead), chances(case["board"], ahead)
        print(json.dumps(said))
    for told in case.get("releases", []):
        print(json.dumps({"wanted": told["wanted"], "release": release(case["board"], told["wanted"])}))
"#;

#[test]
fn the_code_that_clients_are_given_says_the_same() {
    let page = std::fs::read_to_string(docs("CLIENTS.md")).unwrap();
    let code: Vec<&str> = page.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(code.len() >= 2);
    let program = code.join("\n") + ASK_PYTHON;
    let mut python = Command::new("python3");
    python.args(["-I", "-"]).arg(docs("client-vectors.json")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut run =
        python.spawn().unwrap_or_else(|error| panic!("python3 does not run, `cargo xtask install` installs it: {error}"));
    run.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success());
    let said: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |case: &Value, what: &str| case[what].as_array().cloned().unwrap_or_default();
    let expected: Vec<Value> =
        vectors().as_array().unwrap().iter().flat_map(|case| [of(case, "places"), of(case, "releases")].concat()).collect();
    assert!(expected.len() > 20);
    assert_eq!(said, expected);
}

#[test]
fn the_checked_in_vectors_are_what_boards_say() {
    let file = docs("client-vectors.json");
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
