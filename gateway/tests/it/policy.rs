//! Every operation of the API, asked for by everybody there can be, answers as the policy decides.

mod operations;
mod stage;

use std::collections::BTreeSet;

use goticket_domain::policy::{Action, Decision, Reason, decide};
use goticket_gateway::openapi_document;
use reqwest::Response;
use serde_json::Value;

use operations::Row;
use stage::Stage;

/// Operations times people, at least: a walk that compared less is no proof.
const COMPARED_MIN: usize = 600;

/// What an answer says of whether one may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    LogIn,
    Denied,
    Hidden,
    Allowed,
}

/// The methods of OpenAPI that the API has.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Method, path and id of each operation.
fn described() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(&openapi_document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, operations): (&String, &Value)| {
        let described = METHODS.into_iter().filter_map(|method| Some((method, operations.get(method)?)));
        let id = |operation: &Value| operation["operationId"].as_str().unwrap().to_owned();
        described.map(|(method, operation)| (format!("{} {path}", method.to_uppercase()), id(operation))).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn every_operation_is_the_action_of_its_id() {
    let named = |row: &Row| (format!("{} {}", row.method, row.path), row.action.as_str().to_owned());
    let rows: BTreeSet<(String, String)> = operations::all().iter().map(named).collect();
    assert_eq!(rows, described(), "rows, and what the API's description has");
    let actions: BTreeSet<Action> = operations::all().iter().map(|row| row.action).collect();
    assert_eq!(actions, Action::ALL.iter().copied().collect(), "an action that is no operation");
}

#[tokio::test]
async fn every_operation_answers_everybody_as_the_policy_decides() {
    let stage = Stage::new().await;
    let (mut failures, mut compared) = (Vec::new(), 0);
    for row in operations::all() {
        for someone in &stage.people {
            let decisions = row.resources(&stage).into_iter().map(|of| decide(&someone.subject, row.action, &of));
            let first = decisions.into_iter().find(|decision| *decision != Decision::Allow);
            let expected = expected(first.unwrap_or(Decision::Allow));
            let (said, shown) = said(&row, row.send(&stage, someone).await).await;
            compared += 1;
            if said != Ok(expected) {
                failures.push(format!("{} by {}: expected {expected:?}, got {said:?}: {shown}", row.name(), someone.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {compared}:\n{}", failures.len(), failures.join("\n"));
    assert!(compared >= COMPARED_MIN, "only {compared} were compared");
}

fn expected(decision: Decision) -> Said {
    match decision {
        Decision::Allow => Said::Allowed,
        Decision::Hide => Said::Hidden,
        Decision::Deny(Reason::LogIn) => Said::LogIn,
        Decision::Deny(_) => Said::Denied,
    }
}

/// Err: an answer that says nothing of it, e.g. that it came too often.
async fn said(row: &Row, answer: Response) -> (Result<Said, u16>, String) {
    let status = answer.status().as_u16();
    let json = answer.headers().get("content-type").is_some_and(|kind| kind.to_str().unwrap().contains("json"));
    // A stream has no end to wait for.
    let body: Value = if json { answer.json().await.unwrap_or_default() } else { Value::Null };
    let code = body["code"].as_str().unwrap_or_default();
    let names = |pointer: &str| body["errors"][0]["pointer"] == pointer;
    let said = match status {
        _ if row.beside.contains(&code) => Ok(Said::Allowed),
        _ if row.hidden_at.is_some_and(names) => Ok(Said::Hidden),
        401 => Ok(Said::LogIn),
        403 => Ok(Said::Denied),
        404 => Ok(Said::Hidden),
        429 | 500.. => Err(status),
        _ => Ok(Said::Allowed),
    };
    (said, format!("{status} {}", body.to_string().chars().take(300).collect::<String>()))
}
