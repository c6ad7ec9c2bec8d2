//! Everything a client can get wrong, as one table: what is sent, and the status, code and place that name the fault.

use goticket_domain::EventId;
use goticket_domain::identity::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, SEATS, World, event_body, places, problem};

/// Status, code, and the place that is named: `/pointer`, `Header`, `?query` or `:path`. Empty: the body as a whole.
type Fault = (u16, &'static str, &'static str);

struct Table {
    world: World,
    failures: Vec<String>,
}

impl Table {
    async fn row(&mut self, request: reqwest::RequestBuilder, (status, code, place): Fault) {
        let shown = request.try_clone().and_then(|request| request.build().ok());
        let shown = shown.map(|r| format!("{} {}", r.method(), r.url().path())).unwrap_or_default();
        let answer = request.send().await.unwrap();
        let got = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        let named = places(&body);
        let place_ok = named.as_ref().is_ok_and(|named| named.iter().any(|named| named == place));
        if got != status || body["code"] != code || !place_ok {
            self.failures.push(format!("{shown}: expected {status} {code} {place:?}, got {got} {named:?} {body}"));
        }
    }

    async fn json(&mut self, method: Method, path: &str, person: Option<&Person>, body: &Value, fault: Fault) {
        let request = self.world.request(method, path, person).json(body);
        self.row(request, fault).await;
    }

    fn finish(self) {
        assert!(self.failures.is_empty(), "{} rows:\n{}", self.failures.len(), self.failures.join("\n"));
    }
}

/// `base` with one member set to another value, or removed where that is Null.
fn with(base: &Value, pointer: &str, value: Value) -> Value {
    let mut body = base.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    if value.is_null() {
        parent.as_object_mut().unwrap().remove(name);
    } else if let Some(list) = parent.as_array_mut() {
        list[name.parse::<usize>().unwrap()] = value;
    } else {
        parent[name] = value;
    }
    body
}

