//! What is wrong with a configuration is said by name, value and allowed range.

use std::{io::Write as _, net::SocketAddr};

use goticket_platform::config::{
    AmqpConfig, ConfigError, KafkaConfig, PostgresConfig, RedisConfig, SmtpConfig, SmtpTls, TelemetryConfig, TelemetryFormat,
    U32In, load_from,
};
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tempfile::NamedTempFile;

#[derive(Debug, Deserialize)]
struct Config {
    telemetry: TelemetryConfig,
    postgres: PostgresConfig,
    redis: RedisConfig,
    amqp: AmqpConfig,
    kafka: KafkaConfig,
    smtp: SmtpConfig,
}

const SECRETS: [(&str, &str); 3] = [
    ("GOTICKET__POSTGRES__URL", "postgres://app:hunter2@db/goticket"),
    ("GOTICKET__REDIS__URL", "redis://:hunter2@cache"),
    ("GOTICKET__AMQP__URL", "amqp://app:hunter2@broker/%2f"),
];

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut toml = NamedTempFile::new().unwrap();
    toml.write_all(file.as_bytes()).unwrap();
    let variables = SECRETS.iter().chain(env).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load_from(Some(toml.path()), variables)
}

#[test]
fn the_environment_beats_the_file_which_beats_the_defaults() {
    let file = "[redis]\nprefix = 'file:'\nmax_in_flight = 7\n[smtp]\ntls = 'none'\n[telemetry]\nformat = 'json'";
    let config = load(file, &[("GOTICKET__REDIS__MAX_IN_FLIGHT", "9"), ("GOTICKET__KAFKA__BROKERS", "a:1,b:2")]).unwrap();
    assert_eq!(config.redis.prefix, "file:");
    assert_eq!(config.redis.max_in_flight.get(), 9);
    assert_eq!(config.redis.response_timeout_ms.get(), 1000);
    assert_eq!(config.kafka.brokers, "a:1,b:2");
    assert_eq!(config.smtp.tls, SmtpTls::None);
    assert_eq!(config.telemetry.format, TelemetryFormat::Json);
    assert_eq!(config.amqp.heartbeat_s.get(), 5);
    assert_eq!(config.postgres.url.expose_secret(), SECRETS[0].1);
}

#[test]
fn a_password_of_digits_stays_text() {
    let config = load("", &[("GOTICKET__SMTP__PASSWORD", "007"), ("GOTICKET__SMTP__USERNAME", "true")]).unwrap();
    assert_eq!(config.smtp.password.unwrap().expose_secret(), "007");
    assert_eq!(config.smtp.username.unwrap(), "true");
}

