//! Invitations.

use goticket_domain::identity::Role;
use goticket_domain::identity::organization::{MEMBERS_MAX, OPEN_INVITATIONS_MAX};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{found, member_elsewhere, organizations, put};
use crate::world::{Person, World, expect, problem};

async fn address(world: &World, person: &Person) -> String {
    sqlx::query_scalar("SELECT email FROM accounts WHERE id = $1").bind(person.id.0).fetch_one(&world.pool).await.unwrap()
}

/// Somebody who has shown that their address is theirs.
async fn verified(world: &World) -> Person {
    let person = world.person(Role::User).await;
    let verify = sqlx::query("UPDATE accounts SET email_verified_at = now() WHERE id = $1").bind(person.id.0);
    verify.execute(&world.pool).await.unwrap();
    person
}

async fn invite(world: &World, by: &Person, organization: Uuid, email: &str, role: &str) -> Response {
    let path = format!("/v1/organizations/{organization}/invitations");
    world.post(&path, Some(by), &json!({ "email": email, "role": role })).await
}

async fn token(world: &World, by: &Person, organization: Uuid, person: &Person, role: &str) -> String {
    let answer = invite(world, by, organization, &address(world, person).await, role).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let made = expect(answer, StatusCode::CREATED).await;
    made["token"].as_str().unwrap().to_owned()
}

async fn accept(world: &World, person: &Person, token: &str) -> Response {
    world.post("/v1/invitations/accept", Some(person), &json!({ "token": token })).await
}

#[tokio::test]
async fn who_was_invited_becomes_a_member_once() {
    let world = World::new().await;
    let (owner, jane, joan) = (world.person(Role::Organizer).await, verified(&world).await, verified(&world).await);
    let id = found(&world, &owner, "Theatre").await;
    let invited = token(&world, &owner, id, &jane, "box_office").await;
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT token_hash FROM organization_invitations").fetch_one(&world.pool).await.unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains(&invited));
    // Whoever finds it gets nothing by it, and does not use it up.
    problem(accept(&world, &joan, &invited).await, 422, "invitation_invalid").await;
    problem(accept(&world, &jane, "nonsense").await, 422, "invitation_invalid").await;
    let member = expect(accept(&world, &jane, &invited).await, StatusCode::OK).await;
    assert_eq!(member, json!({ "organization": id, "role": "box_office" }));
    problem(accept(&world, &jane, &invited).await, 422, "invitation_used").await;
    assert_eq!(organizations(&world, &jane).await, [json!({ "id": id, "name": "Theatre", "role": "box_office" })]);
    // Another one changes nothing for who is a member.
    let again = token(&world, &owner, id, &jane, "manager").await;
    assert_eq!(expect(accept(&world, &jane, &again).await, StatusCode::OK).await["role"], "box_office");
}

#[tokio::test]
async fn an_invitation_accepted_twenty_times_at_once_is_accepted_once() {
    let world = World::new().await;
    let (owner, jane) = (world.person(Role::Organizer).await, verified(&world).await);
    let id = found(&world, &owner, "Theatre").await;
    let invited = token(&world, &owner, id, &jane, "finance").await;
    let answers = futures::future::join_all((0..20).map(|_| accept(&world, &jane, &invited))).await;
    let good = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert_eq!(good, 1);
    let members: i64 = sqlx::query_scalar("SELECT count(*) FROM organization_members WHERE account = $1")
        .bind(jane.id.0)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(members, 1);
}

#[tokio::test]
async fn an_address_that_is_not_verified_accepts_nothing() {
    let world = World::new().await;
    let (owner, jane) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let id = found(&world, &owner, "Theatre").await;
    let invited = token(&world, &owner, id, &jane, "manager").await;
    problem(accept(&world, &jane, &invited).await, 403, "email_not_verified").await;
    sqlx::query("UPDATE accounts SET email_verified_at = now() WHERE id = $1")
        .bind(jane.id.0)
        .execute(&world.pool)
        .await
        .unwrap();
    expect(accept(&world, &jane, &invited).await, StatusCode::OK).await;
}

