//! docs/POLICY.md is the table.

use std::collections::BTreeSet;
use std::path::Path;

use goticket_domain::policy::{Action, Scope, markdown};

/// Set it, and the test writes the file instead of comparing it.
const UPDATE: &str = "GOTICKET_UPDATE_GENERATED";

#[test]
fn the_checked_in_table_is_the_one_that_decides() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/POLICY.md");
    let made = markdown();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(stored == made, "docs/POLICY.md is stale: run the tests with {UPDATE}=1 and check it in");
}

#[test]
fn every_action_and_every_scope_has_a_name_of_its_own() {
    let actions: BTreeSet<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    assert_eq!(actions.len(), Action::ALL.len());
    let scopes: BTreeSet<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    assert_eq!(scopes.len(), Scope::ALL.len());
    let table = markdown();
    for scope in Scope::ALL {
        assert!(table.contains(&format!("`{}`", scope.as_str())), "{scope:?} opens nothing");
    }
}
