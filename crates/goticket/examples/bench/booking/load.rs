//! Loads, as data: what is on sale, and who asks for what.

/// What one run of the worker has to decide. Every request asks for two places side by side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Load {
    /// Events on sale at once, each in such a hall.
    pub events: u32,
    pub hall: Hall,
    pub order: Order,
    pub choice: Choice,
    pub aim: Aim,
    /// So much of every event is sold before the clock starts.
    pub sold_percent: u32,
    /// Most requests in one transaction; the worker's own setting without it.
    pub batch_max: Option<u16>,
}

/// Sections of one size, which is even.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hall {
    pub kind: Kind,
    pub sections: u16,
    pub places_per_section: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Seated,
    Standing,
}

/// Which event is asked for next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    /// Another one each time.
    Mixed,
    /// The same until it is sold out.
    InTurn,
}

/// How the two places are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Choice {
    /// By their numbers.
    Named,
    /// The best there are in a section.
    Best,
}

/// Which places are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aim {
    /// Each pair once, all over the hall: nobody is refused.
    Free,
    /// `requests_percent` of the requests for the first `places_percent` of the places, the others anywhere: most are refused.
    Hot { requests_percent: u32, places_percent: u32 },
}

impl Hall {
    pub(crate) fn seated(sections: u16, places_per_section: u32) -> Self {
        Self { kind: Kind::Seated, sections, places_per_section }
    }

    pub(crate) fn standing(places: u32) -> Self {
        Self { kind: Kind::Standing, sections: 1, places_per_section: places }
    }

    pub(crate) fn places(self) -> u32 {
        u32::from(self.sections) * self.places_per_section
    }

    pub(crate) fn pairs(self) -> u32 {
        self.places() / 2
    }

    /// The section that both places of a pair lie in.
    pub(crate) fn section_of(self, pair: u32) -> u16 {
        u16::try_from(2 * pair / self.places_per_section).unwrap_or(u16::MAX)
    }
}

impl Load {
    /// One event, of which named pairs are asked for that nobody has.
    pub(crate) fn named(hall: Hall) -> Self {
        Self { events: 1, hall, order: Order::Mixed, choice: Choice::Named, aim: Aim::Free, sold_percent: 0, batch_max: None }
    }

    /// Pairs of one event that are sold before the clock starts. At least one of each section: what happens once is none of the
    /// benchmark.
    pub(crate) fn pairs_sold_before(&self) -> u32 {
        let sold = u64::from(self.hall.pairs()) * u64::from(self.sold_percent) / 100;
        sold.try_into().unwrap_or(u32::MAX).max(self.hall.sections.into())
    }

    /// One for each pair there is, so that no account comes to its ticket limit.
    pub(crate) fn accounts(&self) -> u32 {
        self.events * self.hall.pairs()
    }
}
