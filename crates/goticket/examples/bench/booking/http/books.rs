//! What fans were told is what the database has.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::Context as _;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep};

use super::seen::{Seen, Told};

/// How long what was accepted may take to be decided after the end, and how often it is looked at.
const SETTLED: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Compares each request with its row, and the confirmed bookings with the payments; returns what differs.
pub(crate) async fn check(postgres_url: &str, seen: &[Seen]) -> anyhow::Result<Vec<String>> {
    let told = last_told(seen);
    let mut db = PgConnection::connect(postgres_url).await?;
    let until = Instant::now() + SETTLED;
    loop {
        let mut flaws = differences(&told, &stored(&mut db).await?);
        let paid: i64 = sqlx::query_scalar("SELECT count(*) FROM payments WHERE state = 'paid'").fetch_one(&mut db).await?;
        let confirmed = told.values().filter(|told| **told == Told::Confirmed).count();
        if usize::try_from(paid)? != confirmed {
            flaws.push(format!("{confirmed} bookings are confirmed, and {paid} payments paid"));
        }
        if flaws.is_empty() || Instant::now() > until {
            db.close().await?;
            return Ok(flaws);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Every request's state, by its number.
async fn stored(db: &mut PgConnection) -> anyhow::Result<HashMap<u32, String>> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT key, state FROM bookings").fetch_all(db).await?;
    let number =
        |key: &str| key.strip_prefix("request-").and_then(|no| no.parse().ok()).with_context(|| format!("the key {key:?}"));
    rows.into_iter().map(|(key, state)| Ok((number(&key)?, state))).collect()
}

/// What each request was told in the end. One that may have been accepted once stays so when it is turned away later.
fn last_told(seen: &[Seen]) -> HashMap<u32, Told> {
    let mut in_order: Vec<&Seen> = seen.iter().collect();
    in_order.sort_by_key(|seen| seen.answered);
    let mut told = HashMap::new();
    for seen in in_order {
        let last = told.entry(seen.no).or_insert(seen.told);
        if !(*last == Told::Unsure && seen.told == Told::Busy) {
            *last = seen.told;
        }
    }
    told
}

fn differences(told: &HashMap<u32, Told>, stored: &HashMap<u32, String>) -> Vec<String> {
    let mut differ: BTreeMap<String, u64> = BTreeMap::new();
    for (no, told) in told {
        let stored = stored.get(no).map(String::as_str);
        if !agree(*told, stored) {
            *differ.entry(format!("{told:?}, and the database has {}", stored.unwrap_or("nothing"))).or_default() += 1;
        }
    }
    let unknown = stored.keys().filter(|no| !told.contains_key(no)).count();
    let mut flaws: Vec<String> = differ.into_iter().map(|(how, count)| format!("{count} requests were told {how}")).collect();
    if unknown > 0 {
        flaws.push(format!("the database has {unknown} requests that no one was told of"));
    }
    flaws
}

fn agree(told: Told, stored: Option<&str>) -> bool {
    match told {
        Told::Held => stored == Some("held"),
        Told::Confirmed => stored == Some("confirmed"),
        // Before the queue, or by the worker.
        Told::Refused => matches!(stored, None | Some("refused")),
        Told::Accepted => matches!(stored, Some("held" | "refused")),
        Told::Busy => stored.is_none(),
        // The one says nothing, the other is a flaw by itself.
        Told::Unsure | Told::Unexpected => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(no: u32, told: Told, answered_ms: u64) -> Seen {
        let at = Duration::from_millis(answered_ms);
        Seen { no, told, due: at, sent: at, answered: at }
    }

    #[test]
    fn each_answer_allows_what_it_says() {
        for (told, stored, agrees) in [
            (Told::Held, Some("held"), true),
            (Told::Held, None, false),
            (Told::Held, Some("refused"), false),
            (Told::Confirmed, Some("confirmed"), true),
            (Told::Confirmed, Some("held"), false),
            (Told::Refused, None, true),
            (Told::Refused, Some("refused"), true),
            (Told::Refused, Some("held"), false),
            (Told::Accepted, Some("held"), true),
            (Told::Accepted, None, false),
            (Told::Busy, None, true),
            (Told::Busy, Some("held"), false),
            (Told::Unsure, Some("held"), true),
            (Told::Unsure, None, true),
        ] {
            let stored: HashMap<u32, String> = stored.map(|state| (7, state.to_owned())).into_iter().collect();
            let flaws = differences(&last_told(&[seen(7, told, 1)]), &stored);
            assert_eq!(flaws.is_empty(), agrees, "{told:?} {stored:?}: {flaws:?}");
        }
    }

    #[test]
    fn a_row_that_no_one_was_told_of_is_a_flaw() {
        let stored = HashMap::from([(1, "held".to_owned()), (2, "held".to_owned())]);
        let flaws = differences(&last_told(&[seen(1, Told::Held, 1)]), &stored);
        assert_eq!(flaws, ["the database has 1 requests that no one was told of"]);
    }

    #[test]
    fn the_last_answer_counts_unless_an_earlier_one_may_have_been_taken() {
        let told = last_told(&[seen(1, Told::Held, 2), seen(1, Told::Busy, 1), seen(2, Told::Unsure, 1), seen(2, Told::Busy, 2)]);
        assert_eq!(told, HashMap::from([(1, Told::Held), (2, Told::Unsure)]));
    }
}
