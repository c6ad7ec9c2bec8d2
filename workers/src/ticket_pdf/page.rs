//! Where everything is on a ticket's page: a card with a coloured head and a stub to tear off, the small print below.

use krilla::color::rgb::Color;
use krilla::geom::Rect;

use super::canvas::{Anchor, Canvas, Ink};
use super::palette::Palette;
use super::qr::Symbol;
use super::typeface::Weight;
use super::when::When;
use super::wrap::Room;
use super::{TicketOrder, TicketPage};

/// A4, in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;

const MARGIN: f32 = 40.0;
const PAD: f32 = 26.0;
const CARD: f32 = WIDTH - 2.0 * MARGIN;
const STUB: f32 = 190.0;
const BODY: f32 = 246.0;
const RADIUS: f32 = 14.0;
const CODE: f32 = 158.0;

const BLACK: (u8, u8, u8) = (0x16, 0x18, 0x20);
const GREY: (u8, u8, u8) = (0x6b, 0x70, 0x80);
const LINE: (u8, u8, u8) = (0xc9, 0xcd, 0xd6);

const HOUSE_RULES: [&str; 4] = [
    "This ticket admits one person, once. The first scan of the code counts; a copy is refused.",
    "Don't publish a picture of the code: whoever shows it first is let in.",
    "Print this page on white paper without scaling, or show it on a bright screen.",
    "The times are local at the venue. Please come early: at some doors bags are searched.",
];

pub(super) struct Page<'a> {
    pub(super) order: &'a TicketOrder,
    pub(super) ticket: &'a TicketPage,
    pub(super) when: &'a When,
    pub(super) code: &'a Symbol,
    /// Counted from one.
    pub(super) number: usize,
    pub(super) of: usize,
}

