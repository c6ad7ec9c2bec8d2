//! A history as it was played: what was decided in which batches, and what became of it.

use std::{collections::BTreeSet, sync::Arc};

use goticket_domain::{
    AccountId, BookingId, Money, PaymentId, SectionNo,
    booking::{
        Applied, BookingRequest, BookingState, Command, PaymentNotice, PaymentResult, SectionPlan, StoredPayment, Terms,
        UndecidedRequest, WorkingSet,
    },
    seating::SectionKind,
};
use jiff::Timestamp;
use proptest::sample::Index;

use super::steps::{Asked, Choice, Step};
use crate::{
    hall::{ANN, BOB, FIRST, SECTION, at, best, booking, euros, key, named, numbered_section, payment, request, section, terms},
    owner::Owner,
    store::{Stale, Store},
};

const PROVIDER: &str = "p";
const STANDING: SectionNo = SectionNo(2);

pub(super) struct History {
    pub(super) sections: Vec<Arc<SectionPlan>>,
    pub(super) entries: Vec<Entry>,
    /// Every booking id that was given to a request.
    pub(super) ids: Vec<BookingId>,
    /// What the owner found other than remembered.
    pub(super) stale: BTreeSet<Stale>,
}

/// What happened, in order.
pub(super) enum Entry {
    /// A batch was decided.
    Batch(Box<Batch>),
    Terms(Terms),
    /// An attempt to pay was opened.
    Opened(PaymentId, StoredPayment),
    /// There is no such payment.
    Invented(PaymentId),
}

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) commands: Vec<Command>,
    pub(super) now: Timestamp,
    pub(super) terms: Terms,
    /// The owner's set and what was stored, before the batch and after it.
    pub(super) before: (WorkingSet, Store),
    pub(super) after: (WorkingSet, Store),
    /// One per command.
    pub(super) applied: Vec<Applied>,
}

struct Player {
    owner: Owner,
    seconds: i64,
    pending: Vec<Command>,
    requests: Vec<BookingRequest>,
    payments: Vec<PaymentNotice>,
    notices: Vec<PaymentNotice>,
    ids: u128,
    history: History,
}

fn begin() -> Terms {
    Terms { starts_at: at(120), ticket_limit: 4, ..terms() }
}

impl History {
    pub(super) fn play(steps: &[Step]) -> Self {
        let sections =
            vec![section(SectionKind::Seated, "aab aba"), numbered_section(STANDING, FIRST + 6, SectionKind::Standing, "aaa")];
        let mut player = Player {
            owner: Owner::new(begin(), sections.clone()),
            seconds: -2,
            pending: Vec::new(),
            requests: Vec::new(),
            payments: Vec::new(),
            notices: Vec::new(),
            ids: 0,
            history: Self { sections, entries: vec![Entry::Terms(begin())], ids: Vec::new(), stale: BTreeSet::new() },
        };
        for step in steps {
            player.step(step);
        }
        player.decide();
        Self { stale: player.owner.stale, ..player.history }
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.entries.iter().filter_map(|entry| if let Entry::Batch(batch) = entry { Some(&**batch) } else { None })
    }
}

