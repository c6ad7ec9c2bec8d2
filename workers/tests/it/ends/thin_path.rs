//! From a committed row to a mail in a mailbox.

use goticket_contracts::tasks;
use goticket_workers::app::outcome::Outcome;

use super::world::World;

#[tokio::test]
async fn a_confirmed_booking_becomes_one_mail_with_its_ticket() {
    let world = World::new().await;
    let (booking, event) = world.confirmed(3).await;
    world.commit(std::slice::from_ref(&event)).await;

    world.drain(&mut world.relay()).await;
    assert_eq!(world.published_of(world.event).await, [event.id]);

    let (events, notify) = (world.domain_events(), world.notify());
    let batch = events.next_batch().await;
    assert_eq!(notify.tell(&batch.records).await.unwrap(), 1);
    events.commit(&batch).unwrap();

    let render = world.render();
    assert_eq!(world.queue(tasks::PDF).step(async |task| render.handle(&task).await).await, Outcome::Ack);
    let mail = world.mail();
    assert_eq!(world.queue(tasks::MAIL).step(async |task| mail.handle(&task).await).await, Outcome::Ack);

    let (id, state, attempts) = world.notification(booking).await.unwrap();
    assert_eq!((state.as_str(), attempts), ("sent", 1));
    let mails = world.bed.mailbox.all().await.unwrap();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].message_id.contains(&id.to_string()), "{}", mails[0].message_id);
    let (ticket,): (uuid::Uuid,) =
        sqlx::query_as("SELECT id FROM tickets WHERE booking = $1").bind(booking.0).fetch_one(&world.pool).await.unwrap();
    for key in [format!("bookings/{booking}.pdf"), format!("tickets/{ticket}.pdf")] {
        assert!(world.folder().get(&key).await.unwrap().unwrap().starts_with(b"%PDF-"), "{key}");
    }
    world.assert_no_task_is_left().await;
}
