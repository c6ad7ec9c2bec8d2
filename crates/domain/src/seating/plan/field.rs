//! A property as it may stand in a file: of any type, or not there at all.
//!
//! Parsing never fails over a type, so that the importer, which knows where it is, can say what is wrong with a pointer.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};

use super::{
    error::{PlanError, PlanProblem, shortened},
    pointer::At,
};
use crate::seating::limits::MAX_COORDINATE;

/// A property that may hold an object `O` or a list of `L`; what is ignored takes no memory.
#[derive(Debug, Default)]
pub(super) enum Field<O = IgnoredAny, L = IgnoredAny> {
    #[default]
    Absent,
    Null,
    Bool,
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    List(Vec<L>),
    Object(O),
}

pub(super) type Scalar = Field;
pub(super) type List<L> = Field<IgnoredAny, L>;

impl<O, L> Field<O, L> {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Field::Absent => "nothing",
            Field::Null => "null",
            Field::Bool => "true or false",
            Field::Signed(_) | Field::Unsigned(_) | Field::Float(_) => "a number",
            Field::Text(_) => "a text",
            Field::List(_) => "a list",
            Field::Object(_) => "an object",
        }
    }

    fn wrong_type(&self, at: &At<'_>, expected: &'static str) -> PlanError {
        at.fault(PlanProblem::WrongType { expected, found: self.kind() })
    }

    /// The object here; none if the property is absent or null.
    pub(super) fn object(&self, at: &At<'_>) -> Result<Option<&O>, PlanError> {
        match self {
            Field::Absent | Field::Null => Ok(None),
            Field::Object(object) => Ok(Some(object)),
            other => Err(other.wrong_type(at, "an object")),
        }
    }

    /// The list here; none if the property is absent or null.
    pub(super) fn list(&self, at: &At<'_>) -> Result<Option<&[L]>, PlanError> {
        match self {
            Field::Absent | Field::Null => Ok(None),
            Field::List(list) => Ok(Some(list)),
            other => Err(other.wrong_type(at, "a list")),
        }
    }

    /// The text here as it stands, a number as its digits; none if the property is absent or null.
    pub(super) fn raw_text(&self, at: &At<'_>) -> Result<Option<Cow<'_, str>>, PlanError> {
        match self {
            Field::Absent | Field::Null => Ok(None),
            Field::Text(text) => Ok(Some(Cow::Borrowed(text))),
            Field::Signed(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Field::Unsigned(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Field::Float(number) => Ok(Some(Cow::Owned(number.to_string()))),
            other => Err(other.wrong_type(at, "a text or a number")),
        }
    }

    /// The text here, made fit to show: trimmed, control characters as spaces, at most `max` characters; none if that leaves
    /// nothing.
    pub(super) fn text(&self, at: &At<'_>, max: usize) -> Result<Option<String>, PlanError> {
        let Some(raw) = self.raw_text(at)? else { return Ok(None) };
        let text = raw.trim();
        let chars = text.chars().count();
        if chars > max {
            return Err(at.fault(PlanProblem::TextTooLong { chars, max }));
        }
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()))
    }

    /// The finite number here, also when it is written as a text; none if the property is absent or null.
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 it is out of range anyway")]
    pub(super) fn number(&self, at: &At<'_>) -> Result<Option<f64>, PlanError> {
        let number = match self {
            Field::Absent | Field::Null => return Ok(None),
            Field::Signed(number) => *number as f64,
            Field::Unsigned(number) => *number as f64,
            Field::Float(number) => *number,
            Field::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
            other => return Err(other.wrong_type(at, "a number")),
        };
        if number.is_finite() {
            return Ok(Some(number));
        }
        let text = self.raw_text(at)?.unwrap_or_default();
        Err(at.fault(PlanProblem::NotANumber { text: shortened(&text) }))
    }

    /// The position or size here; none if the property is absent or null.
    pub(super) fn coordinate(&self, at: &At<'_>) -> Result<Option<f64>, PlanError> {
        match self.number(at)? {
            Some(value) if value.abs() > MAX_COORDINATE => Err(at.fault(PlanProblem::OutOfRange { value })),
            number => Ok(number),
        }
    }

    /// A size or angle that only the drawing uses: what is no sensible number counts as none.
    pub(super) fn drawn(&self) -> Option<f64> {
        self.coordinate(&At::ROOT).ok().flatten()
    }
}

struct AnyField<O, L>(PhantomData<(O, L)>);

impl<'de, O: Deserialize<'de>, L: Deserialize<'de>> Visitor<'de> for AnyField<O, L> {
    type Value = Field<O, L>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Bool)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Field::Signed(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Field::Unsigned(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Field::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Field::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        O::deserialize(MapAccessDeserializer::new(map)).map(Field::Object)
    }
}

impl<'de, O: Deserialize<'de>, L: Deserialize<'de>> Deserialize<'de> for Field<O, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyField(PhantomData))
    }
}
