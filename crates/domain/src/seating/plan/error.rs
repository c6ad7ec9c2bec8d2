//! Why a plan is refused, where, and what to do about it.

use crate::seating::limits::{MAX_COORDINATE, MAX_DEPTH, MAX_PLAN_BYTES, MAX_SEATS, MAX_VALUES};

/// A plan that cannot be imported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}{problem}", place(.pointer))]
pub struct PlanError {
    /// RFC 6901 JSON pointer of the fault; empty where the document as a whole is at fault.
    pub pointer: String,
    /// What is wrong there; its `Display` says the fault and the fix.
    pub problem: PlanProblem,
}

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanProblem {
    /// More than [`MAX_PLAN_BYTES`].
    #[error("the file has {bytes} bytes and the limit is {MAX_PLAN_BYTES}: export it without indentation, or split the venue")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
    },
    /// UTF-16 or UTF-32.
    #[error("the file is not UTF-8 text: save it as UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("not JSON at line {line}, column {column} ({detail}): export the plan from the editor again")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser stumbled over.
        detail: String,
    },
    /// Deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels: this is not a seating plan")]
    TooDeep,
    /// More than [`MAX_VALUES`] objects and lists.
    #[error("more than {MAX_VALUES} objects and lists: leave out what the plan does not need, or split the venue")]
    TooManyValues,
    /// An object says the same thing twice.
    #[error("an object has one property twice at line {line}, column {column} ({detail}): keep one of them")]
    RepeatedProperty {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Which property.
        detail: String,
    },
    /// A required property is missing or null.
    #[error("`{property}` is required and missing: add it")]
    Missing {
        /// The property's name.
        property: &'static str,
    },
    /// Another JSON type than the format's.
    #[error("found {found}, expected {expected}: correct the type")]
    WrongType {
        /// What the format wants.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A text that should be a number, and is not, or not a finite one.
    #[error("`{text}` is not a finite number: write digits with a decimal point")]
    NotANumber {
        /// What stands there, shortened.
        text: String,
    },
    /// A position or size off every canvas.
    #[error("{value} is out of range: positions lie between -{MAX_COORDINATE} and {MAX_COORDINATE} pixels")]
    OutOfRange {
        /// The position.
        value: f64,
    },
    /// A text that must say something and is empty.
    #[error("`{property}` is empty: give it a value")]
    Empty {
        /// The property's name.
        property: &'static str,
    },
    /// Beyond the limit of its kind.
    #[error("the text has {chars} characters and the limit is {max}: shorten it")]
    TextTooLong {
        /// Its length.
        chars: usize,
        /// The limit.
        max: usize,
    },
    /// An id with line breaks, NUL or other control characters.
    #[error("the id has control characters: use printable ones")]
    ControlCharacter,
    /// Two seats with one guid.
    #[error("`{guid}` is already the guid of the seat at {first}: every seat needs a guid of its own")]
    DuplicateGuid {
        /// The guid.
        guid: String,
        /// Pointer of the first seat's guid.
        first: String,
    },
    /// Two categories with one name.
    #[error("a category `{name}` is already declared at {first}: rename or remove one of them")]
    DuplicateCategory {
        /// The name.
        name: String,
        /// Pointer of the first one's name.
        first: String,
    },
    /// A seat names a category that the plan does not declare.
    #[error("no category is called `{name}`: declare it under /categories, or use one of {known}")]
    UnknownCategory {
        /// What the seat says.
        name: String,
        /// The declared ones.
        known: String,
    },
    /// A seat without a category where there are several to choose from.
    #[error("the seat has no category: assign it one of {known}")]
    NoCategory {
        /// The declared ones.
        known: String,
    },
    /// Neither seats nor areas.
    #[error("the plan has no seats and no area that could hold people: add rows with seats, or an area for standing")]
    NothingToSell,
    /// More than [`MAX_SEATS`].
    #[error("the plan has more than {MAX_SEATS} seats, this is the first beyond: split the venue")]
    TooManySeats,
    /// Too many zones, rows, categories or areas.
    #[error("{count} {things} and the limit is {max}: merge or remove some")]
    TooMany {
        /// Of what.
        things: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
}

/// The pointer as the beginning of a sentence.
pub(in crate::seating) fn place(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("{pointer}: ") }
}

/// A text of a message: what the file says, shortened so that a message stays a message.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
