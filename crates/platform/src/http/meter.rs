//! What one connection is doing, and how long it may go on with it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::time::Instant;

#[cfg(test)]
use self::tests::Clock;
use super::{limits::Limits, pace::Pace};
#[cfg(not(test))]
use tokio::time::Instant as Clock;

/// What HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One connection's clock. It is told what happens, and asked from time to time.
pub(super) struct Meter {
    limits: Limits,
    state: Mutex<State>,
    /// A hint, so that answers that are taken at once cost no lock: something waits to be taken.
    waits: AtomicBool,
}

struct State {
    protocol: Protocol,
    /// Requests that are worked on or whose answers are not handed over.
    in_work: u32,
    /// A whole head has come.
    served: bool,
    /// Since when nothing is in work.
    since: Instant,
    /// Since when a head is on its way.
    head_since: Option<Instant>,
    /// While something waits to be taken.
    unread: Option<Pace>,
    /// Since when it is asked to end.
    ending: Option<Instant>,
    /// It gives way to another one: nothing is begun on it any more.
    given_up: bool,
    /// It carries one answer that lasts, and is looked after by who sends that.
    lasts: bool,
}

#[derive(Clone, Copy)]
enum Protocol {
    /// So much of the preface has come, and nothing else.
    Unknown(usize),
    Http1,
    Http2,
}

/// Why a connection is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    Silent,
    Head,
    Idle,
    Unread,
}

impl Late {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Head => "head",
            Self::Idle => "idle",
            Self::Unread => "unread",
        }
    }
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again then.
    Wait(Instant),
    /// Let it end by itself.
    End,
    Cut(Late),
}

/// Who gives way first: whoever has never asked anything, longest before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Idleness {
    served: bool,
    since: Instant,
}

/// A request in work, until it is dropped.
pub(super) struct InWork(Arc<Meter>);

impl Meter {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        let state = State {
            protocol: Protocol::Unknown(0),
            in_work: 0,
            served: false,
            since: now,
            head_since: None,
            unread: None,
            ending: None,
            given_up: false,
            lasts: false,
        };
        Self { limits, state: Mutex::new(state), waits: AtomicBool::new(false) }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Never held while anything is waited for.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These bytes were read.
    pub(super) fn read(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.state();
        state.protocol.read(bytes);
        let told_by_requests = matches!(state.protocol, Protocol::Http2) && state.served;
        if state.in_work == 0 && !told_by_requests {
            state.head_since.get_or_insert_with(Clock::now);
        }
    }

    /// A whole head was read. None: the connection is given up.
    pub(super) fn begin(self: &Arc<Self>) -> Option<InWork> {
        let mut state = self.state();
        if state.given_up {
            return None;
        }
        state.in_work += 1;
        (state.served, state.head_since) = (true, None);
        Some(InWork(Arc::clone(self)))
    }

    /// The client takes nothing now.
    pub(super) fn blocked(&self) {
        let begin = || Pace::begin(Clock::now(), self.limits.unread, self.limits.bytes_per_s);
        self.state().unread.get_or_insert_with(begin);
        self.waits.store(true, Ordering::Relaxed);
    }

    /// So much was taken.
    pub(super) fn wrote(&self, bytes: usize) {
        if self.waits.load(Ordering::Relaxed)
            && let Some(pace) = &mut self.state().unread
        {
            pace.moved(Clock::now(), bytes);
        }
    }

    /// All was taken.
    pub(super) fn flushed(&self) {
        if self.waits.swap(false, Ordering::Relaxed) {
            self.state().unread = None;
        }
    }

    pub(super) fn lasts(&self) {
        self.state().lasts = true;
    }

    /// None while it is of use.
    pub(super) fn idleness(&self) -> Option<Idleness> {
        let state = self.state();
        let of_use = state.in_work > 0 || state.lasts || state.given_up;
        (!of_use).then_some(Idleness { served: state.served, since: state.since })
    }

    /// True: it is of no use, and nothing will be begun on it.
    pub(super) fn give_up(&self) -> bool {
        let mut state = self.state();
        let unused = state.in_work == 0 && !state.lasts;
        state.given_up |= unused;
        unused
    }

    pub(super) fn look(&self, now: Instant) -> Verdict {
        let mut state = self.state();
        match state.deadline(&self.limits) {
            Some((deadline, late)) if deadline <= now => match late {
                Late::Idle if state.ending.is_none() => {
                    state.ending = Some(now);
                    Verdict::End
                }
                _ => Verdict::Cut(late),
            },
            deadline => {
                let soon = now + self.limits.shortest();
                Verdict::Wait(deadline.map_or(soon, |(deadline, _)| deadline.min(soon)))
            }
        }
    }
}

impl Protocol {
    fn read(&mut self, bytes: &[u8]) {
        if let Self::Unknown(come) = *self {
            let expected = &PREFACE[come..];
            let len = expected.len().min(bytes.len());
            *self = match (expected[..len] == bytes[..len], len == expected.len()) {
                (false, _) => Self::Http1,
                (true, true) => Self::Http2,
                (true, false) => Self::Unknown(come + len),
            };
        }
    }
}

