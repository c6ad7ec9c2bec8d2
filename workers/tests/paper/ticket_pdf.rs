//! The ticket as a document: its facts can be read back, its code can be scanned, its bytes never change.

use goticket_domain::Money;
use goticket_workers::ticket_pdf::{PdfError, TICKETS_MAX, TicketOrder, TicketPage, render};
use iso_currency::Currency;
use uuid::Uuid;

pub(crate) fn order() -> TicketOrder {
    TicketOrder {
        booking_reference: "GT-7K4Q-92MX".to_owned(),
        event_id: Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000),
        event_title: "A Midsummer Night's Dream".to_owned(),
        venue_name: "Theatre on the River".to_owned(),
        venue_address: Some("12 Quay Street, 1010 Wien".to_owned()),
        doors_at: Some("2026-12-18T18:15:00Z".parse().unwrap()),
        starts_at: "2026-12-18T19:00:00Z".parse().unwrap(),
        time_zone: "Europe/Vienna".to_owned(),
        holder_name: "Zoë Müller-Жукова".to_owned(),
        issued_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        notes: vec!["Latecomers are seated at the first interval.".to_owned()],
    }
}

pub(crate) fn ticket(seat: u128) -> TicketPage {
    TicketPage {
        ticket_id: Uuid::from_u128(0x0193_5d2e_0000_7000_8000_0000_0000_0000 + seat),
        section: "Stalls".to_owned(),
        row: Some("F".to_owned()),
        seat: Some(seat.to_string()),
        category: "Premium".to_owned(),
        price: Money { amount_minor: 8_950, currency: Currency::EUR },
        code: format!("GT1.01935d2e000070008000{seat:012}.c2lnbmF0dXJlLW9mLXRoZS10aWNrZXQ"),
    }
}

#[test]
fn every_fact_of_a_ticket_can_be_read_on_its_page() {
    let document = render(&order(), &[ticket(12), ticket(13)]).unwrap();
    let pages = read(&document);
    assert_eq!(pages.len(), 2);
    for (page, seat) in pages.iter().zip([12, 13]) {
        let facts = [
            "A Midsummer Night's Dream",
            "Friday, 18 December 2026",
            "20:00 CET",
            "doors 19:15",
            "Theatre on the River",
            "12 Quay Street, 1010 Wien",
            "Stalls",
            "Premium",
            "89.50 EUR",
            "Zoë Müller-Жукова",
            "GT-7K4Q-92MX",
            "22 November 2026",
            "Latecomers are seated at the first interval.",
            &seat.to_string(),
            &ticket(seat).ticket_id.to_string(),
            &format!("TICKET {} OF 2", seat - 11),
        ];
        for fact in facts {
            assert!(page.text.contains(&without_spaces(fact)), "{fact:?} is missing in {}", page.text);
        }
        assert_eq!(scan(page), ticket(seat).code);
    }
}

/// One order field changed, and what is then read on the page.
#[rstest::rstest]
#[case::summer_time("2026-07-01T18:00:00Z", "Europe/Vienna", "Wednesday, 1 July 2026 · 20:00 CEST")]
#[case::another_day_there("2026-12-18T23:30:00Z", "Asia/Tokyo", "Saturday, 19 December 2026 · 08:30 JST")]
#[case::half_an_hour_off("2026-12-18T12:00:00Z", "Asia/Kolkata", "17:30 IST")]
fn times_are_the_clock_on_the_wall_of_the_venue(#[case] start: &str, #[case] zone: &str, #[case] expected: &str) {
    let order = TicketOrder { starts_at: start.parse().unwrap(), time_zone: zone.to_owned(), doors_at: None, ..order() };
    let pages = read(&render(&order, &[ticket(1)]).unwrap());
    assert!(pages[0].text.contains(&without_spaces(expected)), "{}", pages[0].text);
}

#[test]
fn the_same_order_gives_the_same_bytes() {
    let once = render(&order(), &[ticket(1), ticket(2)]).unwrap();
    assert_eq!(once, render(&order(), &[ticket(1), ticket(2)]).unwrap());
    assert_ne!(once, render(&order(), &[ticket(2), ticket(1)]).unwrap());
}

