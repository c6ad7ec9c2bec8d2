//! Money: minor units and an ISO 4217 currency.

use iso_currency::Currency;
use serde::{Deserialize, Serialize};

/// An amount in minor units (cents), never a fraction, never negative by construction of prices.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Money {
    /// Minor units, e.g. cents.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// Highest price of one seat, in minor units. Beyond it an order of [`crate::booking::MAX_SEATS_PER_BOOKING`] could leave the
/// range that payment providers accept.
pub const MAX_PRICE_MINOR: i64 = 100_000_000;

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = usize::from(self.currency.exponent().unwrap_or(0));
        let scale = 10_i64.pow(u32::try_from(digits).unwrap_or(0));
        if digits == 0 {
            return write!(f, "{} {}", self.amount_minor, self.currency.code());
        }
        let (whole, part) = (self.amount_minor / scale, (self.amount_minor % scale).abs());
        write!(f, "{whole}.{part:0digits$} {}", self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_with_the_currencys_own_digits() {
        let rows = [
            (1_250, Currency::EUR, "12.50 EUR"),
            (5, Currency::USD, "0.05 USD"),
            (900, Currency::JPY, "900 JPY"),
            (1_500, Currency::KWD, "1.500 KWD"),
        ];
        for (amount_minor, currency, text) in rows {
            assert_eq!(Money { amount_minor, currency }.to_string(), text);
        }
    }
}