impl State {
    /// The first of what it has to keep to now.
    fn deadline(&self, limits: &Limits) -> Option<(Instant, Late)> {
        let unread = self.unread.as_ref().map(|pace| (pace.deadline(), Late::Unread));
        let asking = (self.in_work == 0).then(|| match (self.ending, self.head_since) {
            (Some(ending), _) => (ending + limits.unread, Late::Idle),
            (None, Some(head_since)) => (head_since + limits.head, Late::Head),
            (None, None) if self.served => (self.since + limits.idle, Late::Idle),
            (None, None) => (self.since + limits.first_byte, Late::Silent),
        });
        [unread, asking].into_iter().flatten().min_by_key(|(deadline, _)| *deadline)
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_work -= 1;
        if state.in_work == 0 {
            state.since = Clock::now();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use std::{cell::Cell, sync::LazyLock};

    use super::*;

    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

    thread_local! {
        static SINCE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    /// Stands still until it is told to go on; each test has its own.
    pub(super) struct Clock;

    impl Clock {
        pub(super) fn now() -> Instant {
            *BEGINNING + SINCE.get()
        }
    }

    fn advance(by: Duration) {
        SINCE.set(SINCE.get() + by);
    }

    const LIMITS: fn() -> Limits = || Limits {
        first_byte: Duration::from_secs(3),
        head: Duration::from_secs(5),
        idle: Duration::from_secs(70),
        unread: Duration::from_secs(20),
        bytes_per_s: 100,
        ..Limits::default()
    };

    fn meter() -> Arc<Meter> {
        Arc::new(Meter::new(LIMITS(), Clock::now()))
    }

    /// Follows it, looking only when it is told to; returns when it is let go, in seconds from now.
    fn let_go(meter: &Meter) -> (u64, Verdict) {
        let begun = Clock::now();
        loop {
            match meter.look(Clock::now()) {
                Verdict::Wait(until) => advance(until - Clock::now()),
                verdict => return ((Clock::now() - begun).as_secs(), verdict),
            }
        }
    }

    #[test]
    fn each_phase_has_its_time() {
        assert_eq!(let_go(&meter()), (3, Verdict::Cut(Late::Silent)));

        let drips = meter();
        drips.read(b"G");
        advance(Duration::from_secs(4));
        drips.read(b"E");
        assert_eq!(let_go(&drips), (1, Verdict::Cut(Late::Head)), "from the first byte");

        let idle = meter();
        idle.read(b"GET / HTTP/1.1\r\n\r\n");
        let request = idle.begin().unwrap();
        advance(Duration::from_secs(1_000));
        assert!(matches!(idle.look(Clock::now()), Verdict::Wait(_)), "who waits for us has time");
        drop(request);
        assert_eq!(let_go(&idle), (70, Verdict::End));
        assert_eq!(let_go(&idle), (20, Verdict::Cut(Late::Idle)), "it did not end");

        let next = meter();
        drop(next.begin().unwrap());
        advance(Duration::from_mins(1));
        next.read(b"G");
        assert_eq!(let_go(&next), (5, Verdict::Cut(Late::Head)), "half a head of a later request");
    }

    #[test]
    fn http_2_is_told_by_its_preface_and_its_requests() {
        let preface_only = meter();
        preface_only.read(&PREFACE[..10]);
        advance(Duration::from_secs(1));
        preface_only.read(&PREFACE[10..]);
        assert_eq!(let_go(&preface_only), (4, Verdict::Cut(Late::Head)));

        let at_once = meter();
        at_once.read(PREFACE);
        assert_eq!(let_go(&at_once), (5, Verdict::Cut(Late::Head)), "it has said something, and asked nothing");

        let pings = meter();
        pings.read(PREFACE);
        drop(pings.begin().unwrap());
        for _ in 0..6 {
            advance(Duration::from_secs(10));
            pings.read(b"a ping's answer");
        }
        assert_eq!(let_go(&pings), (10, Verdict::End), "signs of life are no requests");
    }

    #[test]
    fn who_takes_nothing_or_a_drip_is_let_go_and_who_reads_is_not() {
        let stalled = meter();
        let _request = stalled.begin().unwrap();
        stalled.blocked();
        assert_eq!(let_go(&stalled), (20, Verdict::Cut(Late::Unread)));

        let drips = meter();
        let _request = drips.begin().unwrap();
        drips.blocked();
        for _ in 0..19 {
            advance(Duration::from_secs(1));
            drips.wrote(1);
            drips.blocked();
        }
        assert_eq!(let_go(&drips), (1, Verdict::Cut(Late::Unread)));

        let reads = meter();
        let _request = reads.begin().unwrap();
        for _ in 0..100 {
            reads.blocked();
            advance(Duration::from_secs(10));
            assert!(matches!(reads.look(Clock::now()), Verdict::Wait(_)));
            reads.wrote(1_000);
        }
        reads.flushed();
        advance(Duration::from_secs(100));
        assert!(matches!(reads.look(Clock::now()), Verdict::Wait(_)), "all is taken");
    }

    #[test]
    fn who_has_asked_nothing_gives_way_first_and_who_waits_for_us_never() {
        let (busy, kept, silent) = (meter(), meter(), meter());
        let _request = busy.begin().unwrap();
        drop(kept.begin().unwrap());
        advance(Duration::from_secs(1));
        let later = meter();
        assert!(busy.idleness().is_none() && !busy.give_up());
        assert!(silent.idleness() < later.idleness() && later.idleness() < kept.idleness());
        assert!(silent.give_up());
        assert!(silent.begin().is_none(), "nothing is begun where one gives way");
    }
}
