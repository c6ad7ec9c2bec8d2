//! The theatre, damaged in every way: it is imported or refused, and nothing else.

use std::sync::LazyLock;

use goticket_domain::seating::{SeatingPlan, SectionSeats};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use crate::plans::THEATRE;

/// The theatre with the first two rows of each zone, and three seats of each row: all kinds of properties, quick to read.
static EXCERPT: LazyLock<Value> = LazyLock::new(|| {
    let mut plan: Value = serde_json::from_slice(THEATRE).unwrap();
    for zone in plan["zones"].as_array_mut().unwrap() {
        let rows = zone["rows"].as_array_mut().unwrap();
        rows.truncate(2);
        for row in rows {
            row["seats"].as_array_mut().unwrap().truncate(3);
        }
    }
    plan
});

/// Pointers of all values in it.
static POINTERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    fn walk(value: &Value, pointer: &str, found: &mut Vec<String>) {
        found.push(pointer.to_owned());
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| walk(value, &format!("{pointer}/{key}"), found)),
            Value::Array(list) => list.iter().zip(0..).for_each(|(value, n)| walk(value, &format!("{pointer}/{n}"), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&EXCERPT, "", &mut found);
    found
});

fn pick(index: Index) -> &'static str {
    &POINTERS[index.index(POINTERS.len())]
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9.eE-]{0,6}".prop_map(Value::from),
        Just(json!("stalls-A-1")),
        Just(json!("Premium")),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        let keys = prop_oneof![Just("x"), Just("y"), Just("rows"), Just("seats"), Just("text"), Just("name"), Just("layout")];
        let keys = keys.prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(keys, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Imports, and goes the whole way with what is imported.
fn go_the_whole_way(json: &[u8]) -> Result<(), TestCaseError> {
    match SeatingPlan::from_json(json) {
        Ok(plan) => {
            prop_assert!(plan.seat_count() + plan.areas.len() > 0);
            let Ok(layout) = plan.layout(&[]) else { return Ok(()) };
            prop_assert_eq!(layout.place_count(), plan.seat_count());
            for section in &layout.sections {
                let found = SectionSeats::new(section).best_available(|_| false, 1, None);
                prop_assert_eq!(found.map(|seats| seats.len()), Some(1));
            }
        }
        Err(error) => {
            prop_assert!(error.pointer.is_empty() || error.pointer.starts_with('/'), "{}", error);
            prop_assert!(!error.to_string().is_empty());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn other_values_never_panic(changes in prop::collection::vec((any::<Index>(), any_value()), 1..4)) {
        let mut plan = EXCERPT.clone();
        for (index, value) in changes {
            if let Some(target) = plan.pointer_mut(pick(index)) {
                *target = value;
            }
        }
        go_the_whole_way(plan.to_string().as_bytes())?;
    }

    #[test]
    fn a_pointer_leads_to_the_fault(index in any::<Index>(), value in any_value()) {
        let pointer = pick(index);
        let mut plan = EXCERPT.clone();
        *plan.pointer_mut(pointer).unwrap() = value;
        if let Err(error) = SeatingPlan::from_json(plan.to_string().as_bytes()) {
            // The fault is in what was changed, or it is that something else no longer fits: a category that was renamed, a
            // seat that got the guid of a later one, or nothing left to sell.
            let elsewhere = ["/category", "/seat_guid", "/zones"].iter().any(|tail| error.pointer.ends_with(tail));
            let inside = error.pointer.starts_with(pointer) || pointer.starts_with(&error.pointer);
            prop_assert!(inside || elsewhere, "changed {}, but {}", pointer, error);
            let parent = error.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(plan.pointer(parent).is_some(), "{} leads nowhere", error.pointer);
        }
    }

    #[test]
    fn other_bytes_never_panic(changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6), end in any::<Index>(), cut in any::<bool>()) {
        let mut json = EXCERPT.to_string().into_bytes();
        for (index, byte) in changes {
            let at = index.index(json.len());
            json[at] = byte;
        }
        if cut {
            json.truncate(end.index(json.len()));
        }
        go_the_whole_way(&json)?;
    }

    #[test]
    fn any_bytes_never_panic(json in prop::collection::vec(any::<u8>(), 0..200)) {
        go_the_whole_way(&json)?;
    }
}
