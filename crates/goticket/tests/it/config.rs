//! A process that is told something wrong says what, where, and what is allowed; and does not start.

use std::path::Path;
use std::process::{Command, Output};

/// Settings with which every role would get as far as looking for its servers.
const COMPLETE: &[(&str, &str)] = &[
    ("GOTICKET__POSTGRES__URL", "postgres://127.0.0.1:1/none"),
    ("GOTICKET__REDIS__URL", "redis://127.0.0.1:1/"),
    ("GOTICKET__AMQP__URL", "amqp://127.0.0.1:1/"),
    ("GOTICKET__ADMISSION__GRPC_SECRET", "0123456789abcdef0123456789abcdef"),
    ("GOTICKET__GATEWAY__ADMISSION_SECRET", "0123456789abcdef0123456789abcdef"),
    ("GOTICKET__PAYMENTS__API_KEY", "0123456789abcdef0123456789abcdef"),
    ("GOTICKET__PAYMENTS__WEBHOOK_SECRET", "0123456789abcdef0123456789abcdef"),
    ("GOTICKET__SANDBOX__API_KEY", "0123456789abcdef0123456789abcdef"),
    ("GOTICKET__SANDBOX__WEBHOOK_SECRET", "0123456789abcdef0123456789abcdef"),
];

/// Runs `goticket` in an empty environment but for these.
fn goticket(folder: &Path, args: &[&str], change: impl Fn(&mut Command)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goticket"));
    command.args(args).current_dir(folder).env_clear().envs(COMPLETE.iter().copied());
    change(&mut command);
    command.output().unwrap()
}

/// The refusal's text.
fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it did not refuse: {said}");
    said
}

#[test]
fn a_wrong_setting_is_refused_by_name_value_and_range() {
    let folder = tempfile::tempdir().unwrap();
    // setting, wrong value → what the refusal says of what is allowed
    let rows = [
        ("GATEWAY__BCRYPT_COST", "4", "12"),
        ("POSTGRES__MAX_CONNECTIONS", "0", "1"),
        ("POSTGRES__MAX_CONNECTIONS", "many", "whole number"),
        ("REDIS__RESPONSE_TIMEOUT_MS", "-5", ""),
        ("WORKERS__BOOKING__BATCH_MAX", "100000", "500"),
        ("WORKERS__BOOKING__BATCH_MAX", "0", "1"),
        ("SMTP__TLS", "maybe", "starttls"),
        ("GATEWAY__LISTEN", "everywhere", "address"),
    ];
    for (setting, value, allowed) in rows {
        let roles = if setting.starts_with("WORKERS") || setting.starts_with("SMTP") { "workers" } else { "gateway" };
        let output = goticket(folder.path(), &["serve", "--roles", roles], |command| {
            command.env(format!("GOTICKET__{setting}"), value);
        });
        let said = refused(&output);
        let name = setting.to_lowercase().replace("__", ".");
        for part in [name.as_str(), value, allowed] {
            assert!(said.contains(part), "{setting}={value}: {part:?} is missing in: {said}");
        }
    }
}

#[test]
fn an_unknown_setting_is_refused_in_the_environment_and_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (variable, name) in [("GOTICKET__GATEWAY__LISTENN", "gateway.listenn"), ("GOTICKET__GATWAY__LISTEN", "gatway.listen")] {
        let output = goticket(folder.path(), &["serve", "--roles", "gateway"], |command| {
            command.env(variable, "127.0.0.1:8080");
        });
        let said = refused(&output);
        assert!(said.contains(name) && said.contains("not a known setting"), "{variable}: {said}");
    }
    let file = folder.path().join("goticket.toml");
    std::fs::write(&file, "[postgres]\nmax_conections = 4\n").unwrap();
    let output = goticket(folder.path(), &["--config", file.to_str().unwrap(), "serve", "--roles", "gateway"], |_| {});
    assert!(refused(&output).contains("postgres.max_conections"), "{output:?}");
}

#[test]
fn a_missing_secret_is_refused_by_name_and_none_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    for (roles, missing) in [
        ("gateway", "POSTGRES__URL"),
        ("gateway", "PAYMENTS__WEBHOOK_SECRET"),
        ("admission", "ADMISSION__GRPC_SECRET"),
        ("booking", "AMQP__URL"),
        ("sandbox", "SANDBOX__API_KEY"),
    ] {
        let output = goticket(folder.path(), &["serve", "--roles", roles], |command| {
            command.env_remove(format!("GOTICKET__{missing}"));
        });
        let said = refused(&output);
        assert!(said.contains(&missing.to_lowercase().replace("__", ".")), "{roles} without {missing}: {said}");
        assert!(!said.contains("0123456789abcdef"), "a secret is shown: {said}");
    }
}

#[test]
fn an_unknown_role_is_refused_with_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(&goticket(folder.path(), &["serve", "--roles", "gateway,bookings"], |_| {}));
    assert!(said.contains("\"bookings\"") && said.contains("admission"), "{said}");
}

#[test]
fn a_server_that_is_not_there_is_named_and_the_process_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(&goticket(folder.path(), &["migrate"], |_| {}));
    assert!(!said.contains("postgres://127.0.0.1:1/none") && !said.trim().is_empty(), "{said}");
}
