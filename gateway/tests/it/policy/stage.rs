//! The people, and what belongs to whom.

use std::collections::BTreeMap;
use std::time::Duration;

use goticket_domain::booking::BookingState;
use goticket_domain::identity::Role;
use goticket_domain::identity::organization::{MemberRole, Membership};
use goticket_domain::policy::{Subject, User};
use goticket_domain::{AccountId, BookingId, EventId, OrganizationId, TicketId};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::lanes::take_for;
use crate::world::{Person, World, expect, id_of};

/// One who asks.
pub(crate) struct Someone {
    pub(crate) name: &'static str,
    pub(crate) person: Option<Person>,
    pub(crate) subject: Subject,
    /// Of the event on sale.
    pub(crate) place_ticket: String,
}

impl Someone {
    pub(crate) const NAMES: [&'static str; 10] = [
        "anonymous",
        "holder",
        "another fan",
        "owner",
        "manager",
        "box office",
        "check-in",
        "finance",
        "owner of another organization",
        "admin",
    ];
}

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) people: Vec<Someone>,
    pub(crate) organization: OrganizationId,
    pub(crate) venue: Uuid,
    pub(crate) event: EventId,
    pub(crate) draft: EventId,
    /// Somebody's who holds them.
    pub(crate) holder: AccountId,
    pub(crate) booking: BookingId,
    pub(crate) ticket: TicketId,
    pub(crate) code: String,
    /// Members who are changed and removed.
    pub(crate) spare: AccountId,
    pub(crate) spare_owner: AccountId,
}

/// Who registered with a password.
pub(crate) const EMAIL: &str = "registered@example.com";
pub(crate) const PASSWORD: &str = "a long password";

impl Stage {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let owner = world.person(Role::Organizer).await;
        let other = world.person(Role::Organizer).await;
        let event = world.event(&owner).await;
        let draft = world.draft(&owner, -60, -30).await;
        world.venue(&other).await;
        let (organization, theirs) = (organization(&world, &owner).await, organization(&world, &other).await);
        let venue: Uuid =
            sqlx::query_scalar("SELECT venue FROM events WHERE id = $1").bind(event.0).fetch_one(&world.pool).await.unwrap();
        world.board_in(event, &["open"]).await;
        let register = json!({ "email": EMAIL, "password": PASSWORD, "name": "Registered" });
        expect(world.post("/v1/auth/register", None, &register).await, StatusCode::CREATED).await;

        let [holder, fan] = [world.person(Role::User).await, world.person(Role::User).await];
        sqlx::query("UPDATE accounts SET email_verified_at = now() WHERE id = $1")
            .bind(holder.id.0)
            .execute(&world.pool)
            .await
            .unwrap();
        let own = |of: OrganizationId| (Role::Organizer, vec![(of, MemberRole::Owner)]);
        let mut known = BTreeMap::from([
            ("holder", (holder.clone(), (Role::User, vec![]))),
            ("another fan", (fan, (Role::User, vec![]))),
            ("owner", (owner.clone(), own(organization))),
            ("owner of another organization", (other, own(theirs))),
            ("admin", (world.person(Role::Admin).await, (Role::Admin, vec![]))),
        ]);
        let members = [
            ("manager", MemberRole::Manager),
            ("box office", MemberRole::BoxOffice),
            ("check-in", MemberRole::CheckIn),
            ("finance", MemberRole::Finance),
        ];
        for (name, role) in members {
            let person = world.person(Role::User).await;
            set_member(&world, organization, person.id, role).await;
            known.insert(name, (person, (Role::User, vec![(organization, role)])));
        }
        let holders = join(&world, event, &holder).await;
        let mut people = Vec::new();
        for name in Someone::NAMES {
            let Some((person, (role, memberships))) = known.remove(name) else {
                let (person, subject) = (None, Subject::Anonymous);
                people.push(Someone { name, person, subject, place_ticket: holders.clone() });
                continue;
            };
            let memberships = memberships.into_iter().map(|(organization, role)| Membership { organization, role }).collect();
            let subject = Subject::User(User { account: person.id, role, email_verified: name == "holder", memberships });
            let place_ticket = join(&world, event, &person).await;
            people.push(Someone { name, person: Some(person), subject, place_ticket });
        }

        let booking = take_for(&world, event, holder.id, &[0], BookingState::Held).await;
        let confirmed = take_for(&world, event, holder.id, &[1], BookingState::Confirmed).await;
        let ticket = TicketId::generate();
        sqlx::query("INSERT INTO tickets (id, booking, event, seat, code, issued_at) VALUES ($1, $2, $3, 1, 'code', now())")
            .bind(ticket.0)
            .bind(confirmed.0)
            .bind(event.0)
            .execute(&world.pool)
            .await
            .unwrap();
        let codes = world.post(&format!("/v1/events/{event}/queue/codes"), Some(&owner), &new_codes()).await;
        let codes = expect(codes, StatusCode::CREATED).await;
        let code = codes["texts"][0].as_str().unwrap().to_owned();
        let (spare, spare_owner) = (world.person(Role::User).await.id, world.person(Role::User).await.id);
        Self { people, organization, venue, event, draft, holder: holder.id, booking, ticket, code, spare, spare_owner, world }
    }

    /// Whoever was changed or removed is a member again.
    pub(crate) async fn restore(&self) {
        set_member(&self.world, self.organization, self.spare, MemberRole::Finance).await;
        set_member(&self.world, self.organization, self.spare_owner, MemberRole::Owner).await;
    }

    /// A refresh token that was not used yet.
    pub(crate) async fn refresh_token(&self) -> Value {
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        expect(self.world.post("/v1/auth/login", None, &body).await, StatusCode::OK).await["refresh_token"].clone()
    }
}

pub(crate) fn new_codes() -> Value {
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    json!({ "kind": "invite", "codes": 2, "uses": 1, "valid_until": until, "reason": "a test" })
}

async fn organization(world: &World, owner: &Person) -> OrganizationId {
    let page = expect(world.get("/v1/organizations", Some(owner)).await, StatusCode::OK).await;
    OrganizationId(id_of(&page["items"][0]))
}

async fn set_member(world: &World, of: OrganizationId, account: AccountId, role: MemberRole) {
    sqlx::query(
        "INSERT INTO organization_members (organization, account, role) VALUES ($1, $2, $3)
         ON CONFLICT (organization, account) DO UPDATE SET role = excluded.role",
    )
    .bind(of.0)
    .bind(account.0)
    .bind(role.as_str())
    .execute(&world.pool)
    .await
    .unwrap();
}

async fn join(world: &World, event: EventId, person: &Person) -> String {
    let path = format!("/v1/events/{event}/queue");
    let joined = goticket_testkit::eventually("a place", Duration::from_secs(20), async || {
        let answer = world.post(&path, Some(person), &json!({})).await;
        if answer.status().is_success() { answer.json::<Value>().await.ok() } else { None }
    })
    .await;
    joined["place_ticket"].as_str().unwrap().to_owned()
}
