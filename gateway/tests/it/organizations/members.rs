//! Members and their roles.

use goticket_domain::booking::BookingState;
use goticket_domain::identity::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{found, member_elsewhere, organizations, put};
use crate::lanes::take;
use crate::world::{Person, World, expect, id_of, problem};

async fn roles(world: &World, organization: Uuid, person: &Person) -> Vec<(Value, Value)> {
    let path = format!("/v1/organizations/{organization}/members");
    let members = expect(world.get(&path, Some(person)).await, StatusCode::OK).await;
    members["items"].as_array().unwrap().iter().map(|member| (member["account"].clone(), member["role"].clone())).collect()
}

#[tokio::test]
async fn owners_decide_who_the_owners_are_and_the_last_one_stays() {
    let world = World::new().await;
    let [owner, manager, other, stranger] = [
        world.person(Role::Organizer).await,
        world.person(Role::User).await,
        world.person(Role::User).await,
        world.person(Role::Organizer).await,
    ];
    let id = found(&world, &owner, "Theatre").await;
    member_elsewhere(&world, id, &manager, "manager").await;
    member_elsewhere(&world, id, &other, "finance").await;
    let at = |person: &Person| format!("/v1/organizations/{id}/members/{}", person.id);
    let role = |role: &str| json!({ "role": role });
    let remove = async |by, person| world.request(Method::DELETE, &at(person), Some(by)).send().await.unwrap();

    expect(put(&world, &manager, &at(&other), &role("check_in")).await, StatusCode::NO_CONTENT).await;
    problem(put(&world, &manager, &at(&other), &role("owner")).await, 403, "owner_required").await;
    problem(put(&world, &manager, &at(&owner), &role("finance")).await, 403, "owner_required").await;
    problem(remove(&manager, &owner).await, 403, "owner_required").await;
    problem(put(&world, &other, &at(&manager), &role("finance")).await, 403, "member_role_required").await;
    problem(put(&world, &stranger, &at(&manager), &role("finance")).await, 404, "organization_not_found").await;
    problem(remove(&stranger, &manager).await, 404, "organization_not_found").await;
    problem(put(&world, &owner, &at(&stranger), &role("finance")).await, 404, "member_not_found").await;
    problem(put(&world, &owner, &at(&other), &role("king")).await, 422, "invalid_field").await;

    problem(put(&world, &owner, &at(&owner), &role("manager")).await, 409, "last_owner").await;
    problem(remove(&owner, &owner).await, 409, "last_owner").await;
    expect(put(&world, &owner, &at(&other), &role("owner")).await, StatusCode::NO_CONTENT).await;
    expect(put(&world, &other, &at(&owner), &role("manager")).await, StatusCode::NO_CONTENT).await;
    problem(remove(&other, &other).await, 409, "last_owner").await;
    let now = |person: &Person, role: &str| (json!(person.id), json!(role));
    let expected = [now(&owner, "manager"), now(&manager, "manager"), now(&other, "owner")];
    assert_eq!(roles(&world, id, &other).await, expected);
    // Anybody else leaves when they like, and leaving twice is leaving once.
    expect(remove(&manager, &manager).await, StatusCode::NO_CONTENT).await;
    expect(remove(&other, &manager).await, StatusCode::NO_CONTENT).await;
    assert_eq!(organizations(&world, &manager).await, Vec::<Value>::new());
}

#[tokio::test]
async fn of_two_owners_who_leave_at_once_one_stays() {
    let world = World::new().await;
    let owner = world.person(Role::Organizer).await;
    for _ in 0..5 {
        let other = world.person(Role::Organizer).await;
        let id = found(&world, &owner, "Theatre").await;
        member_elsewhere(&world, id, &other, "owner").await;
        let leave = async |person: &Person| {
            let path = format!("/v1/organizations/{id}/members/{}", person.id);
            world.request(Method::DELETE, &path, Some(person)).send().await.unwrap().status().as_u16()
        };
        let mut answers: [u16; 2] = tokio::join!(leave(&owner), leave(&other)).into();
        answers.sort_unstable();
        assert_eq!(answers, [204, 409]);
    }
}

#[tokio::test]
async fn a_role_that_was_taken_away_is_gone_at_once_for_whatever_changes_something() {
    let world = World::new().await;
    let (owner, member) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&owner).await;
    world.board_in(event, &["open"]).await;
    let id = id_of(&organizations(&world, &owner).await[0]);
    let control = format!("/v1/events/{event}/queue/control");
    let change = async |person| {
        let body = json!({ "message": "soon", "reason": "a test" });
        world.request(Method::PATCH, &control, Some(person)).json(&body).send().await.unwrap()
    };
    problem(change(&member).await, 403, "not_your_event").await;
    member_elsewhere(&world, id, &member, "manager").await;
    expect(change(&member).await, StatusCode::OK).await;
    expect(world.get(&control, Some(&member)).await, StatusCode::OK).await;
    member_elsewhere(&world, id, &member, "finance").await;
    problem(change(&member).await, 403, "member_role_required").await;
    // What was asked at this moment is known to plain reads, too.
    problem(world.get(&control, Some(&member)).await, 403, "member_role_required").await;
    expect(world.get(&format!("/v1/events/{event}/queue/statistics"), Some(&member)).await, StatusCode::OK).await;

    // The platform's roles likewise, whatever a token says that was issued before.
    let admin = world.person(Role::Admin).await;
    expect(change(&admin).await, StatusCode::OK).await;
    sqlx::query("UPDATE accounts SET role = 'user' WHERE id = $1").bind(admin.id.0).execute(&world.pool).await.unwrap();
    problem(change(&admin).await, 403, "not_your_event").await;
}

#[tokio::test]
async fn members_see_of_fans_what_their_role_needs() {
    let world = World::new().await;
    let owner = world.person(Role::Organizer).await;
    let event = world.event(&owner).await;
    let id = id_of(&organizations(&world, &owner).await[0]);
    let booking = take(&world, event, &[0], BookingState::Held).await;
    // Sees the booking, its payments, its tickets.
    let rows = [
        ("owner", [200, 200, 200]),
        ("manager", [200, 200, 200]),
        ("box_office", [200, 403, 403]),
        ("check_in", [403, 403, 200]),
        ("finance", [403, 200, 403]),
    ];
    for (role, expected) in rows {
        let member = world.person(Role::User).await;
        member_elsewhere(&world, id, &member, role).await;
        let mut got = [0; 3];
        for (got, of) in got.iter_mut().zip(["", "/payments", "/tickets"]) {
            *got = world.get(&format!("/v1/bookings/{booking}{of}"), Some(&member)).await.status().as_u16();
        }
        assert_eq!(got, expected, "{role}");
        let cancel = world.request(Method::DELETE, &format!("/v1/bookings/{booking}"), Some(&member)).send().await.unwrap();
        problem(cancel, 404, "booking_not_found").await;
    }
    let stranger = world.person(Role::Organizer).await;
    world.venue(&stranger).await;
    problem(world.get(&format!("/v1/bookings/{booking}"), Some(&stranger)).await, 404, "booking_not_found").await;
}
