//! Dependencies point one way: the picture in the architecture's document, held by `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Who may build on whom. Test kits are dev-dependencies and not in it.
const PICTURE: [(&str, &[&str]); 13] = [
    ("goticket-domain", &[]),
    // For what a topology on RabbitMQ is.
    ("goticket-platform", &["goticket-contracts"]),
    ("goticket-testkit", &[]),
    ("xtask", &[]),
    ("goticket-contracts", &["goticket-domain"]),
    ("goticket-draw", &["goticket-domain"]),
    ("goticket-tokens", &["goticket-domain"]),
    ("goticket-simulate", &["goticket-domain"]),
    ("goticket-storage", &["goticket-contracts", "goticket-domain"]),
    ("goticket-workers", &["goticket-contracts", "goticket-domain", "goticket-platform", "goticket-storage"]),
    ("goticket-gateway", SERVICE),
    // Verifies the beacon's rounds before it draws.
    (
        "goticket-admission",
        &["goticket-contracts", "goticket-domain", "goticket-draw", "goticket-platform", "goticket-storage", "goticket-tokens"],
    ),
    (
        "goticket",
        &[
            "goticket-admission",
            "goticket-contracts",
            "goticket-domain",
            "goticket-draw",
            "goticket-gateway",
            "goticket-platform",
            "goticket-simulate",
            "goticket-storage",
            "goticket-tokens",
            "goticket-workers",
        ],
    ),
];

const SERVICE: &[&str] = &["goticket-contracts", "goticket-domain", "goticket-platform", "goticket-storage", "goticket-tokens"];

#[test]
fn dependencies_point_one_way() {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let members: BTreeSet<String> = metadata.packages.iter().map(|p| p.name.to_string()).collect();
    let picture: BTreeMap<&str, BTreeSet<&str>> =
        PICTURE.iter().map(|(name, on)| (*name, on.iter().copied().collect())).collect();
    assert_eq!(members, picture.keys().map(|name| (*name).to_owned()).collect(), "a crate is missing from the picture, or gone");
    for package in &metadata.packages {
        let allowed = &picture[package.name.as_str()];
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            let inside = members.contains(&dependency.name);
            assert!(
                !inside || allowed.contains(dependency.name.as_str()),
                "{} must not depend on {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn the_domain_knows_no_technology() {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let domain = metadata.packages.iter().find(|p| p.name.as_str() == "goticket-domain").unwrap();
    for forbidden in ["tokio", "axum", "sqlx", "redis", "lapin", "rdkafka", "reqwest", "tonic"] {
        let found = domain.dependencies.iter().any(|d| d.kind != DependencyKind::Development && d.name == forbidden);
        assert!(!found, "the domain depends on {forbidden}");
    }
}

#[test]
fn xtask_depends_on_nothing_so_that_it_compiles_in_seconds() {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let xtask = metadata.packages.iter().find(|p| p.name.as_str() == "xtask").unwrap();
    assert!(xtask.dependencies.is_empty(), "{:?}", xtask.dependencies);
}
