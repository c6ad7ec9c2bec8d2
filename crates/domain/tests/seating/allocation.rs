//! Best available: what it promises, by example and for any section.

use std::{
    collections::{BTreeSet, HashSet},
    time::Instant,
};

use goticket_domain::seating::{LayoutSeat, LayoutSection, SectionKind, SectionSeats, generate_arena};
use proptest::prelude::*;
use rstest::rstest;

use crate::plans::import;

/// A section drawn as text: one line per row, a letter per free seat (its category, `a` is 0), an upper-case one where it is
/// taken, a blank where there is none.
fn section(kind: SectionKind, rows: &[&str]) -> (LayoutSection, HashSet<u32>) {
    const FIRST: u32 = 100;
    let (mut seats, mut taken) = (Vec::new(), HashSet::new());
    for (row, text) in rows.iter().enumerate() {
        let (mut block, mut x) = (0, 0_u16);
        for letter in text.bytes() {
            x += 25;
            if letter == b' ' {
                block += 1;
                continue;
            }
            let no = FIRST + u32::try_from(seats.len()).unwrap();
            if letter.is_ascii_uppercase() {
                taken.insert(no);
            }
            let place = (kind == SectionKind::Seated).then_some(f32::from(x));
            seats.push(LayoutSeat {
                no,
                row: u16::try_from(row).unwrap(),
                block,
                row_label: String::new(),
                number: String::new(),
                guid: no.to_string(),
                category: u16::from(letter.to_ascii_lowercase() - b'a'),
                x: place,
                y: place.map(|_| 0.0),
            });
        }
    }
    (LayoutSection { no: 0, name: "S".into(), kind, area: None, first_seat: FIRST, seats }, taken)
}

/// Marks the chosen seats with `*` in the drawing.
fn mark(rows: &[&str], chosen: &[u32]) -> Vec<String> {
    let mut no = 99;
    let mut cell = |letter: char| {
        no += u32::from(letter != ' ');
        if letter != ' ' && chosen.contains(&no) { '*' } else { letter }
    };
    rows.iter().map(|row| row.chars().map(&mut cell).collect()).collect()
}

#[rstest]
#[case::centre_of_the_front_row(2, None, &["aaaaaa", "aaaaaa"], &["aa**aa", "aaaaaa"])]
#[case::next_to_the_middle_no_single_is_left(2, None, &["aaaaa", "aaaaa"], &["**aaa", "aaaaa"])]
#[case::beside_what_is_sold(2, None, &["aaAAaaa"], &["**AAaaa"])]
#[case::one_seat_leaves_pairs(1, None, &["aaaaa"], &["aa*aa"])]
#[case::one_seat_takes_the_lone_one_first(1, None, &["aaAaAaa"], &["aaA*Aaa"])]
#[case::one_of_three_from_the_edge(1, None, &["aaa"], &["*aa"])]
#[case::a_later_row_without_a_single(2, None, &["aaa", "aaaa"], &["aaa", "**aa"])]
#[case::a_single_where_it_cannot_be_avoided(2, None, &["aaa", "aaa"], &["**a", "aaa"])]
#[case::the_centre_where_each_leaves_a_single(2, None, &["aaaA"], &["a**A"])]
#[case::the_exact_gap(3, None, &["aaaaAaaaAaaaa"], &["aaaaA***Aaaaa"])]
#[case::never_across_an_aisle(3, None, &["aa aa", "aaa"], &["aa aa", "***"])]
#[case::the_centre_counts_the_aisle(2, None, &["aaaa aaaa"], &["aa** aaaa"])]
#[case::never_across_rows(3, None, &["aa", "aa"], &[])]
#[case::only_the_category(2, Some(1), &["aaaabbb"], &["aaaab**"])]
#[case::no_single_of_another_category(2, Some(1), &["abbb"], &["ab**"])]
#[case::a_pair_of_two_categories_is_no_single(1, Some(1), &["abbaa"], &["ab*aa"])]
#[case::category_in_a_later_row(2, Some(1), &["aaaa", "abba"], &["aaaa", "a**a"])]
#[case::category_split_by_another(2, Some(1), &["babab"], &[])]
#[case::more_than_there_are(9, None, &["aaaaaaaa"], &[])]
#[case::all_of_them(4, None, &["aaaa"], &["****"])]
#[case::none(0, None, &["aaaa"], &[])]
#[case::sold_out(1, None, &["AAAA"], &[])]
#[case::no_seats(1, None, &[], &[])]
fn the_best_run(#[case] quantity: usize, #[case] category: Option<u16>, #[case] rows: &[&str], #[case] expected: &[&str]) {
    let (section, taken) = section(SectionKind::Seated, rows);
    let chosen = SectionSeats::new(&section).best_available(|no| taken.contains(&no), quantity, category);
    match chosen {
        Some(chosen) => assert_eq!(mark(rows, &chosen), expected),
        None => assert!(expected.is_empty(), "nothing found"),
    }
}

#[rstest]
#[case::lowest_free(2, None, "aAaAa", Some(vec![100, 102]))]
#[case::not_side_by_side(3, None, "aAaAa", Some(vec![100, 102, 104]))]
#[case::too_many(4, None, "aAaAa", None)]
#[case::by_category(2, Some(1), "abab", Some(vec![101, 103]))]
fn standing_places_are_the_lowest_free(
    #[case] quantity: usize,
    #[case] category: Option<u16>,
    #[case] places: &str,
    #[case] expected: Option<Vec<u32>>,
) {
    let (section, taken) = section(SectionKind::Standing, &[places]);
    let seats = SectionSeats::new(&section);
    assert_eq!(seats.best_available(|no| taken.contains(&no), quantity, category), expected);
    assert!(!seats.leaves_single(|no| taken.contains(&no), &[101]));
}

