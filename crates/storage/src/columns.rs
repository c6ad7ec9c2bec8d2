//! Between the domain's types and the columns'.

use std::{fmt::Display, str::FromStr};

use iso_currency::Currency;
use jiff::Timestamp;
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::StorageError;

pub(crate) fn uuids<T>(items: &[T], id: impl Fn(&T) -> Uuid) -> Vec<Uuid> {
    items.iter().map(id).collect()
}

/// A number on its way to or from a column, which has another width or sign. One that does not fit is a bug, never another number.
pub(crate) fn number<S, T: TryFrom<S, Error: Display>>(number: S) -> Result<T, StorageError> {
    T::try_from(number).map_err(unexpected)
}

/// Such numbers, one of each item.
pub(crate) fn numbers<I, S, T: TryFrom<S, Error: Display>>(items: &[I], of: impl Fn(&I) -> S) -> Result<Vec<T>, StorageError> {
    items.iter().map(|item| number(of(item))).collect()
}

pub(crate) fn parsed<T: FromStr<Err = String>>(text: &str) -> Result<T, StorageError> {
    text.parse().map_err(unexpected)
}

pub(crate) fn currency(code: &str) -> Result<Currency, StorageError> {
    Currency::from_code(code).ok_or_else(|| unexpected(format!("unknown currency {code:?}")))
}

pub(crate) fn timestamp(row: &PgRow, column: &str) -> Result<Timestamp, StorageError> {
    Ok(row.try_get::<jiff_sqlx::Timestamp, _>(column)?.to_jiff())
}

pub(crate) fn unexpected(error: impl Display) -> StorageError {
    StorageError::Unexpected(format!("{error}"))
}
