//! Numbers that know their range: what is outside is refused at start, with the range in the message.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! ranged {
    ($name:ident, $int:ty) => {
        #[doc = concat!("A `", stringify!($int), "` from `MIN` to `MAX`, both included.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<const MIN: $int, const MAX: $int>($int);

        impl<const MIN: $int, const MAX: $int> $name<MIN, MAX> {
            /// `None` outside of the range.
            pub const fn new(value: $int) -> Option<Self> {
                if value >= MIN && value <= MAX { Some(Self(value)) } else { None }
            }

            /// The number.
            pub const fn get(self) -> $int {
                self.0
            }
        }

        impl<const MIN: $int, const MAX: $int> From<$name<MIN, MAX>> for $int {
            fn from(value: $name<MIN, MAX>) -> Self {
                value.0
            }
        }

        impl<const MIN: $int, const MAX: $int> fmt::Display for $name<MIN, MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<const MIN: $int, const MAX: $int> Serialize for $name<MIN, MAX> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de, const MIN: $int, const MAX: $int> Deserialize<'de> for $name<MIN, MAX> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = deserializer.deserialize_any(Number)?;
                let inside = number.and_then(|n| <$int>::try_from(n).ok()).and_then(Self::new);
                inside.ok_or_else(|| de::Error::custom(format_args!("expected a whole number from {MIN} to {MAX}")))
            }
        }
    };
}

ranged!(U16In, u16);
ranged!(U32In, u32);
ranged!(U64In, u64);

impl<const MIN: u64, const MAX: u64> U64In<MIN, MAX> {
    /// The number as milliseconds, for the settings whose name ends in `_ms`.
    pub const fn millis(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// The number as seconds, for the settings whose name ends in `_s`.
    pub const fn secs(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

/// Takes any scalar, so that the one message for whatever is wrong is the allowed range. Text is what the environment brings
/// where no default tells its type.
struct Number;

impl de::Visitor<'_> for Number {
    type Value = Option<i128>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(value.trim().parse().ok())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
}
