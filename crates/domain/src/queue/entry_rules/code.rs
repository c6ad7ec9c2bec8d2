//! Codes that let their holders into a line: short enough to be typed, and signed, so that one that was made up is refused without looking
//! anything up.
//!
//! A code is 80 bits in Crockford's base32 (<https://www.crockford.com/base32.html>), four groups of four: 10 bits name the batch it was
//! made with, 20 its number in it, and 50 are the first ones of `HMAC-SHA-256(key, "goticket queue code 1" ‖ kind (1) ‖ batch (2) ‖
//! number (4) ‖ valid from (8) ‖ until (8) ‖ uses (4))`, numbers big-endian, times in Unix milliseconds, under a key of the event. What a
//! batch says of all of its codes stands in the room's memory. How often a code was used is counted where the join is written.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::EntryRefusal;
use super::limits::{MAX_CODE_BATCHES, MAX_CODE_USES, MAX_CODES_AT_ONCE};
use crate::queue::SettingsError;
use crate::queue::place::hmac;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARS: u32 = 16;
const NUMBER_BITS: u32 = 20;
/// One in 2^50 guesses at a code's number is right: at the joins that a network may try in a minute, more than anyone has time for.
const MAC_BITS: u32 = 50;

/// What codes are for. Both let in while a room asks for a code; lists tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// Of a group that may buy first: members, subscribers.
    Presale,
    /// Of somebody who was asked.
    Invite,
}

impl CodeKind {
    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Presale => "presale",
            Self::Invite => "invite",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Presale => 1,
            Self::Invite => 2,
        }
    }
}

impl std::str::FromStr for CodeKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Presale, Self::Invite]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no kind of code: expected presale or invite"))
    }
}

/// Codes that are to be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewCodes {
    /// What they are for.
    pub kind: CodeKind,
    /// How many.
    pub codes: u32,
    /// How many accounts may use each.
    pub uses: u32,
    /// From when on; none: at once.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_until: Timestamp,
    /// Why, for the operators' log.
    pub reason: String,
}

impl NewCodes {
    /// The batch that they become, the room's next after so many.
    pub fn batch(&self, batches: u32, now: Timestamp) -> Result<CodeBatch, SettingsError> {
        let ranges = [("codes", self.codes, MAX_CODES_AT_ONCE), ("uses", self.uses, MAX_CODE_USES)];
        for (field, value, most) in ranges {
            if !(1..=most).contains(&value) {
                return Err(SettingsError { field, value: value.to_string(), allowed: format!("1 to {most}") });
            }
        }
        // To the millisecond, as they are signed.
        let cut = |at: Timestamp| Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let (valid_from, valid_until) = (cut(self.valid_from.unwrap_or(now)), cut(self.valid_until));
        if valid_until <= valid_from.max(now) {
            let allowed = format!("after {}", valid_from.max(now));
            return Err(SettingsError { field: "valid_until", value: valid_until.to_string(), allowed });
        }
        if batches >= MAX_CODE_BATCHES {
            let allowed = format!("{MAX_CODE_BATCHES} batches for an event: make more codes at once");
            return Err(SettingsError { field: "codes", value: "another batch".to_owned(), allowed });
        }
        let NewCodes { kind, codes, uses, .. } = *self;
        Ok(CodeBatch { number: batches + 1, kind, codes, uses, valid_from, valid_until })
    }
}

/// What all codes that were made together have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CodeBatch {
    /// Running number in the room, from 1.
    pub number: u32,
    /// What they are for.
    pub kind: CodeKind,
    /// How many there are; their numbers begin at 0.
    pub codes: u32,
    /// How many accounts may use each.
    pub uses: u32,
    /// From when on they are good.
    pub valid_from: Timestamp,
    /// Until when.
    pub valid_until: Timestamp,
}

impl CodeBatch {
    /// The code of this number, under the event's key.
    pub fn code(&self, key: &[u8; 32], number: u32) -> Code {
        let mut message = b"goticket queue code 1".to_vec();
        message.push(self.kind.byte());
        // Below 2^10.
        message.extend(&self.number.to_be_bytes()[2..]);
        message.extend(number.to_be_bytes());
        message.extend(self.valid_from.as_millisecond().to_be_bytes());
        message.extend(self.valid_until.as_millisecond().to_be_bytes());
        message.extend(self.uses.to_be_bytes());
        let mac = hmac(key, &message).iter().take(8).fold(0, |mac: u64, byte| mac << 8 | u64::from(*byte)) >> (64 - MAC_BITS);
        Code { batch: self.number, number, mac }
    }

