//! What the booking worker decides about payments, in the transaction of its batch.

use goticket_domain::PaymentId;
use goticket_domain::payment::PaymentState;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use crate::StorageError;
use crate::columns::uuids;
use crate::guard::all;

/// Changes payments' states, each from the one it was read in.
pub async fn change_states(
    db: &mut PgConnection,
    changes: &[(PaymentId, PaymentState, PaymentState)],
    now: Timestamp,
) -> Result<(), StorageError> {
    // Primary keys, locked since they were read.
    let done = sqlx::query(
        "UPDATE payments p SET state = change.after, updated_at = $4
         FROM UNNEST($1::uuid[], $2::text[], $3::text[]) AS change (payment, before, after)
         WHERE p.id = change.payment AND p.state = change.before",
    )
    .bind(uuids(changes, |(payment, ..)| payment.0))
    .bind(changes.iter().map(|(_, from, _)| from.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|(.., to)| to.as_str()).collect::<Vec<_>>())
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    all(done.rows_affected(), changes.len())
}

/// Remembers that these notices (provider, id) have had their effect.
pub async fn insert_notices(db: &mut PgConnection, notices: &[(String, String)], now: Timestamp) -> Result<(), StorageError> {
    let (providers, ids): (Vec<&str>, Vec<&str>) = notices.iter().map(|(provider, id)| (provider.as_str(), id.as_str())).unzip();
    // A twin that works on the same notice holds us up; if it commits, one row is missing here and the batch is decided anew.
    let done = sqlx::query(
        "INSERT INTO webhooks_seen (provider, id, seen_at)
         SELECT provider, id, $3 FROM UNNEST($1::text[], $2::text[]) AS seen (provider, id) ORDER BY provider, id
         ON CONFLICT DO NOTHING",
    )
    .bind(providers)
    .bind(ids)
    .bind(now.to_sqlx())
    .execute(db)
    .await?;
    all(done.rows_affected(), notices.len())
}