#[tokio::test]
async fn bodies_and_headers_that_are_not_as_they_must_be() {
    let mut table = Table { world: World::new().await, failures: Vec::new() };
    let raw = |table: &Table, kind: Option<&str>, body: &str| {
        let request = table.world.request(Method::POST, "/v1/auth/login", None).body(body.to_owned());
        kind.map_or(request.try_clone().unwrap(), |kind| request.header("Content-Type", kind))
    };
    let good = r#"{"email":"a@example.com","password":"x"}"#;
    let rows: [(Option<&str>, String, Fault); 12] = [
        (None, good.into(), (415, "unsupported_media_type", "Content-Type")),
        (Some("text/plain"), good.into(), (415, "unsupported_media_type", "Content-Type")),
        (Some("application/json"), String::new(), (400, "malformed_json", "")),
        (Some("application/json"), "{".into(), (400, "malformed_json", "")),
        (Some("application/json"), format!("{good} x"), (400, "malformed_json", "")),
        (Some("application/json"), "\u{feff}{}".into(), (400, "malformed_json", "")),
        (Some("application/json"), "[]".into(), (422, "wrong_type", "")),
        (Some("application/json"), "{}".into(), (422, "missing_field", "/email")),
        (Some("application/json"), r#"{"email":1,"password":"x"}"#.into(), (422, "wrong_type", "/email")),
        (Some("application/json"), r#"{"email":"a@b.c","password":"x","a":1}"#.into(), (422, "unknown_field", "/a")),
        (Some("application/json"), format!(r#"{{"email":"{}"}}"#, "x".repeat(70_000)), (413, "body_too_large", "")),
        (Some("application/json; charset=utf-8"), r#"{"email":"a@b.c"}"#.into(), (422, "missing_field", "/password")),
    ];
    for (kind, body, fault) in rows {
        let request = raw(&table, kind, &body);
        table.row(request, fault).await;
    }
    let world = &table.world;
    let rows = [
        (world.request(Method::GET, "/v1/nothing", None), (404, "route_not_found", ":path")),
        (world.request(Method::PUT, "/v1/auth/login", None), (405, "method_not_allowed", ":path")),
        (world.request(Method::GET, "/v1/me", None).header("X-Big", "x".repeat(20_000)), (431, "headers_too_large", "x-big")),
        (world.request(Method::GET, "/v1/events?limit=101", None), (400, "invalid_query", "?limit")),
        (world.request(Method::GET, "/v1/events?limit=x", None), (400, "invalid_query", "?limit")),
        (world.request(Method::GET, "/v1/events?cursor=x", None), (400, "invalid_query", "?cursor")),
        (world.request(Method::GET, "/v1/events?page=2", None), (400, "invalid_query", "?page")),
        (world.request(Method::GET, "/v1/events/x", None), (400, "invalid_path", ":event")),
        (world.request(Method::GET, &format!("/v1/events/{}", Uuid::now_v7()), None), (404, "event_not_found", ":event")),
    ];
    for (request, fault) in rows {
        table.row(request, fault).await;
    }
    table.finish();
}

#[tokio::test]
async fn a_body_beyond_its_limit_is_told_the_limit() {
    let world = World::new().await;
    let organizer = world.person(Role::Organizer).await;
    let rows = [("/v1/auth/login", 64 * 1_024, "64 KiB"), ("/v1/venues", 33 * 1_024 * 1_024, "33 MiB")];
    for (path, limit, short) in rows {
        let send = async |size: usize| {
            let request = world.request(Method::POST, path, Some(&organizer)).header("Content-Type", "application/json");
            request.body(" ".repeat(size)).send().await.unwrap()
        };
        problem(send(limit).await, 400, "malformed_json").await;
        let body = problem(send(limit + 1).await, 413, "body_too_large").await;
        assert_eq!(body["errors"][0]["pointer"], "", "{body}");
        for text in [&body["detail"], &body["errors"][0]["message"]] {
            let text = text.as_str().unwrap();
            assert!(text.contains(&limit.to_string()) && text.contains(short), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn request_ids_are_kept_where_they_can_be() {
    let world = World::new().await;
    for (sent, kept) in [("abc-1", true), ("with space", false), (&"x".repeat(65), false)] {
        let answer = world.request(Method::GET, "/v1/nothing", None).header("X-Request-Id", sent).send().await.unwrap();
        let body = problem(answer, 404, "route_not_found").await;
        assert_eq!(body["request_id"] == sent, kept, "{body}");
    }
}

#[tokio::test]
async fn registrations_venues_and_events_that_cannot_be() {
    let mut table = Table { world: World::new().await, failures: Vec::new() };
    let world = &table.world;
    let organizer = world.person(Role::Organizer).await;
    let (venue, event) = (world.venue(&organizer).await, world.event(&organizer).await);
    let (admin, staff, post) = (world.person(Role::Admin).await, Some(&organizer), Method::POST);

    let account = json!({ "email": "a@example.com", "password": "0123456789", "name": "A" });
    let rows = [
        ("/email", json!("no address"), "/email"),
        ("/email", json!("a..b@example.com"), "/email"),
        ("/email", json!("a@b.c\r\nBcc: d@e.f"), "/email"),
        ("/password", json!("short"), "/password"),
        ("/password", json!("x".repeat(129)), "/password"),
        ("/password", json!("0123456789\0"), "/password"),
        ("/name", json!(""), "/name"),
        ("/name", json!("x".repeat(101)), "/name"),
        ("/name", json!("a\r\nb"), "/name"),
    ];
    for (at, value, place) in rows {
        table.json(post.clone(), "/v1/auth/register", None, &with(&account, at, value), (422, "invalid_field", place)).await;
    }

    let plan = goticket_domain::seating::generate_arena(10);
    let new_venue = json!({ "name": "V", "time_zone": "Europe/Berlin", "plan": plan });
    let rows: [(&str, Value, Fault); 9] = [
        ("/name", json!(" "), (422, "invalid_field", "/name")),
        ("/time_zone", json!("Mars/Base"), (422, "invalid_field", "/time_zone")),
        ("/time_zone", json!("../../etc/passwd"), (422, "invalid_field", "/time_zone")),
        ("/plan", json!([]), (422, "invalid_plan", "/plan")),
        ("/plan", json!({}), (422, "invalid_plan", "/plan/name")),
        ("/plan", Value::Null, (422, "missing_field", "/plan")),
        ("/plan/categories", json!(7), (422, "invalid_plan", "/plan/categories")),
        ("/plan/zones/1/rows/0/seats/0/category", json!("None"), (422, "invalid_plan", "/plan/zones/1/rows/0/seats/0/category")),
        ("/extra", json!(1), (422, "unknown_field", "/extra")),
    ];
    for (at, value, fault) in rows {
        table.json(post.clone(), "/v1/venues", staff, &with(&new_venue, at, value), fault).await;
    }

    let unknown = format!("/v1/venues/{}", Uuid::now_v7());
    table.json(Method::GET, &unknown, staff, &json!({}), (404, "venue_not_found", ":venue")).await;

    let good = event_body(venue, 10, 20);
    let (past, late) = ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z");
    let invalid = |place| (422, "invalid_field", place);
    let standing =
        |area: &str, capacity: u32, category: &str| json!([{ "area": area, "capacity": capacity, "category": category }]);
    let rows: [(&str, Value, Fault); 27] = [
        ("/venue", json!(Uuid::now_v7()), invalid("/venue")),
        ("/venue", json!("x"), invalid("/venue")),
        ("/venue", Value::Null, (422, "missing_field", "/venue")),
        ("/title", json!(""), invalid("/title")),
        ("/title", json!("x".repeat(201)), invalid("/title")),
        ("/title", json!("a\nb"), invalid("/title")),
        ("/currency", json!("EURO"), invalid("/currency")),
        ("/currency", json!("eur"), invalid("/currency")),
        ("/starts_at", json!(past), invalid("/starts_at")),
        ("/starts_at", json!("tomorrow"), invalid("/starts_at")),
        ("/onsale_at", json!(late), invalid("/onsale_at")),
        ("/lobby_opens_at", json!(late), invalid("/lobby_opens_at")),
        ("/hold_seconds", json!(29), invalid("/hold_seconds")),
        ("/hold_seconds", json!(3601), invalid("/hold_seconds")),
        ("/hold_seconds", json!(-1), invalid("/hold_seconds")),
        ("/ticket_limit", json!(0), invalid("/ticket_limit")),
        ("/ticket_limit", json!(51), invalid("/ticket_limit")),
        ("/prices", json!([]), invalid("/prices")),
        ("/prices/0/category", json!("Unknown"), invalid("/prices/0/category")),
        ("/prices/1/category", json!("Premium"), invalid("/prices/1/category")),
        ("/prices/0/amount_minor", json!(0), invalid("/prices/0/amount_minor")),
        ("/prices/0/amount_minor", json!(1.5), (422, "wrong_type", "/prices/0/amount_minor")),
        ("/prices/0/extra", json!(1), (422, "unknown_field", "/prices/0/extra")),
        ("/standing", standing("none", 10, "Saver"), invalid("/standing/0/area")),
        ("/queue/burst", json!(0), invalid("/queue/burst")),
        ("/queue/session_s", json!(29), invalid("/queue/session_s")),
        ("/queue/message", json!("x".repeat(501)), invalid("/queue/message")),
    ];
    for (at, value, fault) in rows {
        table.json(post.clone(), "/v1/events", staff, &with(&good, at, value), fault).await;
    }
    let areas: Value = table.world.get(&format!("/v1/venues/{venue}"), staff).await.json().await.unwrap();
    let area = areas["areas"][0]["id"].as_str().unwrap();
    let rows = [
        (standing(area, 0, "Saver"), "/standing/0/capacity"),
        (standing(area, 200_000, "Saver"), "/standing/0/capacity"),
        (standing(area, 10, "Nothing"), "/standing/0/category"),
    ];
    for (value, place) in rows {
        table.json(post.clone(), "/v1/events", staff, &with(&good, "/standing", value), invalid(place)).await;
    }

    let path = format!("/v1/events/{event}");
    table.json(Method::PATCH, &path, staff, &json!({ "title": "" }), invalid("/title")).await;
    table.json(Method::PATCH, &path, staff, &json!({ "currency": "USD" }), (422, "unknown_field", "/currency")).await;
    table.json(Method::PATCH, &path, staff, &json!({ "starts_at": late }), (409, "event_published", "/starts_at")).await;
    let unknown = format!("/v1/events/{}/publish", EventId::generate());
    table.json(post.clone(), &unknown, staff, &json!({}), (404, "event_not_found", ":event")).await;
    // A draft's times.
    let draft = table.world.draft(&organizer, 3_600, 7_200).await;
    let path = format!("/v1/events/{draft}");
    table.json(Method::PATCH, &path, staff, &json!({ "starts_at": past }), invalid("/starts_at")).await;
    table.json(Method::PATCH, &path, staff, &json!({ "onsale_at": past }), invalid("/onsale_at")).await;
    let soon = (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(1)).to_string();
    table.json(Method::PATCH, &path, staff, &json!({ "starts_at": soon }), invalid("/starts_at")).await;
    table.json(Method::PATCH, &path, staff, &json!({ "lobby_opens_at": late }), invalid("/lobby_opens_at")).await;
    // A draft whose time has come and gone unpublished.
    let draft = table.world.draft(&organizer, 10, 20).await;
    sqlx::query("UPDATE events SET lobby_opens_at = now(), onsale_at = now(), starts_at = now() WHERE id = $1")
        .bind(draft.0)
        .execute(&table.world.pool)
        .await
        .unwrap();
    table.json(post, &format!("/v1/events/{draft}/publish"), Some(&admin), &json!({}), (422, "event_past", "/starts_at")).await;
    table.finish();
}

#[tokio::test]
async fn bookings_and_controls_that_cannot_be() {
    let mut table = Table { world: World::new().await, failures: Vec::new() };
    let (organizer, fan) = (table.world.person(Role::Organizer).await, table.world.person(Role::User).await);
    let event = table.world.event(&organizer).await;
    let entry = table.world.entry_token(event, &fan);
    let path = format!("/v1/events/{event}/bookings");
    let last = format!("{}", SEATS - 1);
    let eleven: Vec<u32> = (0..11).collect();
    let invalid = |place| (422, "invalid_field", place);
    let rows: [(Value, Fault); 19] = [
        (json!({}), (422, "missing_field", "/seats")),
        (json!({ "seats": [] }), invalid("/seats")),
        (json!({ "seats": eleven }), invalid("/seats")),
        (json!({ "seats": [3, 4, 3] }), invalid("/seats")),
        (json!({ "seats": [1, SEATS] }), invalid("/seats/1")),
        (json!({ "seats": [0, SEATS - 1] }), invalid("/seats/1")),
        (json!({ "seats": [-1] }), invalid("/seats/0")),
        (json!({ "seats": ["1"] }), (422, "wrong_type", "/seats/0")),
        (json!({ "seats": 7 }), (422, "wrong_type", "/seats")),
        (json!({ "seats": [1], "quantity": 2 }), invalid("/quantity")),
        (json!({ "seats": [1], "section": 0 }), invalid("/section")),
        (json!({ "section": 0 }), (422, "missing_field", "/quantity")),
        (json!({ "quantity": 2 }), (422, "missing_field", "/section")),
        (json!({ "section": 0, "quantity": 0 }), invalid("/quantity")),
        (json!({ "section": 0, "quantity": 11 }), invalid("/quantity")),
        (json!({ "section": 0, "quantity": -1 }), invalid("/quantity")),
        (json!({ "section": 99, "quantity": 1 }), invalid("/section")),
        (json!({ "section": 0, "quantity": 1, "category": 99 }), invalid("/category")),
        (json!({ "section": 0, "quantity": 1, "rows": 1 }), (422, "unknown_field", "/rows")),
    ];
    for (body, fault) in rows {
        let request = table.world.request(Method::POST, &path, Some(&fan)).json(&body);
        table.row(request.header("Entry-Token", &entry).header("Idempotency-Key", "k"), fault).await;
    }
    let body = json!({ "seats": [1] });
    let keyless = |table: &Table| table.world.request(Method::POST, &path, Some(&fan)).json(&body).header("Entry-Token", &entry);
    let long = "k".repeat(65);
    for (key, code) in [(None, "missing"), (Some(""), "invalid"), (Some("a b"), "invalid"), (Some(long.as_str()), "invalid")] {
        let request = key.map_or(keyless(&table), |key| keyless(&table).header("Idempotency-Key", key));
        let code = if code == "missing" { "idempotency_key_missing" } else { "idempotency_key_invalid" };
        table.row(request, (400, code, "Idempotency-Key")).await;
    }
    let unknown = format!("/v1/events/{}/bookings", EventId::generate());
    let request = table.world.request(Method::POST, &unknown, Some(&fan)).json(&json!({ "seats": [last] }));
    table.row(request, (404, "event_not_found", ":event")).await;
    let request = table.world.request(Method::POST, &unknown, Some(&fan)).json(&body);
    table.row(request.header("Entry-Token", &entry), (404, "event_not_found", ":event")).await;

    let nobody = format!("/v1/bookings/{}", Uuid::now_v7());
    let rows = [
        (Method::GET, nobody.clone(), json!({}), (404, "booking_not_found", ":booking")),
        (Method::DELETE, nobody.clone(), json!({}), (404, "booking_not_found", ":booking")),
        (Method::GET, format!("{nobody}/tickets"), json!({}), (404, "booking_not_found", ":booking")),
        (Method::POST, format!("{nobody}/payment"), json!({}), (404, "booking_not_found", ":booking")),
        (Method::POST, format!("{nobody}/payment"), json!({ "return_url": "javascript:alert(1)" }), invalid("/return_url")),
        (Method::POST, format!("{nobody}/payment"), json!({ "return_url": 1 }), (422, "wrong_type", "/return_url")),
        (Method::GET, "/v1/bookings/x".to_owned(), json!({}), (400, "invalid_path", ":booking")),
        (Method::GET, format!("/v1/tickets/{}.pdf", Uuid::now_v7()), json!({}), (404, "ticket_not_found", ":file")),
        (Method::GET, "/v1/tickets/..%2f..%2fetc%2fpasswd.pdf".to_owned(), json!({}), (400, "invalid_path", ":file")),
        (Method::GET, format!("/v1/tickets/{}", Uuid::now_v7()), json!({}), (400, "invalid_path", ":file")),
    ];
    for (method, path, body, fault) in rows {
        table.json(method, &path, Some(&fan), &body, fault).await;
    }

    table.world.board_in(event, &["open"]).await;
    let control = format!("/v1/events/{event}/queue/control");
    let rows: [(Value, Fault); 16] = [
        (json!({ "rate_per_min": 1 }), (422, "missing_field", "/reason")),
        (json!({ "reason": "" }), invalid("/reason")),
        (json!({ "reason": "x", "speed": 1 }), (422, "unknown_field", "/speed")),
        (json!({ "reason": "x", "state": "asleep" }), invalid("/state")),
        (json!({ "reason": "x", "state": "scheduled" }), (422, "invalid_control", "/state")),
        (json!({ "reason": "x", "rate_per_min": 600_001 }), (422, "invalid_control", "/rate_per_min")),
        (json!({ "reason": "x", "auto": 5 }), (422, "wrong_type", "/auto")),
        (json!({ "reason": "x", "auto": { "low_per_min": 5 } }), (422, "missing_field", "/auto/high_per_min")),
        (json!({ "reason": "x", "auto": { "low_per_min": 5, "high_per_min": 4 } }), (422, "invalid_control", "/auto")),
        (json!({ "reason": "x", "burst": 0 }), (422, "invalid_control", "/burst")),
        (json!({ "reason": "x", "message": "a\u{7}" }), (422, "invalid_control", "/message")),
        (json!({ "reason": "x", "close_when_sold_out": "yes" }), (422, "wrong_type", "/close_when_sold_out")),
        (json!({ "reason": "x", "mode": "open" }), invalid("/mode")),
        (json!({ "reason": "x", "open_below": 0 }), (422, "invalid_control", "/open_below")),
        (json!({ "reason": "x", "open_below": 6_001 }), (422, "invalid_control", "/open_below")),
        (json!({ "reason": "x", "when_down": "open" }), invalid("/when_down")),
    ];
    for (body, fault) in rows {
        table.json(Method::PATCH, &control, Some(&organizer), &body, fault).await;
    }
    table.finish();
}