    /// All of them.
    pub fn all(&self, key: &[u8; 32]) -> impl Iterator<Item = Code> {
        (0..self.codes).map(|number| self.code(key, number))
    }

    /// Whether the code is one of these. `keys` are those that sign now and did before.
    pub fn has(&self, keys: impl IntoIterator<Item = [u8; 32]>, code: Code) -> bool {
        code.number < self.codes && keys.into_iter().any(|key| self.code(&key, code.number) == code)
    }

    /// Whether they are good at this time.
    pub fn check_time(&self, now: Timestamp) -> Result<(), EntryRefusal> {
        if now < self.valid_from {
            Err(EntryRefusal::CodeNotYetValid { from: self.valid_from })
        } else if now >= self.valid_until {
            Err(EntryRefusal::CodeExpired { until: self.valid_until })
        } else {
            Ok(())
        }
    }
}

/// A code, as it was typed: whether it is good is [`CodeBatch::has`]'s to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    batch: u32,
    number: u32,
    mac: u64,
}

impl Code {
    /// The batch that it names.
    pub fn batch(self) -> u32 {
        self.batch
    }

    /// Its number in the batch.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Reads what somebody typed: in upper or lower case, with or without dashes and spaces, o for 0, i and l for 1.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut bits, mut chars) = (0_u128, 0);
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let byte = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let value = ALPHABET.iter().position(|symbol| *symbol == byte)?;
            chars += 1;
            if chars > CODE_CHARS {
                return None;
            }
            bits = bits << 5 | u128::try_from(value).ok()?;
        }
        let field = |from: u32, width: u32| u64::try_from(bits >> from & ((1 << width) - 1)).ok();
        let (batch, number) = (field(NUMBER_BITS + MAC_BITS, 10)?, field(MAC_BITS, NUMBER_BITS)?);
        let mac = field(0, MAC_BITS)?;
        (chars == CODE_CHARS).then_some(Self { batch: u32::try_from(batch).ok()?, number: u32::try_from(number).ok()?, mac })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits =
            u128::from(self.batch) << (NUMBER_BITS + MAC_BITS) | u128::from(self.number) << MAC_BITS | u128::from(self.mac);
        for index in 0..CODE_CHARS {
            if index > 0 && index.is_multiple_of(4) {
                f.write_str("-")?;
            }
            let symbol = usize::try_from(bits >> (5 * (CODE_CHARS - 1 - index)) & 31).unwrap_or_default();
            write!(f, "{}", char::from(ALPHABET[symbol]))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [b'k'; 32];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn batch(number: u32, kind: CodeKind) -> CodeBatch {
        let (valid_from, valid_until) = (at(1_700_000_000), at(1_700_003_600));
        CodeBatch { number, kind, codes: 100, uses: 2, valid_from, valid_until }
    }

    /// Printed on paper: changing it takes another text in the MAC. Computed with another HMAC implementation.
    #[test]
    fn the_layout_is_frozen() {
        assert_eq!(batch(3, CodeKind::Presale).code(&KEY, 17).to_string(), "0300-0HTT-ZY82-5MT9");
        assert_eq!(batch(1_023, CodeKind::Invite).code(&KEY, (1 << 20) - 1).to_string(), "ZZZZ-ZZ76-RW1J-VGDE");
    }

    #[test]
    fn people_type_codes_as_they_like() {
        let code = batch(3, CodeKind::Presale).code(&KEY, 17);
        let rows = [
            ("0300-0HTT-ZY82-5MT9", true),
            ("03000htt zy825mt9", true),
            (" o3oo-OHTT-ZY82-5MT9 ", true),
            ("0300-0HTT-ZY82-5MT", false),
            ("0300-0HTT-ZY82-5MT90", false),
            ("0300-0HTT-ZY82-5MTU", false),
            ("0300-0HTT-ZY82-5MTé", false),
            ("0300_0HTT_ZY82_5MT9", false),
            ("", false),
        ];
        for (typed, expected) in rows {
            assert_eq!(Code::parse(typed), expected.then_some(code), "{typed:?}");
        }
        assert_eq!(Code::parse("iLiI-0000-0000-0000"), Code::parse("1111-0000-0000-0000"));
    }

    #[test]
    fn a_code_is_of_its_batch_only_as_that_was_made() {
        let made = batch(3, CodeKind::Presale);
        let code = made.code(&KEY, 17);
        let other = [0; 32];
        let rows = [
            ("its own", made, [KEY; 2], code, true),
            ("by a key from before", made, [other, KEY], code, true),
            ("by another event's key", made, [other; 2], code, false),
            ("of another kind", CodeBatch { kind: CodeKind::Invite, ..made }, [KEY; 2], code, false),
            ("of another batch", CodeBatch { number: 4, ..made }, [KEY; 2], code, false),
            ("for longer", CodeBatch { valid_until: at(1_700_003_601), ..made }, [KEY; 2], code, false),
            ("from earlier on", CodeBatch { valid_from: at(1_699_999_999), ..made }, [KEY; 2], code, false),
            ("for more accounts", CodeBatch { uses: 3, ..made }, [KEY; 2], code, false),
            ("the last one", made, [KEY; 2], made.code(&KEY, 99), true),
            ("one after the last", made, [KEY; 2], made.code(&KEY, 100), false),
            ("a guess", made, [KEY; 2], Code { mac: code.mac ^ 1, ..code }, false),
        ];
        for (what, batch, keys, code, expected) in rows {
            assert_eq!(batch.has(keys, code), expected, "{what}");
        }
        let all: Vec<Code> = made.all(&KEY).collect();
        assert!(all.len() == 100 && all.iter().all(|code| made.has([KEY], *code)));
    }

    #[test]
    fn a_window_has_two_ends() {
        let batch = batch(1, CodeKind::Invite);
        let early = Err(EntryRefusal::CodeNotYetValid { from: batch.valid_from });
        let late = Err(EntryRefusal::CodeExpired { until: batch.valid_until });
        let rows = [(1_699_999_999, early), (1_700_000_000, Ok(())), (1_700_003_599, Ok(())), (1_700_003_600, late)];
        for (second, expected) in rows {
            assert_eq!(batch.check_time(at(second)), expected, "{second}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused_just_beyond_each_edge() {
        let now = at(1_700_000_000);
        let good = NewCodes {
            kind: CodeKind::Invite,
            codes: 1,
            uses: 1,
            valid_from: None,
            valid_until: at(1_700_000_001),
            reason: String::new(),
        };
        let rows: [(&str, NewCodes, u32, bool); 11] = [
            ("codes", good.clone(), 0, true),
            ("codes", NewCodes { codes: 0, ..good.clone() }, 0, false),
            ("codes", NewCodes { codes: MAX_CODES_AT_ONCE, ..good.clone() }, 0, true),
            ("codes", NewCodes { codes: MAX_CODES_AT_ONCE + 1, ..good.clone() }, 0, false),
            ("uses", NewCodes { uses: 0, ..good.clone() }, 0, false),
            ("uses", NewCodes { uses: MAX_CODE_USES, ..good.clone() }, 0, true),
            ("uses", NewCodes { uses: MAX_CODE_USES + 1, ..good.clone() }, 0, false),
            ("valid_until", NewCodes { valid_until: now, ..good.clone() }, 0, false),
            ("valid_until", NewCodes { valid_from: Some(at(1_700_000_001)), ..good.clone() }, 0, false),
            ("codes", good.clone(), MAX_CODE_BATCHES - 1, true),
            ("codes", good, MAX_CODE_BATCHES, false),
        ];
        for (field, new, batches, allowed) in rows {
            let made = new.batch(batches, now);
            assert_eq!(made.as_ref().err().map(|error| error.field), (!allowed).then_some(field), "{new:?}");
            assert!(made.is_err() || made.is_ok_and(|made| made.number == batches + 1 && made.valid_from == now));
        }
        const { assert!(MAX_CODE_BATCHES < 1 << 10 && MAX_CODES_AT_ONCE <= 1 << NUMBER_BITS, "they fit into a code") };
    }

    proptest! {
        #[test]
        fn every_code_is_read_as_it_was_written(batch in 0_u32..1 << 10, number in 0_u32..1 << 20, mac in 0_u64..1 << 50) {
            let code = Code { batch, number, mac };
            prop_assert_eq!(Code::parse(&code.to_string()), Some(code));
        }
    }
}