#[tokio::test]
async fn an_invitation_ends_with_its_time_or_with_the_role_of_who_invited() {
    let world = World::new().await;
    let (owner, manager) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let id = found(&world, &owner, "Theatre").await;
    let jane = verified(&world).await;
    let late = token(&world, &owner, id, &jane, "finance").await;
    let good_for: f64 = sqlx::query_scalar("SELECT extract(epoch FROM expires_at - now())::float8 FROM organization_invitations")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!((604_700.0..=604_800.0).contains(&good_for), "a week: {good_for}");
    sqlx::query("UPDATE organization_invitations SET expires_at = now()").execute(&world.pool).await.unwrap();
    problem(accept(&world, &jane, &late).await, 422, "invitation_expired").await;

    let member = format!("/v1/organizations/{id}/members/{}", manager.id);
    for role in ["finance", ""] {
        member_elsewhere(&world, id, &manager, "manager").await;
        let invited = token(&world, &manager, id, &jane, "manager").await;
        let done = if role.is_empty() {
            world.request(reqwest::Method::DELETE, &member, Some(&owner)).send().await.unwrap()
        } else {
            put(&world, &owner, &member, &json!({ "role": role })).await
        };
        expect(done, StatusCode::NO_CONTENT).await;
        problem(accept(&world, &jane, &invited).await, 422, "invitation_invalid").await;
    }
    assert_eq!(organizations(&world, &jane).await, Vec::<Value>::new());
}

#[tokio::test]
async fn owners_and_managers_invite_and_owners_are_invited_by_owners() {
    let world = World::new().await;
    let (owner, manager, finance, stranger) = (
        world.person(Role::Organizer).await,
        world.person(Role::User).await,
        world.person(Role::User).await,
        world.person(Role::Organizer).await,
    );
    let id = found(&world, &owner, "Theatre").await;
    member_elsewhere(&world, id, &manager, "manager").await;
    member_elsewhere(&world, id, &finance, "finance").await;
    expect(invite(&world, &owner, id, "a@example.com", "owner").await, StatusCode::CREATED).await;
    expect(invite(&world, &manager, id, "a@example.com", "manager").await, StatusCode::CREATED).await;
    problem(invite(&world, &manager, id, "a@example.com", "owner").await, 403, "owner_required").await;
    problem(invite(&world, &finance, id, "a@example.com", "finance").await, 403, "member_role_required").await;
    problem(invite(&world, &stranger, id, "a@example.com", "finance").await, 404, "organization_not_found").await;
    problem(invite(&world, &owner, id, "a.example.com", "finance").await, 422, "invalid_field").await;
    let admin = world.person(Role::Admin).await;
    problem(invite(&world, &admin, Uuid::now_v7(), "a@example.com", "owner").await, 404, "organization_not_found").await;
}

#[tokio::test]
async fn so_many_invitations_wait_and_so_many_members_have_room() {
    let world = World::new().await;
    let (owner, jane) = (world.person(Role::Organizer).await, verified(&world).await);
    let id = found(&world, &owner, "Theatre").await;
    sqlx::query(
        "INSERT INTO organization_invitations (id, organization, email, role, token_hash, invited_by, expires_at)
         SELECT gen_random_uuid(), $1, 'a@example.com', 'finance', sha256(n::text::bytea), $2, now() + interval '1 day'
         FROM generate_series(2, $3) AS n",
    )
    .bind(id)
    .bind(owner.id.0)
    .bind(i32::try_from(OPEN_INVITATIONS_MAX).unwrap())
    .execute(&world.pool)
    .await
    .unwrap();
    let last = token(&world, &owner, id, &jane, "finance").await;
    problem(invite(&world, &owner, id, "b@example.com", "finance").await, 409, "too_many_invitations").await;

    sqlx::query(
        "WITH more AS (INSERT INTO accounts (id, email, name, role)
                       SELECT gen_random_uuid(), n || '@crowd.test', 'C', 'user' FROM generate_series(2, $2) AS n RETURNING id)
         INSERT INTO organization_members (organization, account, role) SELECT $1, id, 'check_in' FROM more",
    )
    .bind(id)
    .bind(i32::try_from(MEMBERS_MAX).unwrap())
    .execute(&world.pool)
    .await
    .unwrap();
    problem(accept(&world, &jane, &last).await, 409, "no_room_for_members").await;
    sqlx::query("DELETE FROM organization_members WHERE account = (SELECT id FROM accounts WHERE email = '2@crowd.test')")
        .execute(&world.pool)
        .await
        .unwrap();
    expect(accept(&world, &jane, &last).await, StatusCode::OK).await;
}