impl Page<'_> {
    pub(super) fn draw(&self, canvas: &mut Canvas<'_, '_>) {
        let palette = Palette::of(self.order.event_id);
        let body_top = self.head(canvas, palette);
        self.seat(canvas, palette, body_top);
        self.stub(canvas, body_top);
        edges(canvas, body_top);
        self.small_print(canvas, body_top + BODY + 44.0);
        self.foot(canvas);
    }

    /// Event, time and place. Returns the y of its lower edge.
    fn head(&self, canvas: &mut Canvas<'_, '_>, palette: Palette) -> f32 {
        let width = CARD - 2.0 * PAD;
        let title_room = Room { width, lines_max: 3, size: 32.0, size_min: 15.0, weight: Weight::Bold };
        let title = canvas.fit(&self.order.event_title, &title_room);
        let place = match &self.order.venue_address {
            Some(address) => format!("{} · {address}", self.order.venue_name),
            None => self.order.venue_name.clone(),
        };
        let place_room = Room { width, lines_max: 2, size: 11.5, size_min: 8.0, weight: Weight::Regular };
        let place = canvas.fit(&place, &place_room);
        let time = match self.when.doors() {
            Some(doors) => format!("{} · {} · doors {doors}", self.when.date(), self.when.start()),
            None => format!("{} · {}", self.when.date(), self.when.start()),
        };
        let time_room = Room { width, lines_max: 1, size: 14.0, size_min: 8.0, weight: Weight::Bold };
        let time = canvas.fit(&time, &time_room);

        let top = MARGIN + 4.0;
        let title_at = top + 46.0 + title.size;
        let time_at = title_at + below(&title.lines, title.size) + 30.0;
        let place_at = time_at + 20.0;
        let bottom = place_at + below(&place.lines, place.size) + 24.0;
        if let Some(rect) = Rect::from_ltrb(MARGIN, top, MARGIN + CARD, bottom) {
            canvas.header(rect, RADIUS, palette);
        }

        let left = MARGIN + PAD;
        let white = |weight| Ink { size: 0.0, weight, color: Color::white(), tracking: 0.0 };
        let brand = Ink { size: 10.0, tracking: 0.08, ..white(Weight::Bold) };
        canvas.text("GOTICKET", (left, top + 32.0), Anchor::Left, brand);
        let count = format!("TICKET {} OF {}", self.number, self.of);
        let right = MARGIN + CARD - PAD;
        canvas.text(&count, (right, top + 32.0), Anchor::Right, Ink { size: 8.0, tracking: 0.06, ..brand });
        canvas.lines(&title, (left, title_at), Anchor::Left, white(Weight::Bold));
        canvas.lines(&time, (left, time_at), Anchor::Left, white(Weight::Bold));
        canvas.lines(&place, (left, place_at), Anchor::Left, white(Weight::Regular));
        bottom
    }

    /// Where to sit, what it cost, whose it is.
    fn seat(&self, canvas: &mut Canvas<'_, '_>, palette: Palette, top: f32) {
        let left = MARGIN + PAD;
        let width = CARD - STUB - 2.0 * PAD;
        let field = |x: f32, y: f32, width: f32| Field { x, y, width, label: palette.lively };
        let at = |part: f32| left + width * part;

        let row_1 = top + 34.0;
        match (&self.ticket.row, &self.ticket.seat) {
            (None, None) => {
                field(left, row_1, width * 0.6).large(canvas, "AREA", &self.ticket.section);
                field(at(0.64), row_1, width * 0.36).large(canvas, "SEAT", "Free choice");
            }
            (row, seat) => {
                let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
                field(left, row_1, width * 0.46).large(canvas, "SECTION", &self.ticket.section);
                field(at(0.50), row_1, width * 0.23).large(canvas, "ROW", &or_dash(row));
                field(at(0.77), row_1, width * 0.23).large(canvas, "SEAT", &or_dash(seat));
            }
        }
        let row_2 = top + 106.0;
        field(left, row_2, width * 0.46).small(canvas, "CATEGORY", &self.ticket.category);
        field(at(0.50), row_2, width * 0.5).small(canvas, "PRICE", &self.ticket.price.to_string());
        let row_3 = top + 154.0;
        field(left, row_3, width).small(canvas, "NAME", &self.order.holder_name);
        let row_4 = top + 202.0;
        field(left, row_4, width * 0.46).small(canvas, "BOOKING", &self.order.booking_reference);
        field(at(0.50), row_4, width * 0.5).small(canvas, "ISSUED", &self.when.issued());
    }

    fn stub(&self, canvas: &mut Canvas<'_, '_>, top: f32) {
        let middle = MARGIN + CARD - STUB / 2.0;
        canvas.code(self.code, (middle - CODE / 2.0, top + 22.0), CODE);
        let ink = Ink { size: 8.5, weight: Weight::Bold, color: rgb(BLACK), tracking: 0.0 };
        let y = top + 22.0 + CODE + 20.0;
        canvas.text("Show this code at the entrance", (middle, y), Anchor::Middle, ink);
        let number = Ink { size: 7.0, weight: Weight::Regular, color: rgb(GREY), tracking: 0.02 };
        canvas.text(&self.ticket.ticket_id.to_string(), (middle, y + 15.0), Anchor::Middle, number);
    }

    fn small_print(&self, canvas: &mut Canvas<'_, '_>, top: f32) {
        let heading = Ink { size: 8.0, weight: Weight::Bold, color: rgb(GREY), tracking: 0.06 };
        canvas.text("GOOD TO KNOW", (MARGIN, top), Anchor::Left, heading);
        let ink = Ink { size: 9.0, weight: Weight::Regular, color: rgb(BLACK), tracking: 0.0 };
        let room = Room { width: CARD - 14.0, lines_max: 8, size: 9.0, size_min: 7.0, weight: Weight::Regular };
        let mut y = top + 20.0;
        let notes = self.order.notes.iter().map(String::as_str);
        for rule in HOUSE_RULES.into_iter().chain(notes) {
            let fitted = canvas.fit(rule, &room);
            if fitted.lines.is_empty() {
                continue;
            }
            if y + below(&fitted.lines, fitted.size) > HEIGHT - MARGIN - 30.0 {
                break;
            }
            canvas.text("•", (MARGIN, y), Anchor::Left, ink);
            y = canvas.lines(&fitted, (MARGIN + 14.0, y), Anchor::Left, ink) + 16.0;
        }
    }

    fn foot(&self, canvas: &mut Canvas<'_, '_>) {
        let y = HEIGHT - MARGIN;
        canvas.line((MARGIN, y - 16.0), (WIDTH - MARGIN, y - 16.0), rgb(LINE), None);
        let ink = Ink { size: 7.5, weight: Weight::Regular, color: rgb(GREY), tracking: 0.0 };
        canvas.text("Issued by GoTicket", (MARGIN, y), Anchor::Left, ink);
        let room = Room { width: CARD / 2.0, lines_max: 1, size: 7.5, size_min: 6.0, weight: Weight::Regular };
        let reference = canvas.fit(&format!("Booking {}", self.order.booking_reference), &room);
        canvas.lines(&reference, (WIDTH - MARGIN, y), Anchor::Right, ink);
    }
}

