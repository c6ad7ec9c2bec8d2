//! Who acts: accounts, roles, e-mail addresses, passwords' limits.

use serde::{Deserialize, Serialize};

/// What an account may do. Roles are ordered by power for display only; every check names the roles it lets through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A fan: joins lines, books, pays.
    User,
    /// Sells events: venues, events, their rooms. Sees only what is its own.
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

/// Longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Shortest password, in characters (NIST SP 800-63B asks for at least 8).
pub const MIN_PASSWORD_CHARS: usize = 10;
/// Longest password, in bytes: bcrypt reads 72, the last of them the terminating NUL, and ignores what follows; so a longer one is
/// refused.
pub const MAX_PASSWORD_BYTES: usize = 71;
/// Longest display name, in characters: it is printed on a ticket.
pub const MAX_NAME_CHARS: usize = 100;

/// A syntactically plausible e-mail address in lower case: one `@`, a dotted domain, no white space or control characters.
/// Whether it receives mail only a mail can tell.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// Why a text is no e-mail address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EmailError {
    /// Longer than [`MAX_EMAIL_BYTES`].
    #[error("is longer than {MAX_EMAIL_BYTES} bytes")]
    TooLong,
    /// Not of the form `name@domain.tld`.
    #[error("is not an e-mail address of the form name@example.com")]
    Malformed,
}

impl EmailAddress {
    /// Parses and lower-cases.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.len() > MAX_EMAIL_BYTES {
            return Err(EmailError::TooLong);
        }
        let (name, domain) = text.split_once('@').ok_or(EmailError::Malformed)?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c);
        let labels_ok = domain.split('.').count() >= 2
            && domain.split('.').all(|l| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-'));
        let name_ok = !name.is_empty() && name.len() <= 64 && name.chars().all(plain);
        if name_ok && labels_ok && domain.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.') {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(EmailError::Malformed)
        }
    }

    /// The address, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a password is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Fewer than [`MIN_PASSWORD_CHARS`] characters.
    #[error("must have at least {MIN_PASSWORD_CHARS} characters")]
    TooShort,
    /// More than [`MAX_PASSWORD_BYTES`] bytes.
    #[error("must have at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// Contains a NUL byte, at which some bcrypt implementations stop reading.
    #[error("must not contain a NUL character")]
    Nul,
}

/// Checks a new password against the limits; the text itself is never kept.
pub fn check_password(password: &str) -> Result<(), PasswordError> {
    if password.contains('\0') {
        Err(PasswordError::Nul)
    } else if password.chars().count() < MIN_PASSWORD_CHARS {
        Err(PasswordError::TooShort)
    } else if password.len() > MAX_PASSWORD_BYTES {
        Err(PasswordError::TooLong)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_nonsense_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        let rows: [(&str, Result<&str, EmailError>); 9] = [
            ("Fan@Example.com", Ok("fan@example.com")),
            (" a.b+c@d.example ", Ok("a.b+c@d.example")),
            ("no-at.example", Err(EmailError::Malformed)),
            ("a@b", Err(EmailError::Malformed)),
            ("a@@b.c", Err(EmailError::Malformed)),
            ("a b@c.d", Err(EmailError::Malformed)),
            ("a@b.c\r\nBcc: x@y.z", Err(EmailError::Malformed)),
            ("<a>@b.c", Err(EmailError::Malformed)),
            (&long, Err(EmailError::Malformed)),
        ];
        for (text, expected) in rows {
            assert_eq!(EmailAddress::parse(text).as_ref().map(EmailAddress::as_str), expected.as_ref().copied(), "{text:?}");
        }
    }

    #[test]
    fn passwords_are_limited_at_both_ends() {
        let rows = [
            ("ninechars".to_owned(), Err(PasswordError::TooShort)),
            ("ten chars!".to_owned(), Ok(())),
            ("x".repeat(71), Ok(())),
            ("x".repeat(72), Err(PasswordError::TooLong)),
            ("ü".repeat(36), Err(PasswordError::TooLong)),
            ("0123456789\0".to_owned(), Err(PasswordError::Nul)),
        ];
        for (password, expected) in rows {
            assert_eq!(check_password(&password), expected, "{password:?}");
        }
    }
}
