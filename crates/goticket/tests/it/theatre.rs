//! The theatre as editors write it, imported over HTTP and put on sale: counts, categories, rows and positions come out right.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;
use serde_json::Value;

use crate::world::onsale::Wish;
use crate::world::plans::THEATRE;
use crate::world::{ONE_PROCESS, World};

const CATEGORIES: [(&str, u64); 5] =
    [("Premium", 207), ("Standard", 589), ("Saver", 391), ("Restricted view", 14), ("Wheelchair and companion", 10)];
const SECTIONS: [(&str, u64); 4] = [("Stalls", 622), ("Circle", 320), ("Balcony", 245), ("Boxes", 24)];

#[tokio::test]
async fn the_theatre_is_imported_as_it_was_drawn() {
    let mut world = World::of(ONE_PROCESS).await;
    let plan: Value = serde_json::from_str(THEATRE).unwrap();
    let event = world.publish(&Wish { plan: plan.clone(), ..Wish::default() }).await;
    assert_eq!(event.capacity, 1_211);

    let venues: Value = world.api.get("/v1/venues").token(&world.organizer).answer().await.expect(StatusCode::OK);
    let venue = &venues["items"][0]["id"].as_str().unwrap();
    let venue: Value =
        world.api.get(&format!("/v1/venues/{venue}")).token(&world.organizer).answer().await.expect(StatusCode::OK);
    assert_eq!(venue["seat_count"], 1_211);
    assert_eq!(counted(&venue["categories"]), CATEGORIES);
    assert_eq!(counted(&venue["sections"]), SECTIONS);

    let map: Value = world.api.get(&format!("/v1/events/{}/seats", event.id)).answer().await.expect(StatusCode::OK);
    assert_eq!(map["states"].as_str().unwrap(), "0".repeat(1_211));
    assert_eq!(shown(&map, &event), drawn(&plan));
    world.assert_clean().await;
}

fn counted(list: &Value) -> Vec<(&str, u64)> {
    list.as_array().unwrap().iter().map(|one| (one["name"].as_str().unwrap(), one["seats"].as_u64().unwrap())).collect()
}

/// Per section and row: seats' numbers with their positions in tenths of a pixel.
type Rows = BTreeMap<(String, String), BTreeSet<(String, i64, i64)>>;

fn tenths(value: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a plan is some thousand pixels wide")]
    let tenths = (value * 10.0).round() as i64;
    tenths
}

/// What the map says.
fn shown(map: &Value, event: &crate::world::onsale::Event) -> Rows {
    let mut rows = Rows::new();
    for (no, seat) in map["seats"].as_array().unwrap().iter().enumerate() {
        assert_eq!(seat["no"].as_u64(), Some(no as u64), "seats stand in the order of their numbers");
        let section = &event.sections[usize::try_from(seat["section"].as_u64().unwrap()).unwrap()];
        let position = (tenths(seat["x"].as_f64().unwrap()), tenths(seat["y"].as_f64().unwrap()));
        let row = (section.name.clone(), seat["row"].as_str().unwrap().to_owned());
        let fresh = rows.entry(row).or_default().insert((seat["number"].as_str().unwrap().to_owned(), position.0, position.1));
        assert!(fresh, "two seats in one place: {seat}");
    }
    rows
}

/// What the file says: positions are relative to the row's, which are relative to the zone's.
fn drawn(plan: &Value) -> Rows {
    let at = |thing: &Value, axis: &str| thing["position"][axis].as_f64().unwrap_or_default();
    let mut rows = Rows::new();
    for zone in plan["zones"].as_array().unwrap() {
        for row in zone["rows"].as_array().unwrap() {
            let label = row["row_label"].as_str().unwrap_or("%s").replace("%s", row["row_number"].as_str().unwrap());
            let seats = rows.entry((zone["name"].as_str().unwrap().to_owned(), label)).or_default();
            for seat in row["seats"].as_array().unwrap() {
                let place = |axis: &str| tenths(at(zone, axis) + at(row, axis) + at(seat, axis));
                seats.insert((seat["seat_number"].as_str().unwrap().to_owned(), place("x"), place("y")));
            }
        }
    }
    rows
}
