//! Venues and the seating plans they were imported with.

use goticket_domain::{OrganizationId, VenueId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::StorageError;
use crate::columns::{number, uuids};

/// A venue without its plan, which can be large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Its id.
    pub id: VenueId,
    /// To which it belongs.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// Seats of the plan, standing places not counted.
    pub seat_count: u32,
}

type Row = (Uuid, Uuid, String, String, i32);

fn venue((id, organization, name, time_zone, seat_count): Row) -> Result<Venue, StorageError> {
    Ok(Venue { id: VenueId(id), organization: OrganizationId(organization), name, time_zone, seat_count: number(seat_count)? })
}

/// Stores a venue; `plan` is the JSON text it was imported from.
pub async fn insert(pool: &PgPool, venue: &Venue, plan: &str) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO venues (id, organization, name, time_zone, plan, seat_count)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(venue.id.0)
    .bind(venue.organization.0)
    .bind(&venue.name)
    .bind(&venue.time_zone)
    .bind(plan)
    .bind(number::<_, i32>(venue.seat_count)?)
    .execute(pool)
    .await?;
    Ok(())
}

/// One venue.
pub async fn find(pool: &PgPool, id: VenueId) -> Result<Option<Venue>, StorageError> {
    let row: Option<Row> = sqlx::query_as("SELECT id, organization, name, time_zone, seat_count FROM venues WHERE id = $1")
        .bind(id.0)
        .fetch_optional(pool)
        .await?;
    row.map(venue).transpose()
}

/// A venue's plan as JSON text, for the importer to read again.
pub async fn plan(pool: &PgPool, id: VenueId) -> Result<Option<String>, StorageError> {
    Ok(sqlx::query_scalar("SELECT plan FROM venues WHERE id = $1").bind(id.0).fetch_optional(pool).await?)
}

/// Venues by id, at most `limit` after `after`; of these organizations (index `venues_by_organization`), or everybody's (primary key).
pub async fn list(
    pool: &PgPool,
    organizations: Option<&[OrganizationId]>,
    after: Option<VenueId>,
    limit: u32,
) -> Result<Vec<Venue>, StorageError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, organization, name, time_zone, seat_count
         FROM venues
         WHERE ($1::uuid[] IS NULL OR organization = ANY($1)) AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id
         LIMIT $3",
    )
    .bind(organizations.map(|all| uuids(all, |organization| organization.0)))
    .bind(after.map(|after| after.0))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(venue).collect()
}
