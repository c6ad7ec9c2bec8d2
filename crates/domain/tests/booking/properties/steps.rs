//! A history as it is drawn: what happens, about which of the things there are by then.

use goticket_domain::catalog::EventStatus;
use proptest::{prelude::*, sample::Index};

/// Something happens. An index chooses among what there is at that moment; if there is nothing, nothing happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A fan asks for seats.
    Ask(Asked),
    /// A fan's request is accepted, but what comes first is that they give it back.
    GiveBackAhead(Asked),
    /// A request comes again: from the broker with its id, or from the client with another one.
    Repeat {
        request: Index,
        same_id: bool,
    },
    /// A fan gives a request back, theirs or not, decided or not.
    GiveBack {
        request: Index,
        theirs: bool,
        undecided: bool,
    },
    /// The deadline of a booking is said to have passed.
    Expire {
        request: Index,
    },
    /// An attempt to pay for a held booking is opened.
    OpenPayment {
        request: Index,
    },
    /// The provider says something about a payment.
    Notice {
        payment: Index,
        paid: bool,
        exact: bool,
    },
    /// It says what it said before: as the same notice, or as another one.
    SayAgain {
        notice: Index,
        same_id: bool,
    },
    /// Somebody says something about a payment that was never made.
    Invent {
        request: Index,
    },
    /// The provider has given a payment back.
    GoneBack {
        payment: Index,
    },
    /// What was said so far is decided as one batch.
    Decide,
    /// The process dies and another one takes over.
    Restart,
    Wait {
        seconds: i64,
    },
    SetTerms {
        status: EventStatus,
        ticket_limit: u32,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) ann: bool,
    pub(super) key: u8,
    pub(super) choice: Choice,
}

#[derive(Clone, Debug)]
pub(super) enum Choice {
    Named(Vec<u32>),
    Best(u32, Option<u16>),
    Standing(u32),
}

fn asked() -> impl Strategy<Value = Asked> {
    // Places 0 to 5 are there.
    let named = prop::collection::btree_set(0_u32..7, 1..3).prop_map(|places| Choice::Named(places.into_iter().collect()));
    let best = (1_u32..4, prop::option::of(0_u16..3)).prop_map(|(quantity, category)| Choice::Best(quantity, category));
    let choice = prop_oneof![3 => named, 2 => best, 1 => (1_u32..4).prop_map(Choice::Standing)];
    (any::<bool>(), 0_u8..24, choice).prop_map(|(ann, key, choice)| Asked { ann, key, choice })
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    let status = prop_oneof![8 => Just(EventStatus::Published), 2 => Just(EventStatus::Closed), 1 => Just(EventStatus::Draft)];
    prop_oneof![
        12 => asked().prop_map(Step::Ask),
        1 => asked().prop_map(Step::GiveBackAhead),
        4 => (index(), any::<bool>()).prop_map(|(request, same_id)| Step::Repeat { request, same_id }),
        3 => (index(), prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(request, theirs, undecided)| Step::GiveBack { request, theirs, undecided }),
        4 => index().prop_map(|request| Step::Expire { request }),
        9 => index().prop_map(|request| Step::OpenPayment { request }),
        8 => (index(), prop::bool::weighted(0.6), prop::bool::weighted(0.8))
            .prop_map(|(payment, paid, exact)| Step::Notice { payment, paid, exact }),
        3 => (index(), any::<bool>()).prop_map(|(notice, same_id)| Step::SayAgain { notice, same_id }),
        1 => index().prop_map(|request| Step::Invent { request }),
        3 => index().prop_map(|payment| Step::GoneBack { payment }),
        5 => Just(Step::Decide),
        1 => Just(Step::Restart),
        5 => (0_i64..25).prop_map(|seconds| Step::Wait { seconds }),
        1 => (status, 2_u32..6).prop_map(|(status, ticket_limit)| Step::SetTerms { status, ticket_limit }),
    ]
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 10..120)
}