#[rstest]
#[case::at_the_edge("aaaa", &[101], true)]
#[case::at_the_other_edge("aaaa", &[102], true)]
#[case::beside_a_sold_one("aaAaa", &[104], true)]
#[case::at_an_aisle("aaa aa", &[102], false)]
#[case::of_a_pair_at_an_aisle("aaa aa", &[103], true)]
#[case::between_two_chosen("aaaaa", &[101, 103], true)]
#[case::alone_before("aAaaa", &[102, 103, 104], false)]
#[case::nothing_left("aaa", &[100, 101, 102], false)]
#[case::a_pair_left("aaaa", &[100, 101], false)]
#[case::given_in_any_order("aaaa", &[101, 100], false)]
#[case::not_of_this_section("aaaa", &[7], false)]
#[case::none("a", &[], false)]
fn a_single_is_told(#[case] row: &str, #[case] chosen: &[u32], #[case] expected: bool) {
    let (section, taken) = section(SectionKind::Seated, &[row]);
    assert_eq!(SectionSeats::new(&section).leaves_single(|no| taken.contains(&no), chosen), expected);
}

#[test]
fn a_section_is_searched_in_microseconds() {
    let layout = import(&generate_arena(500)).unwrap().layout(&[]).unwrap();
    let seats = SectionSeats::new(&layout.sections[0]);
    let best_of = |search: &dyn Fn() -> Option<Vec<u32>>| {
        let once = || {
            let start = Instant::now();
            std::hint::black_box(search());
            start.elapsed()
        };
        (0..200).map(|_| once()).min().unwrap()
    };
    // The worst case: every second seat is taken, so every block is looked through in vain.
    let worst = best_of(&|| seats.best_available(|no| no % 2 == 0, 2, None));
    let usual = best_of(&|| seats.best_available(|no| no < 100, 2, None));
    // 20 µs in a release build; tests are built without optimisation, on machines that do other things too.
    let limit_us = if cfg!(debug_assertions) { 1_000 } else { 20 };
    assert!(worst.max(usual).as_micros() < limit_us, "worst {worst:?}, usual {usual:?}");
}

/// Rows of letters and blanks, as [`section`] reads them.
fn any_rows() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[aaaAbB ]{1,14}", 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_found_can_be_sold(rows in any_rows(), quantity in 1_usize..6, category in prop::option::of(0_u16..2)) {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let (section, taken) = section(SectionKind::Seated, &rows);
        let seats = SectionSeats::new(&section);
        let is_taken = |no: u32| taken.contains(&no);
        let found = seats.best_available(is_taken, quantity, category);
        prop_assert_eq!(&found, &SectionSeats::new(&section).best_available(is_taken, quantity, category));

        // Every run there is, by trying them all.
        let runs: Vec<&[LayoutSeat]> = section
            .seats
            .windows(quantity)
            .filter(|run| run.iter().all(|seat| (seat.row, seat.block) == (run[0].row, run[0].block)))
            .filter(|run| run.iter().all(|seat| !is_taken(seat.no) && category.is_none_or(|c| c == seat.category)))
            .collect();
        let numbers = |run: &[LayoutSeat]| run.iter().map(|seat| seat.no).collect::<Vec<_>>();
        let Some(found) = found else {
            prop_assert!(runs.is_empty(), "there is {:?}", runs);
            return Ok(());
        };
        prop_assert!(runs.iter().any(|run| numbers(run) == found), "{:?} is no run", found);

        // A single seat is left only where every run leaves one; then the front row decides.
        let without: Vec<_> = runs.iter().filter(|run| !seats.leaves_single(is_taken, &numbers(run))).collect();
        prop_assert_eq!(seats.leaves_single(is_taken, &found), without.is_empty());
        let row = |no: u32| section.seats[(no - 100) as usize].row;
        if let Some(front) = without.iter().map(|run| run[0].row).min() {
            prop_assert_eq!(row(found[0]), front);
        }
    }

    #[test]
    fn a_section_sells_out_without_selling_a_seat_twice(rows in any_rows(), quantities in prop::collection::vec(1_usize..5, 40)) {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let (section, mut taken) = section(SectionKind::Seated, &rows);
        let seats = SectionSeats::new(&section);
        for quantity in quantities.into_iter().chain([1; 80]) {
            if let Some(found) = seats.best_available(|no| taken.contains(&no), quantity, None) {
                prop_assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), quantity);
                for no in found {
                    prop_assert!(taken.insert(no), "{} is sold twice", no);
                }
            }
        }
        prop_assert_eq!(taken.len(), section.seats.len());
    }

    #[test]
    fn standing_places_are_taken_in_order(places in "[aaAb]{1,40}", quantity in 1_usize..6) {
        let (section, taken) = section(SectionKind::Standing, &[&places]);
        let free: Vec<u32> = section.seats.iter().map(|seat| seat.no).filter(|no| !taken.contains(no)).collect();
        let expected = free.get(..quantity).map(<[u32]>::to_vec);
        prop_assert_eq!(SectionSeats::new(&section).best_available(|no| taken.contains(&no), quantity, None), expected);
    }
}
