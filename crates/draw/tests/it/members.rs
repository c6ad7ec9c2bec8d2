//! Every single value of what is published and kept: changed, it is noticed, and by both checkers in the same way.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::honest;
use crate::operator::Operator;
use crate::vectors::{expected, given, python_says, read};

/// Where values stand in it, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, value)| pointers(value, &format!("{at}/{n}"), found)),
        _ => found.push(at.to_owned()),
    }
}

/// Another value of the same form.
fn another(value: &Value) -> Value {
    match value {
        Value::Null => json!("00".repeat(32)),
        Value::Bool(is) => json!(!is),
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => json!(another_text(text)),
        _ => panic!("{value}"),
    }
}

fn another_text(text: &str) -> String {
    if let Ok(at) = text.parse::<Timestamp>() {
        return (at + SignedDuration::from_secs(1)).to_string();
    }
    // The last digit of hexadecimal, or another name.
    let last = if text.ends_with('1') { '2' } else { '1' };
    format!("{}{last}", &text[..text.len() - 1])
}

#[test]
fn whatever_value_is_changed_both_checkers_notice() {
    let base = given(&honest::honest(&Operator::new(1)));
    let mut found = Vec::new();
    pointers(&base, "", &mut found);
    // Asked by its id.
    found.retain(|at| at != "/place_ticket");
    let changed = |at: &String| {
        let mut changed = base.clone();
        let value = changed.pointer_mut(at).unwrap();
        *value = another(value);
        changed
    };
    let cases: Vec<(&String, Value)> = found.iter().map(|at| (at, changed(at))).collect();
    let told = |(at, given): &(&String, Value)| json!({ "name": at, "change": given, "expected": expected(&read(given)) });
    let told: Vec<Value> = cases.iter().map(told).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, json!({ "base": {}, "cases": told }).to_string()).unwrap();
    let (_, said) = python_says(file.path());
    assert_eq!(said.len(), told.len());
    assert!(told.len() > 100, "{}", told.len());
    for (case, said) in told.iter().zip(said) {
        let (at, wrong) = (case["name"].as_str().unwrap(), &case["expected"]["wrong"]);
        // When terms were announced is signed nowhere: what is kept bounds it.
        let unsigned = at.starts_with("/record/announced/") && at.matches('/').count() == 4 && at.ends_with("/at");
        assert_eq!(wrong.is_null(), unsigned, "{at}: {case}");
        // The one thing that the other checker does not verify.
        if *wrong == "bad_round" {
            assert!(at.contains("beacon"), "{at}");
        } else if !unsigned {
            assert_eq!(said["said"]["wrong"], *wrong, "{at}");
        }
    }
}
