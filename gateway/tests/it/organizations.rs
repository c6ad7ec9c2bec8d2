//! Organizations: who founds them, who is in them, and what that lets them do.

mod invitations;
mod members;
mod migration;

use goticket_domain::identity::Role;
use goticket_domain::identity::organization::MEMBERSHIPS_MAX;
use goticket_domain::seating::generate_arena;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, SEATS, World, event_body, expect, id_of, problem};

async fn found(world: &World, person: &Person, name: &str) -> Uuid {
    id_of(&expect(world.post("/v1/organizations", Some(person), &json!({ "name": name })).await, StatusCode::CREATED).await)
}

async fn put(world: &World, person: &Person, path: &str, body: &Value) -> Response {
    world.request(Method::PUT, path, Some(person)).json(body).send().await.unwrap()
}

async fn organizations(world: &World, person: &Person) -> Vec<Value> {
    let page = expect(world.get("/v1/organizations", Some(person)).await, StatusCode::OK).await;
    page["items"].as_array().unwrap().clone()
}

/// As if another gateway had done it.
async fn member_elsewhere(world: &World, organization: Uuid, person: &Person, role: &str) {
    sqlx::query(
        "INSERT INTO organization_members (organization, account, role) VALUES ($1, $2, $3)
         ON CONFLICT (organization, account) DO UPDATE SET role = excluded.role",
    )
    .bind(organization)
    .bind(person.id.0)
    .bind(role)
    .execute(&world.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn an_organizer_who_belongs_to_none_gets_one_with_their_first_venue() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    assert_eq!(organizations(&world, &organizer).await, Vec::<Value>::new());
    let (one, other) = tokio::join!(world.venue(&organizer), world.venue(&organizer));
    let known = organizations(&world, &organizer).await;
    assert_eq!(known.len(), 1, "two first venues at once are one organization's: {known:?}");
    assert_eq!((&known[0]["name"], &known[0]["role"]), (&json!("Somebody"), &json!("owner")));
    for venue in [one, other] {
        let shown = expect(world.get(&format!("/v1/venues/{venue}"), Some(&organizer)).await, StatusCode::OK).await;
        assert_eq!(shown["organization"], known[0]["id"]);
    }
    let body = event_body(one, -60, -30);
    let event = expect(world.post("/v1/events", Some(&organizer), &body).await, StatusCode::CREATED).await;
    assert_eq!(event["organization"], known[0]["id"]);
    // Whoever cannot organize gets none by trying.
    let fan = world.person(Role::User).await;
    problem(world.post("/v1/events", Some(&fan), &body).await, 403, "role_required").await;
    assert_eq!(organizations(&world, &fan).await, Vec::<Value>::new());
}

#[tokio::test]
async fn who_manages_several_says_which_one_it_is_for() {
    let world = World::new().await;
    let (organizer, other) = (world.person(Role::Organizer).await, world.person(Role::Organizer).await);
    let (one, two) = (found(&world, &organizer, "One").await, found(&world, &organizer, "Two").await);
    let theirs = found(&world, &other, "Theirs").await;
    let import = async |organization: Value| {
        let mut body = json!({ "name": "Arena", "time_zone": "Europe/Berlin", "plan": generate_arena(SEATS) });
        if !organization.is_null() {
            body["organization"] = organization;
        }
        world.post("/v1/venues", Some(&organizer), &body).await
    };
    for wrong in [Value::Null, json!(theirs), json!(Uuid::now_v7())] {
        let refused = problem(import(wrong).await, 422, "invalid_field").await;
        assert_eq!(refused["errors"][0]["pointer"], "/organization", "{refused}");
    }
    let venue = expect(import(json!(two)).await, StatusCode::CREATED).await;
    assert_eq!(venue["organization"], json!(two));
    // An event belongs to its venue's organization, whether that is said or not.
    let mut body = event_body(id_of(&venue), -60, -30);
    expect(world.post("/v1/events", Some(&organizer), &body).await, StatusCode::CREATED).await;
    for (organization, status) in [(two, StatusCode::CREATED), (one, StatusCode::UNPROCESSABLE_ENTITY)] {
        body["organization"] = json!(organization);
        expect(world.post("/v1/events", Some(&organizer), &body).await, status).await;
    }
}

#[tokio::test]
async fn an_organization_is_its_members_to_see_and_its_managers_to_name() {
    let world = World::new().await;
    let (owner, stranger, member, admin) = (
        world.person(Role::Organizer).await,
        world.person(Role::Organizer).await,
        world.person(Role::User).await,
        world.person(Role::Admin).await,
    );
    let id = found(&world, &owner, "  Old Theatre ").await;
    member_elsewhere(&world, id, &member, "check_in").await;
    let path = format!("/v1/organizations/{id}");
    for (person, role) in [(&owner, json!("owner")), (&member, json!("check_in")), (&admin, Value::Null)] {
        let shown = expect(world.get(&path, Some(person)).await, StatusCode::OK).await;
        assert_eq!(shown, json!({ "id": id, "name": "Old Theatre", "role": role }));
    }
    problem(world.get(&path, Some(&stranger)).await, 404, "organization_not_found").await;
    problem(world.get(&path, None).await, 401, "access_token_missing").await;
    let rename = async |person, name: &str| {
        world.request(Method::PATCH, &path, Some(person)).json(&json!({ "name": name })).send().await.unwrap()
    };
    problem(rename(&member, "Mine").await, 403, "member_role_required").await;
    problem(rename(&stranger, "Mine").await, 404, "organization_not_found").await;
    problem(rename(&owner, "").await, 422, "invalid_field").await;
    problem(rename(&owner, &"x".repeat(201)).await, 422, "invalid_field").await;
    assert_eq!(expect(rename(&owner, &"x".repeat(200)).await, StatusCode::OK).await["name"], "x".repeat(200));
    problem(world.post("/v1/organizations", Some(&member), &json!({ "name": "Mine" })).await, 403, "role_required").await;
}

#[tokio::test]
async fn lists_show_ones_own_page_by_page_and_an_admin_all() {
    let world = World::new().await;
    let (one, other, admin) =
        (world.person(Role::Organizer).await, world.person(Role::Organizer).await, world.person(Role::Admin).await);
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(found(&world, &one, name).await);
    }
    ids.push(found(&world, &other, "D").await);
    let page = async |person, query: &str| {
        let page = expect(world.get(&format!("/v1/organizations?{query}"), Some(person)).await, StatusCode::OK).await;
        let items: Vec<Uuid> = page["items"].as_array().unwrap().iter().map(id_of).collect();
        (items, page["next_cursor"].clone())
    };
    assert_eq!(page(&one, "limit=3").await, (ids[..3].to_vec(), Value::Null), "the last page says so");
    assert_eq!(page(&one, "limit=2").await, (ids[..2].to_vec(), json!(ids[1])));
    assert_eq!(page(&one, &format!("limit=2&cursor={}", ids[1])).await, (vec![ids[2]], Value::Null));
    assert_eq!(page(&other, "").await, (vec![ids[3]], Value::Null));
    assert_eq!(page(&admin, "").await, (ids, Value::Null));
}

