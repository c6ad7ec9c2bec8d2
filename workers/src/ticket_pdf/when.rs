//! An event's times as the people at its venue read them.

use jiff::Zoned;
use jiff::tz::TimeZone;
use krilla::metadata::DateTime;

use super::{PdfError, TicketOrder};

pub(super) struct When {
    doors: Option<Zoned>,
    start: Zoned,
    issued: Zoned,
}

impl When {
    pub(super) fn new(order: &TicketOrder) -> Result<Self, PdfError> {
        let zone = TimeZone::get(&order.time_zone).map_err(|_| PdfError::TimeZone(order.time_zone.clone()))?;
        Ok(Self {
            doors: order.doors_at.map(|doors| doors.to_zoned(zone.clone())),
            start: order.starts_at.to_zoned(zone.clone()),
            issued: order.issued_at.to_zoned(zone),
        })
    }

    /// `Friday, 18 December 2026`.
    pub(super) fn date(&self) -> String {
        self.start.strftime("%A, %-d %B %Y").to_string()
    }

    /// `20:00 CET`.
    pub(super) fn start(&self) -> String {
        self.start.strftime("%H:%M %Z").to_string()
    }

    /// `19:00`, with the day when that isn't the day of the show.
    pub(super) fn doors(&self) -> Option<String> {
        let doors = self.doors.as_ref()?;
        let format = if doors.date() == self.start.date() { "%H:%M" } else { "%-d %b, %H:%M" };
        Some(doors.strftime(format).to_string())
    }

    /// `1 December 2026`.
    pub(super) fn issued(&self) -> String {
        self.issued.strftime("%-d %B %Y").to_string()
    }

    pub(super) fn issued_for_metadata(&self) -> DateTime {
        let utc = self.issued.with_time_zone(TimeZone::UTC);
        let small = |part: i8| u8::try_from(part).unwrap_or(1);
        DateTime::new(u16::try_from(utc.year()).unwrap_or(1970))
            .month(small(utc.month()))
            .day(small(utc.day()))
            .hour(small(utc.hour()))
            .minute(small(utc.minute()))
            .second(small(utc.second()))
            .utc_offset_hour(0)
            .utc_offset_minute(0)
    }
}
