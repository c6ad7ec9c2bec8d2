//! What no client may see or do: the tables behind the world.

use goticket_testkit::eventually;
use sqlx::Row as _;

use super::World;
use super::api::PATIENCE;

impl World {
    /// Lets a hold run out now: the shortest one is longer than a test should be.
    pub async fn run_out(&self, booking: &str) {
        let mut both = self.db.begin().await.unwrap();
        let early = "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = $1::uuid AND state = 'held'";
        let done = sqlx::query(early).bind(booking).execute(&mut *both).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{booking} is not held");
        // Whoever remembers the hold as it was has lost the lane, and reads it again.
        sqlx::query("UPDATE lanes SET epoch = epoch + 1").execute(&mut *both).await.unwrap();
        both.commit().await.unwrap();
    }

    /// States of a booking's payments, oldest first.
    pub async fn payments(&self, booking: &str) -> Vec<String> {
        let states = "SELECT state FROM payments WHERE booking = $1::uuid ORDER BY created_at";
        let rows = sqlx::query(states).bind(booking).fetch_all(&self.db).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Waits until they are these.
    pub async fn until_payments(&self, booking: &str, states: &[&str]) {
        eventually(&format!("payments {states:?} of {booking}"), PATIENCE, async || {
            (self.payments(booking).await == states).then_some(())
        })
        .await;
    }
}
