//! Laying the sources over each other, and finding every wrong value in the result.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::{ConfigError, Problem};

const DEFAULTS: &str = include_str!("../../defaults.toml");
const PREFIX: &str = "GOTICKET__";

/// More problems than a person reads at once; also ends the search should a value resist being replaced.
const PROBLEMS_MAX: usize = 20;

/// The merged configuration, and the defaults that it was laid over.
pub(super) struct Layers {
    defaults: Table,
    merged: Table,
    problems: Vec<Problem>,
}

impl Layers {
    pub(super) fn read(file: Option<&Path>, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let defaults: Table = DEFAULTS.parse().map_err(|e| ConfigError::syntax("the embedded defaults", &e))?;
        let mut layers = Self { merged: defaults.clone(), defaults, problems: Vec::new() };
        if let Some(path) = file {
            layers.lay_file(path)?;
        }
        let mut vars: Vec<_> = env.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        // Stable: of a name that is given twice, the last one counts.
        vars.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, value) in vars {
            layers.lay_variable(&name, &value);
        }
        Ok(layers)
    }

    fn lay_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::unreadable(path, &e))?;
        let table: Table = text.parse().map_err(|e| ConfigError::syntax(&path.display().to_string(), &e))?;
        for section in table.keys().filter(|s| !self.defaults.contains_key(*s)) {
            self.problems.push(Problem::unknown(section, &self.section_names()));
        }
        overlay(&mut self.merged, table);
        Ok(())
    }

    fn lay_variable(&mut self, name: &str, text: &str) {
        let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
        let known = path.len() >= 2 && self.defaults.contains_key(&path[0]);
        if !known {
            self.problems.push(Problem::unknown(&path.join("."), &self.section_names()));
            return;
        }
        let value = typed_like(lookup(&self.defaults, &path), text);
        insert(&mut self.merged, &path, value);
    }

    fn section_names(&self) -> String {
        self.defaults.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// Deserializes `T`. After a wrong value its default stands in for it, so that one run names all of them.
    pub(super) fn parse<T: DeserializeOwned>(mut self) -> Result<T, ConfigError> {
        loop {
            match serde_path_to_error::deserialize(Value::Table(self.merged.clone())) {
                Ok(config) if self.problems.is_empty() => return Ok(config),
                Ok(_) => break,
                Err(error) => {
                    let problem = Problem::from_serde(&error, &self.merged);
                    let repaired = self.repair(&problem);
                    self.problems.push(problem);
                    if !repaired || self.problems.len() >= PROBLEMS_MAX {
                        break;
                    }
                }
            }
        }
        Err(ConfigError::new(self.problems))
    }

    /// Puts the default in place of a wrong value, or removes an unknown one. False when neither is possible.
    fn repair(&mut self, problem: &Problem) -> bool {
        let path: Vec<String> = problem.path().split('.').map(str::to_owned).collect();
        if self.problems.iter().any(|p| p.path() == problem.path()) {
            return false;
        }
        match lookup(&self.defaults, &path).cloned() {
            Some(default) => insert(&mut self.merged, &path, default),
            None => return remove(&mut self.merged, &path),
        }
        true
    }
}

/// Lays `upper` over `lower`, table by table.
fn overlay(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

/// Reads a variable's text as the type its default has; text that does not parse stays text, and is refused as such.
fn typed_like(default: Option<&Value>, text: &str) -> Value {
    let parsed = match default {
        Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
        Some(Value::Float(_)) => text.parse().ok().map(Value::Float),
        Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
        Some(Value::Array(_)) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

pub(super) fn lookup<'a>(table: &'a Table, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(first)?;
    if rest.is_empty() { Some(value) } else { lookup(value.as_table()?, rest) }
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let below = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !below.is_table() {
                *below = Value::Table(Table::new());
            }
            if let Value::Table(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

fn remove(table: &mut Table, path: &[String]) -> bool {
    match path {
        [] => false,
        [last] => table.remove(last).is_some(),
        [first, rest @ ..] => table.get_mut(first).and_then(Value::as_table_mut).is_some_and(|below| remove(below, rest)),
    }
}