impl Player {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Ask(asked) => {
                let request = self.request(asked);
                self.pending.push(Command::Create { request });
            }
            Step::GiveBackAhead(asked) => {
                let request = self.request(asked);
                self.pending.push(cancel(&request, request.account, true));
            }
            Step::Repeat { request, same_id } => {
                let Some(request) = pick(*request, &self.requests) else { return };
                let booking = if *same_id { request.booking } else { self.id() };
                self.pending.push(Command::Create { request: BookingRequest { booking, ..request } });
            }
            Step::GiveBack { request, theirs, undecided } => {
                let Some(request) = pick(*request, &self.requests) else { return };
                let other = if request.account == ANN { BOB } else { ANN };
                self.pending.push(cancel(&request, if *theirs { request.account } else { other }, *undecided && *theirs));
            }
            Step::Expire { request } => {
                let Some(request) = pick(*request, &self.requests) else { return };
                self.pending.push(Command::Expire { booking: request.booking });
            }
            Step::OpenPayment { request } => self.open_payment(*request),
            Step::Notice { payment, paid, exact } => {
                let Some(payment) = pick(*payment, &self.payments) else { return };
                let amount = Money { amount_minor: payment.asked.amount_minor - i64::from(!exact), ..payment.asked };
                let result = if *paid { PaymentResult::Paid } else { PaymentResult::Declined };
                self.say(PaymentNotice { result, amount, notice_id: format!("n{}", self.notices.len()), ..payment });
            }
            Step::SayAgain { notice, same_id } => {
                let Some(notice) = pick(*notice, &self.notices) else { return };
                let other = format!("n{}", self.notices.len());
                self.say(PaymentNotice { notice_id: if *same_id { notice.notice_id.clone() } else { other }, ..notice });
            }
            Step::Invent { request } => {
                let Some(request) = pick(*request, &self.requests) else { return };
                let id = payment(1_000 + u128::try_from(self.notices.len()).unwrap());
                self.history.entries.push(Entry::Invented(id));
                self.say(PaymentNotice {
                    payment: id,
                    notice_id: format!("n{}", self.notices.len()),
                    ..attempt(request.booking, 0)
                });
            }
            Step::GoneBack { payment } => {
                let Some(payment) = pick(*payment, &self.payments) else { return };
                self.pending.push(Command::Refunded { payment: payment.payment, booking: payment.booking });
            }
            Step::Decide => self.decide(),
            Step::Restart => {
                self.decide();
                self.owner.restart();
            }
            Step::Wait { seconds } => {
                self.decide();
                self.seconds += seconds;
            }
            Step::SetTerms { status, ticket_limit } => {
                self.decide();
                let terms = Terms { status: *status, ticket_limit: *ticket_limit, ..begin() };
                self.owner.set_terms(terms.clone());
                self.history.entries.push(Entry::Terms(terms));
            }
        }
    }

    fn request(&mut self, asked: &Asked) -> BookingRequest {
        let (choice, section) = match &asked.choice {
            Choice::Named(places) => (named(places), SECTION),
            Choice::Best(quantity, category) => (best(*quantity, *category), SECTION),
            Choice::Standing(quantity) => (best(*quantity, None), STANDING),
        };
        let id = self.id();
        let account = if asked.ann { ANN } else { BOB };
        let request = request(id, account, &format!("k{}", asked.key), choice);
        let payload_hash = BookingRequest::hash(request.event, section, &request.choice);
        let request = BookingRequest { section, payload_hash, ..request };
        self.requests.push(request.clone());
        request
    }

    fn id(&mut self) -> BookingId {
        self.ids += 1;
        self.history.ids.push(booking(self.ids));
        booking(self.ids)
    }

    /// The gateway opens payments for what it reads to be held.
    fn open_payment(&mut self, request: Index) {
        self.decide();
        let held = |request: &&BookingRequest| self.owner.store.state(request.booking) == Some(BookingState::Held);
        let held: Vec<BookingRequest> = self.requests.iter().filter(held).cloned().collect();
        let Some(request) = pick(request, &held) else { return };
        let id = payment(u128::try_from(self.payments.len()).unwrap());
        self.owner.store.open_payment(id, request.booking, PROVIDER);
        let stored = self.owner.store.payments[&id].clone();
        self.payments.push(PaymentNotice { payment: id, ..attempt(request.booking, stored.asked.amount_minor) });
        self.history.entries.push(Entry::Opened(id, stored));
    }

    fn say(&mut self, notice: PaymentNotice) {
        self.notices.push(notice.clone());
        self.pending.push(Command::Pay { notice });
    }

    fn decide(&mut self) {
        let commands = std::mem::take(&mut self.pending);
        if commands.is_empty() {
            return;
        }
        let before = (self.owner.set.clone(), self.owner.store.clone());
        let now = at(self.seconds);
        let applied = self.owner.decide(&commands, now);
        let (terms, after) = (self.owner.terms().clone(), (self.owner.set.clone(), self.owner.store.clone()));
        self.history.entries.push(Entry::Batch(Box::new(Batch { commands, now, terms, before, after, applied })));
    }
}

fn pick<T: Clone>(index: Index, things: &[T]) -> Option<T> {
    (!things.is_empty()).then(|| index.get(things).clone())
}

fn cancel(request: &BookingRequest, account: AccountId, undecided: bool) -> Command {
    let (key, payload_hash, section) = (key(request.key.as_str()), request.payload_hash, request.section);
    let undecided = undecided.then_some(UndecidedRequest { key, payload_hash, section });
    Command::Cancel { booking: request.booking, account, undecided }
}

/// What is said about a payment, but for its ids.
fn attempt(booking: BookingId, amount_minor: i64) -> PaymentNotice {
    let (payment, asked) = (payment(0), euros(amount_minor));
    let (provider, notice_id, result) = (PROVIDER.into(), String::new(), PaymentResult::Paid);
    PaymentNotice { payment, booking, provider, notice_id, result, amount: asked, asked }
}
