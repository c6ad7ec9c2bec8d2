//! The code by which others join a group: its place, and a signature over it, so that one that was made up is refused without looking anything
//! up, and the group that one names is found by its place.
//!
//! 24 bytes in URL-safe base64 without padding, 32 characters: the place (16), and the first 8 bytes of `HMAC-SHA-256(key, "goticket queue group
//! 1" ‖ place)` under a key of the event. It is the same whenever it is made, and says nothing about accounts that the place does not.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::queue::PlaceId;
use crate::queue::place::hmac;

/// One in 2^64 guesses at the code of a place is right: places are published.
const MAC_BYTES: usize = 8;
const PLACE_BYTES: usize = 16;
const CODE_BYTES: usize = PLACE_BYTES + MAC_BYTES;
const CODE_CHARS: usize = CODE_BYTES * 4 / 3;

/// A code, as it was shown: whether it is good is [`Self::group`]'s to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupCode {
    place: PlaceId,
    mac: [u8; MAC_BYTES],
}

impl GroupCode {
    /// The code of the group that has this place, under the event's key.
    pub fn of(key: &[u8; 32], place: PlaceId) -> Self {
        let message = [b"goticket queue group 1".as_slice(), &place.0].concat();
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&hmac(key, &message)[..MAC_BYTES]);
        Self { place, mac }
    }

    /// Reads what somebody sent, white space around it aside.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != CODE_CHARS {
            return None;
        }
        let bytes: [u8; CODE_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (place, mac) = bytes.split_first_chunk::<PLACE_BYTES>()?;
        Some(Self { place: PlaceId(*place), mac: mac.try_into().ok()? })
    }

    /// The place of the group that it is of. `keys` are those that sign now and did before; none where it is signed by no one of them.
    pub fn group(self, keys: impl IntoIterator<Item = [u8; 32]>) -> Option<PlaceId> {
        keys.into_iter().any(|key| Self::of(&key, self.place) == self).then_some(self.place)
    }
}

impl fmt::Display for GroupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode([self.place.0.as_slice(), &self.mac].concat()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [b'k'; 32];
    const OTHER: [u8; 32] = [b'o'; 32];

    /// On people's phones and in their chats: changing it takes another text in the MAC. Computed with another HMAC implementation.
    #[test]
    fn the_layout_is_frozen() {
        assert_eq!(GroupCode::of(&KEY, PlaceId([7; 16])).to_string(), "BwcHBwcHBwcHBwcHBwcHB2z5cVxwa8NV");
    }

    #[test]
    fn a_code_is_of_its_group_and_event_and_of_no_other() {
        let place = PlaceId([7; 16]);
        let code = GroupCode::of(&KEY, place);
        assert_eq!(code, GroupCode::of(&KEY, place), "the same every time");
        let moved = GroupCode { place: PlaceId([8; 16]), ..code };
        let mut guessed = code;
        guessed.mac[7] ^= 1;
        let rows = [
            ("its own", code, [KEY; 2], Some(place)),
            ("by a key from before", code, [OTHER, KEY], Some(place)),
            ("by another event's key", code, [OTHER; 2], None),
            ("of another place", moved, [KEY; 2], None),
            ("a guess", guessed, [KEY; 2], None),
        ];
        for (what, code, keys, expected) in rows {
            assert_eq!(code.group(keys), expected, "{what}");
        }
    }

    #[test]
    fn what_is_no_code_is_not_read() {
        let code = GroupCode::of(&KEY, PlaceId([7; 16])).to_string();
        assert_eq!(code.len(), CODE_CHARS);
        let rows = [
            (format!(" {code}\n"), true),
            (code[1..].to_owned(), false),
            (format!("{code}A"), false),
            (format!("{}=", &code[1..]), false),
            (format!("{}+", &code[1..]), false),
            (format!("{}é", &code[2..]), false),
            (String::new(), false),
            ("A".repeat(10_000), false),
        ];
        for (text, read) in rows {
            assert_eq!(GroupCode::parse(&text).is_some(), read, "{text:.40}");
        }
    }

    proptest! {
        #[test]
        fn every_code_is_read_as_it_was_written(place: [u8; 16]) {
            let code = GroupCode::of(&KEY, PlaceId(place));
            prop_assert_eq!(GroupCode::parse(&code.to_string()), Some(code));
        }
    }
}
