//! Who acts: accounts, roles, e-mail addresses, passwords' limits.

mod device;
mod mailbox;
pub mod organization;
mod password;

pub use device::{Device, MAX_DEVICE_CHARS};
pub use password::{MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, PREHASHED, PasswordError, check_password, prehash};
use serde::{Deserialize, Serialize};

/// What an account may do. Roles are ordered by power for display only; every check names the roles it lets through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A fan: joins lines, books, pays.
    User,
    /// May found organizations. What they may do in one, their role there says.
    Organizer,
    /// Operates the whole installation.
    Admin,
}

impl Role {
    /// The name used in tokens, tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organizer => "organizer",
            Self::Admin => "admin",
        }
    }
}

/// A role's name that is none of `user`, `organizer`, `admin`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown role: expected user, organizer or admin")]
pub struct UnknownRole;

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "user" => Ok(Self::User),
            "organizer" => Ok(Self::Organizer),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole),
        }
    }
}

/// How sure one is of who somebody is; what comes later includes what comes before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// They have an account: anybody has as many as they like.
    #[default]
    Account,
    /// They have shown that an e-mail address is theirs.
    VerifiedEmail,
}

impl Assurance {
    /// Every one, the weakest first. Stronger ones, like a verified phone or a document, come behind.
    pub const ALL: [Self; 2] = [Self::Account, Self::VerifiedEmail];

    /// The name used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::VerifiedEmail => "verified_email",
        }
    }
}

impl std::str::FromStr for Assurance {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|assurance| assurance.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not known: expected account or verified_email"))
    }
}

/// Longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Longest part before the `@`, in bytes (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// Longest part of a domain between two dots, in bytes (RFC 1035, section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;
/// Longest display name, in characters: it is printed on a ticket.
pub const MAX_NAME_CHARS: usize = 100;

/// An e-mail address in lower case that every mail server takes: an ASCII dot-atom (RFC 5322, section 3.2.3), `@`, and a dotted
/// domain of letters, digits and hyphens. Tickets are mailed after the payment, so what no server takes is refused before.
/// Whether it receives mail only a mail can tell.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// Why a text is no e-mail address.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EmailError {
    /// Longer than [`MAX_EMAIL_BYTES`].
    #[error("is longer than {MAX_EMAIL_BYTES} bytes")]
    TooLong,
    /// Not of the form `name@domain.tld`.
    #[error("is not an e-mail address of the form name@example.com, in plain ASCII")]
    Malformed,
}

impl EmailAddress {
    /// Parses and lower-cases.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.len() > MAX_EMAIL_BYTES {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailError::Malformed)?;
        if is_dot_atom(local) && domain.contains('.') && domain.split('.').all(is_label) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(EmailError::Malformed)
        }
    }

    /// The address, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_dot_atom(local: &str) -> bool {
    let is_atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    local.len() <= MAX_LOCAL_BYTES && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn is_label(label: &str) -> bool {
    let fits = (1..=MAX_LABEL_BYTES).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    fits && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_nonsense_is_refused() {
        let local = |bytes| format!("{}@example.com", "a".repeat(bytes));
        let label = |bytes| format!("a@{}.com", "b".repeat(bytes));
        // Four labels: `a@`, three of 63 with their dots, and the rest.
        let whole = |bytes: usize| format!("a@{0}.{0}.{0}.{1}", "b".repeat(63), "c".repeat(bytes - 2 - 3 * 64));
        let (local_fits, local_long) = (local(64), local(65));
        let (label_fits, label_long) = (label(63), label(64));
        let (whole_fits, whole_long) = (whole(254), whole(255));
        let malformed: Result<&str, EmailError> = Err(EmailError::Malformed);
        let rows: [(&str, Result<&str, EmailError>); 34] = [
            ("Fan@Example.com", Ok("fan@example.com")),
            (" a.b+c@d.example ", Ok("a.b+c@d.example")),
            ("o'neil-1_x@a-b.co.uk", Ok("o'neil-1_x@a-b.co.uk")),
            ("!#$%&'*+-/=?^_`{|}~@b.c", Ok("!#$%&'*+-/=?^_`{|}~@b.c")),
            ("a@xn--bcher-kva.example", Ok("a@xn--bcher-kva.example")),
            (&local_fits, Ok(&local_fits)),
            (&local_long, malformed),
            (&label_fits, Ok(&label_fits)),
            (&label_long, malformed),
            (&whole_fits, Ok(&whole_fits)),
            (&whole_long, Err(EmailError::TooLong)),
            ("", malformed),
            ("no-at.example", malformed),
            ("@b.c", malformed),
            ("a@", malformed),
            ("a@b", malformed),
            ("a@@b.c", malformed),
            ("a@b@c.d", malformed),
            ("a b@c.d", malformed),
            ("a@b c.d", malformed),
            ("a..b@x.com", malformed),
            (".a@x.com", malformed),
            ("a.@x.com", malformed),
            ("\u{fc}@x.com", malformed),
            ("a@\u{fc}.com", malformed),
            ("a@b..c", malformed),
            ("a@.b.c", malformed),
            ("a@b.c.", malformed),
            ("a@-b.c", malformed),
            ("a@b-.c", malformed),
            ("a@b_c.d", malformed),
            ("\"a\"@b.c", malformed),
            ("a@b.c\r\nBcc: x@y.z", malformed),
            ("<a>@b.c", malformed),
        ];
        for (text, expected) in rows {
            assert_eq!(EmailAddress::parse(text).as_ref().map(EmailAddress::as_str), expected.as_ref().copied(), "{text:?}");
        }
    }

    #[test]
    fn what_is_surer_includes_what_is_less_so() {
        assert!(Assurance::ALL.is_sorted());
        for assurance in Assurance::ALL {
            assert_eq!(assurance.as_str().parse(), Ok(assurance));
            assert!(assurance >= Assurance::default());
        }
        assert!("passport".parse::<Assurance>().is_err());
    }
}
