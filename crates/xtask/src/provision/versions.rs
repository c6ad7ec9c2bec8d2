//! Whether the servers that are here are new enough: an older release's packages are not.

use std::process::Command;

use crate::step::Failure;

/// A server, how to ask for its version, and what it must be at least.
struct Wanted {
    name: &'static str,
    ask: &'static [&'static str],
    min: (u32, u32),
}

const WANTED: [Wanted; 2] = [
    Wanted { name: "Redis", ask: &["redis-server", "--version"], min: (7, 0) },
    Wanted { name: "RabbitMQ", ask: &["dpkg-query", "--show", "--showformat", "${Version}", "rabbitmq-server"], min: (3, 10) },
];

/// Says which server is too old and what to do. One that does not tell its version is given a chance.
pub(crate) fn check() -> Result<(), Failure> {
    for Wanted { name, ask, min } in &WANTED {
        let Ok(answer) = Command::new(ask[0]).args(&ask[1..]).output() else { continue };
        let Some(found) = version(&String::from_utf8_lossy(&answer.stdout)) else { continue };
        if found < *min {
            let cause = format!("{name} {}.{} is installed, GoTicket needs {}.{} or newer", found.0, found.1, min.0, min.1);
            let by_hand =
                "use Debian 12, Ubuntu 24.04 or newer, or an engine for Docker, or name running servers (see `cargo xtask help`)";
            return Err(Failure::new("look at the servers' versions", cause, by_hand));
        }
    }
    Ok(())
}

/// The first `major.minor` in a text.
fn version(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut parts = text[start..].split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_numbers_are_the_version() {
        for (text, expected) in [
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Some((7, 0))),
            ("Redis server v=6.0.16 sha=00000000:0", Some((6, 0))),
            ("3.10.8-1.1+deb12u1", Some((3, 10))),
            ("4.0", Some((4, 0))),
            ("", None),
            ("no version", None),
        ] {
            assert_eq!(version(text), expected, "{text:?}");
        }
    }
}
