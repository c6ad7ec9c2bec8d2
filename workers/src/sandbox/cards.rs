//! Test cards: the number chooses what happens.
//!
//! | card | what happens |
//! |---|---|
//! | 4242 4242 4242 4242 | pays |
//! | 4000 0000 0000 0002 | is declined; the payment stays open |
//! | 4000 0000 0000 0341 | pays; the webhook comes late |
//! | 4000 0000 0000 0259 | pays; the webhook comes several times at once |
//! | 4000 0000 0000 0127 | pays; no webhook ever comes: only asking finds out |

/// What a test card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Pays.
    Pays,
    /// Is declined.
    Declines,
    /// Pays, and its webhook is late.
    WebhookLate,
    /// Pays, and its webhook is delivered [`COPIES`] times at once.
    WebhookDoubled,
    /// Pays, and its webhook is never sent.
    WebhookLost,
}

/// How often the doubled card's webhook is delivered.
pub const COPIES: u32 = 3;

/// A card and what it says about itself on the hosted page.
#[derive(Debug)]
pub struct TestCard {
    /// Sixteen digits.
    pub number: &'static str,
    /// What happens.
    pub scenario: Scenario,
    /// The same in words.
    pub description: &'static str,
}

/// All of them.
pub const TEST_CARDS: [TestCard; 5] = [
    TestCard { number: "4242424242424242", scenario: Scenario::Pays, description: "Pays" },
    TestCard { number: "4000000000000002", scenario: Scenario::Declines, description: "Is declined" },
    TestCard { number: "4000000000000341", scenario: Scenario::WebhookLate, description: "Pays, the shop hears late" },
    TestCard {
        number: "4000000000000259",
        scenario: Scenario::WebhookDoubled,
        description: "Pays, the shop hears several times at once",
    },
    TestCard { number: "4000000000000127", scenario: Scenario::WebhookLost, description: "Pays, the shop never hears" },
];

impl TestCard {
    /// In groups of four.
    pub fn grouped(&self) -> String {
        let digits: Vec<char> = self.number.chars().collect();
        digits.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
    }
}

/// The scenario of a card number as people type it. None if it isn't a test card: this provider takes no real ones.
pub fn scenario(typed: &str) -> Option<Scenario> {
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).take(32).collect();
    TEST_CARDS.iter().find(|card| card.number == digits).map(|card| card.scenario)
}

#[cfg(test)]
mod tests {
    use super::{Scenario, scenario};

    #[test]
    fn a_card_is_known_however_it_is_typed() {
        let rows = [
            ("4242424242424242", Some(Scenario::Pays)),
            ("4242 4242 4242 4242", Some(Scenario::Pays)),
            ("4000-0000-0000-0002", Some(Scenario::Declines)),
            ("4000000000000341", Some(Scenario::WebhookLate)),
            ("4000000000000259", Some(Scenario::WebhookDoubled)),
            ("4000000000000127", Some(Scenario::WebhookLost)),
            ("4111111111111111", None),
            ("42424242424242424", None),
            ("", None),
        ];
        for (typed, expected) in rows {
            assert_eq!(scenario(typed), expected, "{typed:?}");
        }
    }
}
