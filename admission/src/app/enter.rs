//! Who may enter the line. What a signature decides comes first and costs no I/O; who has a place finds it again, whatever they show; only
//! then is anything counted, and the place taken.

use goticket_domain::identity::Assurance;
use goticket_domain::queue::entry_rules::{ChallengeFor, PROOF_LIFE_S, check_proof};
use goticket_domain::queue::groups::{Fan, GroupStep};
use goticket_domain::queue::{Challenge, CodeRule, EntryRefusal, JoinPass, PlaceId, QueueError};
use goticket_domain::{AccountId, EventId};
use goticket_storage::queue_codes::CodeUse;
use jiff::Timestamp;

use super::WaitingRoomService;
use super::counted::Counted;
use super::group_commit::{Change, Changed};
use super::join::refuse_without_line;
use super::place::at;
use super::rooms::Known;
use crate::outbound::redis::Found;

impl WaitingRoomService {
    /// Takes the place, if what the room asks for is shown, or finds it. `over`: the place of the group in which they stood, which is over for
    /// good.
    pub(super) async fn enter(
        &self,
        known: &Known,
        fan: Fan,
        pass: &JoinPass,
        over: Option<PlaceId>,
    ) -> Result<Changed, QueueError> {
        let entered = match self.check_pass(known, fan.account, pass).await {
            Ok(counted) => {
                let counted = Counted { group: known.if_groups(GroupStep::Alone { fan, over }), ..counted };
                let joined = known.log.change(fan.place, Change::Join { line_max: u64::from(self.max_line), counted }).await;
                match joined {
                    Err(QueueError::Full) if over.is_none() => self.in_group(known, fan, QueueError::Full).await,
                    joined => joined,
                }
            }
            Err(QueueError::Entry(refusal)) if !refusal.is_forged() => {
                let looked = known.log.change(fan.place, Change::Look).await?;
                match looked.after {
                    Found::Here(_) => Ok(looked),
                    // It is the same place.
                    Found::Passed { once_more: true } => known.log.change(fan.place, Change::Defer).await,
                    _ if over.is_none() => self.in_group(known, fan, refusal.into()).await,
                    _ => Err(refusal.into()),
                }
            }
            Err(error) => Err(error),
        };
        if let Err(QueueError::Entry(refusal)) = &entered {
            metrics::counter!("admission_entries_refused_total", "why" => refusal.kind()).increment(1);
        }
        entered
    }

    /// Who stands in a group is found there, whatever keeps others out.
    async fn in_group(&self, known: &Known, fan: Fan, otherwise: QueueError) -> Result<Changed, QueueError> {
        match self.group_of(known, fan.account).await? {
            Some(group) => Ok(Changed { in_group: Some(group), ..Changed::nothing(Found::Nowhere) }),
            None => Err(otherwise),
        }
    }

    /// Whether what is shown is what the room asks for; what is to be counted where the place is taken.
    pub(super) async fn check_pass(&self, known: &Known, account: AccountId, pass: &JoinPass) -> Result<Counted, QueueError> {
        let now = at(known.log.now_ms())?;
        let typed = asked_code(known, pass, now)?;
        // Before the code is looked at: guesses are worth work, too.
        self.check_work(known, account, pass)?;
        let code = match typed {
            Some(typed) => Some(self.check_code(known, account, typed, now).await?),
            None => None,
        };
        let person = (known.room.settings.entry.identity >= Assurance::VerifiedEmail).then_some(account);
        let chosen = known.if_other_lines(account);
        Ok(Counted { code, person, chosen, ..Counted::default() })
    }

    /// The proof of work, where the room asks for one: by the signature alone.
    fn check_work(&self, known: &Known, account: AccountId, pass: &JoinPass) -> Result<(), QueueError> {
        if known.room.settings.entry.proof_of_work == 0 {
            return Ok(());
        }
        let whose = ChallengeFor { event: known.room.event, account };
        let checked = check_proof(self.place_keys.challenge_keys(), whose, at(known.log.now_ms())?, pass.proof.as_deref());
        match checked {
            Ok(()) => Ok(()),
            Err(fault) => Err(EntryRefusal::Proof { fault, challenge: self.new_challenge(known, account)? }.into()),
        }
    }

    /// By the code's signature, and the window that it covers.
    async fn check_code(&self, known: &Known, account: AccountId, typed: &str, now: Timestamp) -> Result<CodeUse, QueueError> {
        let (batch, code) = self.signed_code(known, typed).await?;
        batch.check_time(now)?;
        Ok(CodeUse { batch: batch.number, number: code.number(), uses: batch.uses, account })
    }

    /// What this account has to solve before it joins; none where nothing is.
    pub(super) async fn challenge_account(&self, event: EventId, account: AccountId) -> Result<Option<Challenge>, QueueError> {
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        if known.room.settings.entry.proof_of_work == 0 {
            return Ok(None);
        }
        self.new_challenge(&known, account).map(Some)
    }

    fn new_challenge(&self, known: &Known, account: AccountId) -> Result<Challenge, QueueError> {
        let whose = ChallengeFor { event: known.room.event, account };
        let expires = at(known.log.now_ms() + PROOF_LIFE_S * 1_000)?;
        let (key, cost) = (self.place_keys.challenge_key(), known.room.settings.entry.proof_of_work);
        Ok(Challenge::new(&key, whose, cost, expires, rand::random()))
    }
}

/// The code that was typed, where the room asks for one. None is worth no work.
fn asked_code<'a>(known: &Known, pass: &'a JoinPass, now: Timestamp) -> Result<Option<&'a str>, EntryRefusal> {
    match known.room.settings.entry.code {
        rule @ CodeRule::Code { until } if rule.asks(now) => {
            pass.code.as_deref().map(Some).ok_or(EntryRefusal::CodeRequired { until })
        }
        CodeRule::Open | CodeRule::Code { .. } => Ok(None),
    }
}