#[tokio::test]
async fn an_account_is_in_so_many_organizations_and_no_more() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let founded = found(&world, &organizer, "The first").await;
    sqlx::query(
        "WITH more AS (INSERT INTO organizations (id, name) SELECT gen_random_uuid(), 'O' FROM generate_series(3, $2) RETURNING id)
         INSERT INTO organization_members (organization, account, role) SELECT id, $1, 'finance' FROM more",
    )
    .bind(organizer.id.0)
    .bind(i32::try_from(MEMBERSHIPS_MAX).unwrap())
    .execute(&world.pool)
    .await
    .unwrap();
    found(&world, &organizer, "The last").await;
    let refused = world.post("/v1/organizations", Some(&organizer), &json!({ "name": "One more" })).await;
    problem(refused, 409, "too_many_organizations").await;
    sqlx::query("UPDATE organization_members SET role = 'finance' WHERE account = $1")
        .bind(organizer.id.0)
        .execute(&world.pool)
        .await
        .unwrap();
    let body = json!({ "name": "Arena", "time_zone": "Europe/Berlin", "plan": generate_arena(SEATS) });
    problem(world.post("/v1/venues", Some(&organizer), &body).await, 409, "too_many_organizations").await;
    expect(world.get(&format!("/v1/organizations/{founded}"), Some(&organizer)).await, StatusCode::OK).await;
}