#[test]
fn no_text_is_too_long_or_too_strange_for_a_ticket() {
    let texts = [
        String::new(),
        "W".repeat(10_000),
        "\u{0}\r\n\u{202e}\u{feff}".to_owned(),
        "日本武道館 🎟️ שלום مرحبا ".repeat(50),
        "e\u{301}".repeat(500),
        ") Tj ET << /JS (x) >>".to_owned(),
    ];
    for text in texts {
        let order = TicketOrder {
            booking_reference: text.clone(),
            event_title: text.clone(),
            venue_name: text.clone(),
            venue_address: Some(text.clone()),
            holder_name: text.clone(),
            notes: vec![text.clone(); 20],
            ..order()
        };
        let ticket = TicketPage {
            section: text.clone(),
            row: Some(text.clone()),
            seat: Some(text.clone()),
            category: text.clone(),
            price: Money { amount_minor: i64::MAX, currency: Currency::CLF },
            ..ticket(1)
        };
        let pages = read(&render(&order, std::slice::from_ref(&ticket)).unwrap());
        assert_eq!(pages.len(), 1);
        assert_eq!(scan(&pages[0]), ticket.code, "{text:?}");
    }
}

#[test]
fn general_admission_has_an_area_and_no_seat() {
    let ticket = TicketPage { row: None, seat: None, section: "Standing".to_owned(), ..ticket(1) };
    let pages = read(&render(&order(), &[ticket]).unwrap());
    for fact in ["AREA", "Standing", "Free choice"] {
        assert!(pages[0].text.contains(&without_spaces(fact)));
    }
    assert!(!pages[0].text.contains("ROW"));
}

#[test]
fn what_cannot_be_a_ticket_is_refused_by_name() {
    let no_zone = TicketOrder { time_zone: "Middle/Earth".to_owned(), ..order() };
    assert!(matches!(render(&no_zone, &[ticket(1)]), Err(PdfError::TimeZone(zone)) if zone == "Middle/Earth"));
    assert!(matches!(render(&order(), &[]), Err(PdfError::TicketCount(0))));
    let crowd = vec![ticket(1); TICKETS_MAX + 1];
    assert!(matches!(render(&order(), &crowd), Err(PdfError::TicketCount(101))));
    let essay = TicketPage { code: "x".repeat(3_000), ..ticket(1) };
    assert!(matches!(render(&order(), &[essay]), Err(PdfError::Code { .. })));
}

/// A page as a reader and a scanner see it.
struct Paper {
    /// All its text, without spaces: kerning makes them a matter of opinion.
    text: String,
    /// What is filled with pure black, which on a ticket is the code alone: left, top, right, bottom.
    black: Vec<[f32; 4]>,
}

fn read(document: &[u8]) -> Vec<Paper> {
    let document = lopdf::Document::load_mem(document).unwrap();
    let page = |(number, id): (u32, lopdf::ObjectId)| Paper {
        text: without_spaces(&document.extract_text(&[number]).unwrap()),
        black: black_rectangles(&document.get_and_decode_page_content(id).unwrap().operations),
    };
    document.get_pages().into_iter().map(page).collect()
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn black_rectangles(operations: &[lopdf::content::Operation]) -> Vec<[f32; 4]> {
    let mut rectangles = Vec::new();
    let mut black = false;
    for operation in operations {
        let numbers: Vec<f32> = operation.operands.iter().filter_map(|operand| operand.as_float().ok()).collect();
        match operation.operator.as_str() {
            "rg" => black = numbers == [0.0, 0.0, 0.0],
            "q" | "Q" => black = false,
            "m" if black => rectangles.push([numbers[0], numbers[1], numbers[0], numbers[1]]),
            "l" if black => {
                let [left, top, right, bottom] = rectangles.last_mut().unwrap();
                (*left, *top) = (left.min(numbers[0]), top.min(numbers[1]));
                (*right, *bottom) = (right.max(numbers[0]), bottom.max(numbers[1]));
            }
            _ => {}
        }
    }
    rectangles
}

/// Lays the modules' grid over the rectangles and decodes it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn scan(page: &Paper) -> String {
    let edge = |index: usize, choose: fn(f32, f32) -> f32| page.black.iter().map(|r| r[index]).reduce(choose).unwrap();
    let (left, top, right) = (edge(0, f32::min), edge(1, f32::min), edge(2, f32::max));
    let module = page.black.iter().map(|r| r[3] - r[1]).reduce(f32::min).unwrap();
    let size = ((right - left) / module).round() as usize;
    let grid = rqrr::SimpleGrid::from_func(size, |x, y| {
        let (x, y) = (left + (x as f32 + 0.5) * module, top + (y as f32 + 0.5) * module);
        page.black.iter().any(|r| r[0] < x && x < r[2] && r[1] < y && y < r[3])
    });
    rqrr::Grid::new(grid).decode().unwrap().1
}
