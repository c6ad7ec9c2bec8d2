//! What is wrong with a configuration, said so that it can be put right: full name, value, what is allowed.

use std::{fmt, io, path::Path};

use toml::{Table, Value};

use super::{layers::lookup, secret};

/// A configuration that was refused. Its text names every problem and shows no secret.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One wrong, missing or unknown setting.
#[derive(Debug)]
pub struct Problem {
    path: String,
    value: Option<String>,
    complaint: String,
}

impl ConfigError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::about_file(&path.display().to_string(), format!("cannot be read: {error}"))
    }

    pub(super) fn syntax(source: &str, error: &toml::de::Error) -> Self {
        // The error's full text quotes the offending line, which may hold a secret: only its message and place are shown.
        let at = error.span().map(|span| format!(" at byte {}", span.start)).unwrap_or_default();
        Self::about_file(source, format!("is not valid TOML{at}: {}", error.message()))
    }

    fn about_file(source: &str, complaint: String) -> Self {
        Self { problems: vec![Problem { path: source.to_owned(), value: None, complaint }] }
    }

    /// Every problem that was found, in the order of finding.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is refused:")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl Problem {
    /// The setting's full name, e.g. `postgres.max_connections`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("GOTICKET__{}", self.path.to_uppercase().replace('.', "__"))
    }

    pub(super) fn unknown(path: &str, expected: &str) -> Self {
        let complaint = format!("is not a known setting; known sections: {expected}");
        Self { path: path.to_owned(), value: None, complaint }
    }

    pub(super) fn from_serde(error: &serde_path_to_error::Error<toml::de::Error>, merged: &Table) -> Self {
        let parent = error.path().to_string();
        let message = error.inner().message();
        if let Some(field) = quoted_after(message, "missing field `") {
            let path = join(&parent, field);
            let complaint = "is missing and has no default".to_owned();
            return Self { path, value: None, complaint };
        }
        if let Some(field) = quoted_after(message, "unknown field `") {
            let path = if parent.ends_with(field) { parent } else { join(&parent, field) };
            let complaint = format!("is not a known setting{}", tail(message, ", expected "));
            return Self { path, value: None, complaint };
        }
        let segments: Vec<String> = parent.split('.').map(str::to_owned).collect();
        let value = lookup(merged, &segments);
        if secret::is_secret(&parent) {
            // Even the complaint could quote the value: only what is expected may be shown.
            let complaint = format!("is not allowed{}", tail(message, ", expected "));
            return Self { path: parent, value: value.map(|_| "<redacted>".to_owned()), complaint };
        }
        Self { path: parent, value: value.map(shown), complaint: format!("is not allowed: {message}") }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.path, self.variable())?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, " {}", self.complaint)
    }
}

fn join(parent: &str, field: &str) -> String {
    if parent.is_empty() || parent == "." { field.to_owned() } else { format!("{parent}.{field}") }
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').next()
}

fn tail<'a>(message: &'a str, from: &str) -> &'a str {
    message.find(from).map_or("", |at| &message[at..])
}

fn shown(value: &Value) -> String {
    value.to_string()
}
