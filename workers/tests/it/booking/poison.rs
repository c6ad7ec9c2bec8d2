//! Commands that cannot be carried out.

use goticket_domain::{
    AccountId,
    booking::{Answer, Command, RefusalReason},
};
use goticket_workers::app::booking::{Job, Verdict};
use rstest::rstest;

use crate::hall::{Hall, decided};

fn is_dead(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Dead { .. })
}

#[tokio::test]
async fn a_poisoned_command_in_the_middle_of_a_batch_dies_alone() {
    let hall = Hall::open().await;
    let fans = hall.accounts(8).await;
    let mut batch: Vec<Job> = (0..8_u32).map(|n| hall.named(fans[n as usize], "k", &[n])).collect();
    // Not even a refusal can be stored for it.
    let poison = AccountId::generate();
    let trigger = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'an account to avoid'; END $$;
         CREATE TRIGGER avoided BEFORE INSERT ON bookings FOR EACH ROW WHEN (NEW.account = '{poison}') EXECUTE FUNCTION refuse();"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&hall.pool).await.unwrap();
    batch.insert(3, hall.named(poison, "k", &[9]));
    let verdicts = hall.worker().await.run_once(&batch).await;
    for (n, verdict) in verdicts.iter().enumerate() {
        assert_eq!(is_dead(verdict), n == 3, "{n}: {verdict:?}");
        assert!(n == 3 || decided(verdict).is_ok());
    }
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_poisoned_request_still_gets_an_answer_that_is_kept() {
    let hall = Hall::open().await;
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'seat 13 is haunted'; END $$;
         CREATE TRIGGER haunted BEFORE INSERT ON taken_seats FOR EACH ROW WHEN (NEW.seat = 13) EXECUTE FUNCTION refuse();",
    )
    .execute(&hall.pool)
    .await
    .unwrap();
    let fans = hall.accounts(4).await;
    let worker = hall.worker().await;
    let batch = [
        hall.named(fans[0], "k", &[11, 12]),
        hall.named(fans[1], "k", &[12, 13]),
        hall.named(fans[2], "k", &[13, 14]),
        hall.named(fans[3], "k", &[14, 15]),
    ];
    let verdicts = worker.run_once(&batch).await;
    assert!(decided(&verdicts[0]).is_ok() && decided(&verdicts[3]).is_ok());
    assert_eq!(decided(&verdicts[1]), Err(RefusalReason::Held));
    assert!(is_dead(&verdicts[2]), "{:?}", verdicts[2]);
    let again = worker.run_once(&[hall.named(fans[2], "k", &[13, 14])]).await;
    assert_eq!(decided(&again[0]), Err(RefusalReason::Failed), "the fan's own repetition finds it");
    hall.assert_clean().await;
}

#[rstest]
#[case::the_statement_took_too_long("57014")]
#[case::a_lock_was_not_to_be_had("55P03")]
#[tokio::test]
async fn what_is_too_slow_together_is_decided_in_smaller_batches(#[case] code: &str) {
    let hall = Hall::open().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF (SELECT count(*) FROM made) > 1 THEN RAISE EXCEPTION USING ERRCODE = '{code}'; END IF; RETURN NULL; END $$;
         CREATE TRIGGER slow AFTER INSERT ON bookings REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION slow();"
    )))
    .execute(&hall.pool)
    .await
    .unwrap();
    let fans = hall.accounts(5).await;
    let batch: Vec<Job> = (0..5_u32).map(|n| hall.named(fans[n as usize], "k", &[n])).collect();
    let verdicts = hall.worker().await.run_once(&batch).await;
    assert!(verdicts.iter().all(|verdict| decided(verdict).is_ok()), "{verdicts:?}");
    hall.assert_clean().await;
}

#[rstest]
#[case::read_only("25006")]
#[case::disk_full("53100")]
#[case::out_of_memory("53200")]
#[case::a_right_is_missing("42501")]
#[case::a_table_is_missing("42P01")]
#[case::going_down("57P01")]
#[case::input_output("58030")]
#[tokio::test]
async fn a_fault_that_would_hit_every_command_is_nobodys_poison(#[case] code: &str) {
    let hall = Hall::open().await;
    // A sequence counts attempts, also of transactions that are rolled back.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "CREATE SEQUENCE attempts;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF nextval('attempts') <= 4 THEN RAISE EXCEPTION USING ERRCODE = '{code}'; END IF; RETURN NULL; END $$;
         CREATE TRIGGER failing BEFORE INSERT ON bookings FOR EACH STATEMENT EXECUTE FUNCTION fail();"
    )))
    .execute(&hall.pool)
    .await
    .unwrap();
    let fans = hall.accounts(3).await;
    let batch: Vec<Job> = (0..3_u32).map(|n| hall.named(fans[n as usize], "k", &[n])).collect();
    let verdicts = hall.worker().await.run_once(&batch).await;
    assert!(verdicts.iter().all(|verdict| decided(verdict).is_ok()), "{verdicts:?}");
    assert_eq!(hall.count("SELECT last_value FROM attempts").await, 5, "the batch waited as a whole");
    hall.assert_clean().await;
}

#[tokio::test]
async fn an_id_that_is_taken_cannot_take_a_booking_over() {
    let hall = Hall::open().await;
    let fans = hall.accounts(2).await;
    let worker = hall.worker().await;
    let theirs = hall.named(fans[0], "k", &[1]);
    let mut mine = hall.named(fans[1], "k", &[2]);
    if let Command::Create { request } = &mut mine.message.command {
        request.booking = theirs.booking();
    }
    let verdicts = worker.run_once(&[theirs.clone(), mine.clone()]).await;
    assert!(decided(&verdicts[0]).is_ok(), "{verdicts:?}");
    assert_eq!(verdicts[1], Verdict::Done(Answer::KeyReused));
    assert_eq!(worker.run_once(&[mine]).await, [Verdict::Done(Answer::KeyReused)]);
    hall.assert_clean().await;
}