#[rstest]
#[case::too_small("postgres.max_connections", "0", "a whole number from 1 to 500")]
#[case::too_large("postgres.max_connections", "501", "a whole number from 1 to 500")]
#[case::beyond_the_type("amqp.heartbeat_s", "70000", "a whole number from 1 to 60")]
#[case::negative("redis.response_timeout_ms", "-1", "a whole number from 50 to 60000")]
#[case::fraction("kafka.linger_ms", "2.5", "a whole number from 0 to 1000")]
#[case::not_a_number("redis.max_in_flight", "many", "a whole number from 1 to 10000")]
#[case::truth_is_no_number("redis.max_in_flight", "true", "a whole number from 1 to 10000")]
#[case::choice("smtp.tls", "ssl", "`none`, `starttls`, `implicit`")]
#[case::choice("telemetry.format", "xml", "`pretty` or `json`")]
fn a_wrong_value_is_refused_with_its_names_value_and_range(#[case] path: &str, #[case] value: &str, #[case] allowed: &str) {
    let variable = format!("GOTICKET__{}", path.to_uppercase().replace('.', "__"));
    let (section, key) = path.split_once('.').unwrap();
    let quoted = if value.parse::<f64>().is_ok() || value == "true" { value.to_owned() } else { format!("'{value}'") };
    let by_file = load(&format!("[{section}]\n{key} = {quoted}"), &[]);
    let by_environment = load("", &[(&variable, value)]);
    for message in [by_file, by_environment].map(|result| result.unwrap_err().to_string()) {
        for part in [path, &variable, value, allowed] {
            assert!(message.contains(part), "{part:?} is missing in: {message}");
        }
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn all_wrong_values_are_told_at_once() {
    let error = load("[kafka]\nlinger_ms = -3\n[postgres]\nlock_timeout_ms = 1", &[("GOTICKET__SMTP__PORT", "0")]).unwrap_err();
    let mut paths: Vec<_> = error.problems().iter().map(|problem| problem.path().to_owned()).collect();
    paths.sort();
    assert_eq!(paths, ["kafka.linger_ms", "postgres.lock_timeout_ms", "smtp.port"]);
}

#[rstest]
#[case::key_in_the_file("[redis]\nprefx = 'a'", &[], "`redis.prefx`", "`prefix`")]
#[case::section_in_the_file("[rediss]\nprefix = 'a'", &[], "`rediss`", "`redis`")]
#[case::key_in_the_environment("", &[("GOTICKET__REDIS__PREFX", "a")], "GOTICKET__REDIS__PREFX", "`prefix`")]
#[case::section_in_the_environment("", &[("GOTICKET__REDISS__PREFIX", "a")], "GOTICKET__REDISS__PREFIX", "`redis`")]
#[case::no_key_in_the_environment("", &[("GOTICKET__REDIS", "a")], "GOTICKET__REDIS", "`redis`")]
fn an_unknown_name_is_refused(#[case] file: &str, #[case] env: &[(&str, &str)], #[case] name: &str, #[case] alternative: &str) {
    let message = load(file, env).unwrap_err().to_string();
    assert!(message.contains(name) && message.contains(alternative), "{message}");
}

#[test]
fn a_missing_secret_is_refused_by_the_name_of_its_variable() {
    #[derive(Debug, Deserialize)]
    struct Config {
        #[expect(dead_code, reason = "only its absence matters")]
        postgres: PostgresConfig,
    }
    let message = load_from::<Config, _>(None, []).unwrap_err().to_string();
    assert!(message.contains("`postgres.url` (GOTICKET__POSTGRES__URL) is missing"), "{message}");
}

#[rstest]
#[case("GOTICKET__POSTGRES__URL", "mysql://app:hunter2@db/goticket", "postgres://")]
#[case("GOTICKET__REDIS__URL", "hunter2", "redis://")]
#[case("GOTICKET__AMQP__URL", "", "amqp://")]
fn a_wrong_secret_is_refused_without_being_shown(#[case] variable: &str, #[case] value: &str, #[case] expected: &str) {
    let message = load("", &[(variable, value)]).unwrap_err().to_string();
    assert!(message.contains(variable) && message.contains(expected), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[rstest]
#[case::wrong_type("[smtp]\npassword = 4711")]
#[case::broken_line("[smtp]\npassword = \"hunter2\nport = 1")]
fn a_secret_in_the_file_is_not_shown_either(#[case] file: &str) {
    let message = load(file, &[]).unwrap_err().to_string();
    assert!(!message.contains("4711") && !message.contains("hunter2"), "{message}");
}

#[test]
fn a_service_reads_its_own_section_and_ignores_the_others() {
    #[derive(Debug, Deserialize)]
    struct Config {
        gateway: Gateway,
    }
    // The real section's defaults are not this one's business: unknown names are let pass.
    #[derive(Debug, Deserialize)]
    struct Gateway {
        test_listen: SocketAddr,
        // No default tells the type of what the environment brings: the number reads the text.
        test_streams_max: U32In<1, 100>,
    }
    let mut toml = NamedTempFile::new().unwrap();
    toml.write_all(b"[gateway]\ntest_listen = '127.0.0.1:1'\n[workers]\nbatch = 5").unwrap();
    let variables = |streams: &str| [("GOTICKET__GATEWAY__TEST_STREAMS_MAX".to_owned(), streams.to_owned())];
    let config = load_from::<Config, _>(Some(toml.path()), variables("50")).unwrap();
    assert_eq!((config.gateway.test_listen.port(), config.gateway.test_streams_max.get()), (1, 50));
    let message = load_from::<Config, _>(Some(toml.path()), variables("101")).unwrap_err().to_string();
    assert!(message.contains("GOTICKET__GATEWAY__TEST_STREAMS_MAX") && message.contains("from 1 to 100"), "{message}");
}