/// The card's outline, and the notched line along which the stub comes off.
fn edges(canvas: &mut Canvas<'_, '_>, top: f32) {
    let bottom = top + BODY;
    let line = rgb(LINE);
    if let Some(card) = Rect::from_ltrb(MARGIN, MARGIN + 4.0, MARGIN + CARD, bottom) {
        canvas.outline(card, RADIUS, line);
    }
    let fold = MARGIN + CARD - STUB;
    canvas.line((fold, top + 12.0), (fold, bottom - 12.0), line, Some(3.0));
    canvas.disc((fold, top), 7.0, Color::white());
    canvas.disc((fold, bottom), 7.0, Color::white());
    canvas.arch((fold, bottom), 7.0, line);
}

/// A label with its value below.
struct Field {
    x: f32,
    y: f32,
    width: f32,
    label: Color,
}

impl Field {
    fn large(&self, canvas: &mut Canvas<'_, '_>, label: &str, value: &str) {
        let room = Room { width: self.width, lines_max: 1, size: 26.0, size_min: 15.0, weight: Weight::Bold };
        let mut fitted = canvas.fit(value, &room);
        if fitted.lines.last().is_some_and(|line| line.ends_with('…')) {
            fitted = canvas.fit(value, &Room { lines_max: 2, size: 15.0, size_min: 8.0, ..room });
        }
        self.write(canvas, label, &fitted, 28.0);
    }

    fn small(&self, canvas: &mut Canvas<'_, '_>, label: &str, value: &str) {
        let room = Room { width: self.width, lines_max: 1, size: 12.5, size_min: 10.0, weight: Weight::Bold };
        let mut fitted = canvas.fit(value, &room);
        if fitted.lines.last().is_some_and(|line| line.ends_with('…')) {
            fitted = canvas.fit(value, &Room { lines_max: 2, size: 9.5, size_min: 7.0, ..room });
        }
        self.write(canvas, label, &fitted, 17.0);
    }

    fn write(&self, canvas: &mut Canvas<'_, '_>, label: &str, value: &super::wrap::Fitted, below: f32) {
        let ink = Ink { size: 7.5, weight: Weight::Bold, color: self.label, tracking: 0.06 };
        canvas.text(label, (self.x, self.y), Anchor::Left, ink);
        let ink = Ink { size: value.size, weight: Weight::Bold, color: rgb(BLACK), tracking: 0.0 };
        let first = self.y + if value.lines.len() > 1 { value.size + 4.5 } else { below };
        canvas.lines(value, (self.x, first), Anchor::Left, ink);
    }
}

/// Height of the lines after the first.
#[expect(clippy::cast_precision_loss, reason = "a handful of lines")]
fn below(lines: &[String], size: f32) -> f32 {
    lines.len().saturating_sub(1) as f32 * size * 1.18
}

fn rgb((red, green, blue): (u8, u8, u8)) -> Color {
    Color::new(red, green, blue)
}
