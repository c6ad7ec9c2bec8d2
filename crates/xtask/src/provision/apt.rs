//! Debian packages: the C tools librdkafka is built with, Python, Redis, RabbitMQ, Java, Maven and pgbench.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::{Cache, RABBITMQ_SERVER, is_root},
    step::{Failure, quietly},
};

/// Installs `"$@"` without starting a service: `policy-rc.d` is Debian's own way to say so. Nor does PostgreSQL get a database cluster,
/// which would be started with the machine: `createcluster.d` says that.
const INSTALL: &str = r#"
set -e
guard=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
made=
# The shell runs no EXIT trap when a signal ends it.
trap 'rm -f $made' EXIT
trap 'exit 130' INT TERM HUP
if [ ! -e "$guard" ]; then
    made=$guard
    printf '#!/bin/sh\nexit 101\n' > "$guard"
    chmod 755 "$guard"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Kafka 4 needs Java 17, and an older release's default is older.
if apt-cache show openjdk-17-jre-headless > /dev/null 2>&1; then java=openjdk-17-jre-headless; else java=default-jre-headless; fi
for package; do
    shift
    case $package in
    java) package=$java ;;
    postgresql)
        made="$made $clusters/goticket.conf"
        mkdir -p "$clusters"
        echo 'create_main_cluster = false' > "$clusters/goticket.conf"
        ;;
    esac
    set -- "$@" "$package"
done
apt-get install -y -qq --no-install-recommends "$@"
"#;

/// What compiling and the tests need whatever servers they use, and this machine lacks.
pub(crate) fn build_tools() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if ["cc", "c++", "make"].iter().any(|tool| on_path(tool).is_none()) {
        missing.push("build-essential");
    }
    if !Path::new("/usr/include/zlib.h").exists() {
        missing.push("zlib1g-dev");
    }
    if on_path("pkg-config").is_none() {
        missing.push("pkg-config");
    }
    // The draw's second checker is written in it.
    if on_path("python3").is_none() {
        missing.push("python3");
    }
    missing
}

/// What running and fetching the servers needs and this machine lacks.
pub(crate) fn servers(cache: &Cache) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if on_path("redis-server").is_none() {
        missing.push("redis-server");
    }
    if !Path::new(RABBITMQ_SERVER).exists() {
        missing.push("rabbitmq-server");
    }
    if on_path("java").is_none() || (!cache.kafka().is_dir() && !java_is_recent()) {
        missing.push("java");
    }
    if !cache.is_complete() {
        for (command, package) in [("mvn", "maven"), ("xz", "xz-utils"), ("unzip", "unzip")] {
            if on_path(command).is_none() {
                missing.push(package);
            }
        }
    }
    missing
}

/// Installs these packages; `java` stands for the runtime that suits.
pub(crate) fn install(packages: &[&str]) -> Result<(), Failure> {
    if packages.is_empty() {
        return Ok(());
    }
    let step = format!("install {} (Debian packages)", packages.join(", "));
    let names: Vec<&str> = packages.iter().map(|name| if *name == "java" { "default-jre-headless" } else { name }).collect();
    let by_hand = format!("sudo apt-get update && sudo apt-get install {}", names.join(" "));
    if on_path("apt-get").is_none() {
        let cause = "there is no apt-get here, and these are missing";
        let by_hand = format!(
            "install {} with your system's package manager, or name running servers \
             (see `cargo xtask help`)",
            names.join(", ")
        );
        return Err(Failure::new(&step, cause, &by_hand));
    }
    if !is_root() && on_path("sudo").is_none() {
        let by_hand = format!("as root: {}", by_hand.replace("sudo ", ""));
        return Err(Failure::new(&step, "only root may install packages, and there is no sudo here", &by_hand));
    }
    let mut command = if is_root() { Command::new("sh") } else { Command::new("sudo") };
    if !is_root() {
        command.arg("sh");
    }
    command.args(["-c", INSTALL, "install"]).args(packages);
    quietly(&step, &mut command, &by_hand)
}

/// Whether `java` is 17 or newer; its first line reads `openjdk version "17.0.15" …`.
fn java_is_recent() -> bool {
    let Ok(answer) = Command::new("java").arg("-version").output() else {
        return false;
    };
    let text = String::from_utf8_lossy(&answer.stderr).into_owned();
    text.split('"').nth(1).and_then(|version| version.split('.').next()?.parse::<u32>().ok()).is_some_and(|major| major >= 17)
}

/// The first executable of that name on the `PATH`.
pub(super) fn on_path(command: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(command))
        .find(|file| file.is_file())
}
