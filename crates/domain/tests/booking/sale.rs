//! The life of one booking as a script: words for what happens, one after the other.
//!
//! | word | what happens |
//! |---|---|
//! | `+N` | N seconds pass |
//! | `ask`, `bob` | Ann asks for the seat; Bob asks for the same one |
//! | `pay`, `pay2`, `bob:pay` | the provider says that the first (the second, Bob's) payment is paid |
//! | `decline`, `short` | it says that the first one is declined; paid, but with a cent too few |
//! | `again` | it says the last thing once more |
//! | `cancel`, `steal` | Ann gives the booking back; Bob tries to |
//! | `repent` | Ann gives a repetition of her request back, under the id it would have had |
//! | `expire`, `bob:expire` | the deadline is said to have passed |
//! | `back`, `back2` | the provider has given the first (the second) payment back |
//! | `close`, `draft`, `limit0` | the organizer changes the terms |

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    Money,
    booking::{Answer, Applied, BookingState, Change, Command, PaymentNotice, PaymentResult, Terms, UndecidedRequest},
    payment::PaymentState,
    seating::SectionKind,
};

use crate::{
    hall::{ANN, BOB, at, booking, named, payment, request, section, terms},
    owner::Owner,
};

const PROVIDER: &str = "sandbox";

pub(crate) struct Sale {
    pub(crate) owner: Owner,
    seconds: i64,
    notices: u32,
    last_notice: Option<Command>,
    last: Applied,
}

impl Sale {
    /// A hall of one seat, at the begin of its sale.
    pub(crate) fn begin() -> Self {
        let owner = Owner::new(terms(), vec![section(SectionKind::Seated, "a")]);
        let last = Applied { answer: Answer::Unknown, changes: vec![] };
        Self { owner, seconds: 0, notices: 0, last_notice: None, last }
    }

    pub(crate) fn play(script: &str) -> Self {
        let mut sale = Self::begin();
        script.split_whitespace().for_each(|word| sale.word(word));
        sale
    }

    /// The same, with another process for every word.
    fn play_restarting(script: &str) -> Self {
        let mut sale = Self::begin();
        for word in script.split_whitespace() {
            sale.owner.restart();
            sale.word(word);
        }
        sale
    }

    fn word(&mut self, word: &str) {
        let terms = self.owner.terms().clone();
        match word {
            "ask" => self.tell(Command::Create { request: request(booking(1), ANN, "k", named(&[0])) }),
            "bob" => self.tell(Command::Create { request: request(booking(2), BOB, "k", named(&[0])) }),
            "pay" => self.notice(1, PaymentResult::Paid, 0),
            "pay2" => self.notice(2, PaymentResult::Paid, 0),
            "bob:pay" => self.notice(3, PaymentResult::Paid, 0),
            "decline" => self.notice(1, PaymentResult::Declined, 0),
            "short" => self.notice(1, PaymentResult::Paid, -1),
            "again" => self.tell(self.last_notice.clone().unwrap()),
            "cancel" => self.tell(Command::Cancel { booking: booking(1), account: ANN, undecided: None }),
            "steal" => self.tell(Command::Cancel { booking: booking(1), account: BOB, undecided: None }),
            "repent" => {
                let asked = request(booking(4), ANN, "k", named(&[0]));
                let (key, payload_hash) = (asked.key, asked.payload_hash);
                let undecided = Some(UndecidedRequest { key, payload_hash, section: asked.section });
                self.tell(Command::Cancel { booking: asked.booking, account: ANN, undecided });
            }
            "expire" => self.tell(Command::Expire { booking: booking(1) }),
            "bob:expire" => self.tell(Command::Expire { booking: booking(2) }),
            "back" => self.tell(Command::Refunded { payment: payment(1), booking: booking(1) }),
            "back2" => self.tell(Command::Refunded { payment: payment(2), booking: booking(1) }),
            "close" => self.owner.set_terms(Terms { status: EventStatus::Closed, ..terms }),
            "draft" => self.owner.set_terms(Terms { status: EventStatus::Draft, ..terms }),
            "limit0" => self.owner.set_terms(Terms { ticket_limit: 0, ..terms }),
            wait => {
                let seconds = wait.strip_prefix('+').and_then(|seconds| seconds.parse::<i64>().ok());
                self.seconds += seconds.unwrap_or_else(|| panic!("{wait}?"));
            }
        }
    }

    fn tell(&mut self, command: Command) {
        self.last = self.owner.decide(std::slice::from_ref(&command), at(self.seconds)).remove(0);
        for change in &self.last.changes {
            // Their gateways open the payment pages at once: two for Ann, who clicked twice.
            if let Change::Held(made) = change {
                let payments: &[u128] = if made.order.account == ANN { &[1, 2] } else { &[3] };
                for n in payments {
                    self.owner.store.open_payment(payment(*n), made.order.id, PROVIDER);
                }
            }
        }
        if matches!(command, Command::Pay { .. }) {
            self.last_notice = Some(command);
        }
    }

    fn notice(&mut self, n: u128, result: PaymentResult, too_much: i64) {
        self.notices += 1;
        let asked = self.owner.store.payments[&payment(n)].asked;
        let amount = Money { amount_minor: asked.amount_minor + too_much, ..asked };
        let (booking, notice_id) = (booking(if n == 3 { 2 } else { 1 }), format!("n{}", self.notices));
        self.tell(Command::Pay {
            notice: PaymentNotice { payment: payment(n), booking, provider: PROVIDER.into(), notice_id, result, amount, asked },
        });
    }

    /// What the last command was answered.
    pub(crate) fn answer(&self) -> &Answer {
        &self.last.answer
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.last.changes
    }

    /// The state of Ann's booking.
    fn state(&self) -> Option<BookingState> {
        self.owner.store.state(booking(1))
    }

    pub(crate) fn payment(&self, n: u128) -> Option<PaymentState> {
        self.owner.store.payments.get(&payment(n)).map(|payment| payment.state)
    }

    /// What the last command changed, in words.
    fn told(&self) -> String {
        let words = self.last.changes.iter().map(|change| match change {
            Change::Held(_) => "held".to_owned(),
            Change::Refused(refused) => format!("refused: {}", refused.refusal.reason.as_str()),
            Change::Moved(moved) => format!("{} > {}", moved.from.as_str(), moved.to.as_str()),
            Change::Payment(change) => format!("{} > {}", change.from.as_str(), change.to.as_str()),
            Change::NoticeSeen { .. } => "seen".to_owned(),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Plays a script and checks what its last word changes, and where Ann's booking and her first payment stand then.
#[track_caller]
pub(crate) fn check(script: &str, told: &str, state: BookingState, first_payment: PaymentState) {
    let sale = Sale::play(script);
    assert_eq!(sale.told(), told, "{script}");
    assert_eq!((sale.state(), sale.payment(1)), (Some(state), Some(first_payment)), "{script}");
    let restarted = Sale::play_restarting(script);
    assert_eq!((&restarted.last, &restarted.owner.store), (&sale.last, &sale.owner.store), "{script}, restarting");
}
