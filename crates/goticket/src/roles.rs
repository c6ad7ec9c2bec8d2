//! Which roles a process plays.

use std::collections::BTreeSet;
use std::str::FromStr;

use goticket_workers::WorkerRole;

/// One role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The API.
    Gateway,
    /// The waiting room.
    Admission,
    /// One of the workers.
    Worker(WorkerRole),
    /// The sandbox payment provider: stands for the outside world in demos and tests.
    Sandbox,
}

/// A set of roles, as `--roles` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleSet(BTreeSet<Role>);

impl RoleSet {
    /// Is this role played?
    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// The workers among them.
    pub(crate) fn workers(&self) -> Vec<WorkerRole> {
        let worker = |role: &Role| match role {
            Role::Worker(worker) => Some(*worker),
            _ => None,
        };
        self.0.iter().filter_map(worker).collect()
    }
}

impl FromStr for RoleSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = BTreeSet::new();
        for name in text.split(',').map(str::trim) {
            roles.extend(named(name)?);
        }
        Ok(Self(roles))
    }
}

fn named(name: &str) -> Result<Vec<Role>, String> {
    let workers = || WorkerRole::ALL.into_iter().map(Role::Worker);
    Ok(match name {
        "all" => [Role::Gateway, Role::Admission].into_iter().chain(workers()).collect(),
        "workers" => workers().collect(),
        "gateway" => vec![Role::Gateway],
        "admission" => vec![Role::Admission],
        "sandbox" => vec![Role::Sandbox],
        other => {
            let worker = other.parse().map_err(|_| {
                let known = WorkerRole::ALL.map(WorkerRole::as_str).join(", ");
                format!("unknown role {other:?}: expected all, workers, gateway, admission, {known} or sandbox")
            })?;
            vec![Role::Worker(worker)]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_one_by_one_or_in_groups() {
        let set = |text: &str| text.parse::<RoleSet>();
        assert_eq!(set("all").map(|s| s.0.len()), Ok(9));
        assert_eq!(set("workers").map(|s| s.workers().len()), Ok(7));
        assert_eq!(set("gateway, booking").map(|s| (s.has(Role::Gateway), s.workers())), Ok((true, vec![WorkerRole::Booking])));
        assert_eq!(set("all,sandbox").map(|s| s.has(Role::Sandbox)), Ok(true));
        assert!(set("gatway").unwrap_err().contains("gatway"));
        assert!(set("").is_err());
    }
}
