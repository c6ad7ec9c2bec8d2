//! The table for people: docs/POLICY.md is what this writes.

use std::fmt::Write as _;

use super::table::{Open, Rule, rule};
use super::{Action, Scope};
use crate::identity::organization::MemberRole;

const HEAD: &str = "\
# Who may do what

Made from the table in `crates/domain/src/policy/table.rs` by its test; change it there, and run the test with `GOTICKET_UPDATE_GENERATED=1`.

**By being there**: who may without being a member of anything. `anyone` and `logged in` (`verified`: with a verified address) hold for what is public: a \
published event, not a draft. `organizer`: organizers and admins, for an organization that they choose or found. `holder`: whose booking, ticket or membership it is.

**Members** of the organization that owns the thing, by their role there. What is about an owner of the organization (their role, their leaving, \
an invitation to become one) only owners do. **Admin**: the platform's. **Scope**: what an API key of the owning organization needs, or a service for any of them. \
**Roles**: `now`, as they are at the moment of the action; `≤ 60 s`, plain reads, for which they may be a minute old.

Whoever may not is told so (403, with the reason), or to log in (401); of a draft, a venue, an organization, a booking or a ticket that is none of theirs they \
are told what is told of an unknown id (404).

| action | by being there | owner | manager | box office | check-in | finance | admin | scope | roles |
|---|---|---|---|---|---|---|---|---|---|
";

/// docs/POLICY.md.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for action in Action::ALL {
        let _ = writeln!(text, "| `{}` {}", action.as_str(), row(&rule(*action)));
    }
    text
}

fn row(rule: &Rule) -> String {
    let open = match rule.open {
        Open::Anyone => "anyone",
        Open::Accounts => "logged in",
        Open::Verified => "verified",
        Open::Organizers => "organizer",
        Open::Holder => "holder",
        Open::Members => "",
    };
    let mark = |yes| if yes { "yes" } else { "" };
    let roles = MemberRole::ALL.map(|role| mark(rule.members.contains(&role)));
    let scope = rule.scope.map_or(String::new(), |scope: Scope| format!("`{}`", scope.as_str()));
    // Of what every account may, nothing more is looked at.
    let age = if rule.members.is_empty() && !matches!(rule.open, Open::Verified | Open::Organizers) {
        ""
    } else if rule.plain_read {
        "≤ 60 s"
    } else {
        "now"
    };
    format!("| {open} | {} | {} | {scope} | {age} |", roles.join(" | "), mark(rule.admin))
}
